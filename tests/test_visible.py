from hypothesis import given
from hypothesis import strategies as st

from vscbench.visible import visible


def test_a_cut_says_how_much_is_missing() -> None:
    assert visible("abcdef", 4) == "abcd [... 2 more characters]"


@given(st.text(st.characters(codec=None, exclude_categories=())), st.integers(1, 50))
def test_shown_text_has_nothing_a_terminal_obeys(text: str, limit: int) -> None:
    shown = visible(text, limit)
    shown.encode("utf-8")
    assert not set(shown) & {"\x1b", "\x00", "\r", "\u202e", "\u200b", "\u2028"}
