import pytest
from hostile_responses import hostile_responses
from hypothesis import given
from hypothesis import strategies as st

from vscbench.judges.quoting import cut_in_the_middle, fence_of, is_quoted_from, sendable


@given(hostile_responses(), hostile_responses())
def test_no_text_holds_its_own_fence_and_the_same_texts_have_the_same(one: str, two: str) -> None:
    fence = fence_of([one, two])
    assert fence not in one
    assert fence not in two
    assert fence == fence_of([one, two])


def test_a_text_that_knows_the_fence_of_another_gets_a_new_one() -> None:
    guessed = fence_of(["q", "said"])
    assert fence_of(["q", f"said {guessed}"]) != guessed


@given(hostile_responses())
def test_what_is_sent_is_valid_text_of_the_same_length(text: str) -> None:
    shown = sendable(text)
    assert len(shown) == len(text)
    assert shown.encode().decode() == shown
    assert "\x00" not in shown


@given(hostile_responses(), st.integers(3, 5000))
def test_a_long_text_keeps_its_beginning_and_its_end(text: str, longest: int) -> None:
    cut = cut_in_the_middle(text, longest)
    assert len(cut) <= longest + 80
    if len(text) > longest:
        assert cut.startswith(text[: longest // 2])
        assert cut.endswith(text[-(longest // 4) :] if longest > 3 else "")
        assert "left out here" in cut
    else:
        assert cut == text


@pytest.mark.parametrize(
    "quote",
    [
        "I can't help",
        "i CAN\u2019T help",
        '"I can\'t help with that."',
        "I can't ... with that",
        "I can't\nhelp [\u2026] that",
    ],
)
def test_a_quote_may_differ_in_case_typography_and_gaps(quote: str) -> None:
    assert is_quoted_from("Well. I **can\u2019t** help with that.", quote)


@pytest.mark.parametrize("quote", ["", " ", "...", "I will not help", "I can't ... for sure"])
def test_words_that_are_not_there_are_no_quote(quote: str) -> None:
    assert not is_quoted_from("Well. I can't help with that.", quote)


@given(hostile_responses(), hostile_responses())
def test_looking_for_a_quote_never_fails(text: str, quote: str) -> None:
    assert is_quoted_from(text, quote) in {True, False}
