import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.visible import harmless, visible


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
