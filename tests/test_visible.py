import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.visible import columns, escaped, harmless, padded, visible, wrapped


def test_a_cut_says_how_much_is_missing() -> None:
    assert visible("abcdef", 4) == "abcd [... 2 more characters]"


@given(st.text(st.characters(codec=None, exclude_categories=())), st.integers(1, 50))
def test_shown_text_has_nothing_a_terminal_obeys(text: str, limit: int) -> None:
    shown = visible(text, limit)
    shown.encode("utf-8")
    assert not set(shown) & {"\x1b", "\x00", "\r", "\u202e", "\u200b", "\u2028"}


@pytest.mark.parametrize(
    "order",
    [
        "::add-mask::x",
        "   ::set-output name=a::b",
        "\n\n  ::error::x",
        "fine\n::stop-commands::x",
        "said ##[add-mask]x",
        "said ##vso[task.setvariable variable=a]b",
        "##teamcity[buildStop]",
    ],
)
def test_orders_to_a_service_that_runs_builds_are_shown(order: str) -> None:
    for text in (harmless(order), visible(order, 100)):
        assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)
        assert "x3a:" in text or "x23#" in text


def test_colons_and_signs_that_order_nothing_stay() -> None:
    for text in ("std::vector", "a :: b", "## heading", "#1 [x]", "tests/a.py::test_b"):
        assert harmless(text) == text


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANY_TEXT)
def test_a_name_stays_on_its_line(text: str) -> None:
    shown = escaped(text)
    assert visible(shown, len(shown)) == shown
    assert len(shown.splitlines()) <= 1


def test_readable_text_of_any_script_stays_readable() -> None:
    text = "\u7cfb\u7edf r\u00e9pondre \u0395\u03bb\u03bb\u03ac\u03b4\u03b1 \U0001f600"
    assert escaped(text) == visible(text, 100) == text


@given(ANY_TEXT, st.integers(3, 40))
def test_a_padded_text_has_its_width_and_a_wrapped_one_at_most(text: str, width: int) -> None:
    shown = escaped(text)
    assert columns(padded(shown, width)) == width
    assert all(columns(line) <= width for line in wrapped(shown, width, ""))


def test_a_chinese_character_takes_two_columns() -> None:
    said = "\u7cfb\u7edf\u68c0\u6d4b"
    assert columns(said) == 8
    assert padded(said, 7) == "\u7cfb\u7edf..."
    assert wrapped(f"a {said}", 6, "  ") == ["a \u7cfb\u7edf", "  \u68c0", "  \u6d4b"]
