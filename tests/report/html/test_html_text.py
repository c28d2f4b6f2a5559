import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from vscbench.report.html.text import (
    LONGEST,
    SHORTEST,
    common_limit,
    page_bytes,
    passage,
    shown,
)

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)


@given(ANY_TEXT)
def test_nothing_that_could_be_obeyed_is_left_in_a_text(text: str) -> None:
    left = shown(text).replace("\n", "").replace("\t", "")
    assert not any(unicodedata.category(each)[0] == "C" for each in left)
    assert not set(left) & {"\u2028", "\u2029"}
    shown(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_control_characters_are_written_out() -> None:
    assert shown("a\x00b\x1b[31m\u202ec\r\nd\te") == "a\\x00b\\x1b[31m\\u202ec\nd\te"
    assert shown("\ud800") == "\\ud800"


@given(ANY_TEXT, st.integers(SHORTEST, 10_000))
def test_a_text_that_fits_is_there_whole_though_some_of_it_is_folded(text: str, limit: int) -> None:
    found = passage(text, limit)
    whole = shown(text)
    if page_bytes(text) <= limit:
        assert (found.start + found.rest, found.left_out) == (whole, 0)
    else:
        assert found.left_out > 0
        assert whole.startswith(found.start + found.rest)


def test_a_long_text_is_folded_at_a_word_and_cut_at_the_limit() -> None:
    found = passage("word " * 1000, 2000)
    assert 200 < len(found.start) <= 320
    assert found.start.endswith(" ")
    assert len(found.start) + len(found.rest) == 2000
    assert found.left_out == 3000


def test_many_lines_are_folded_even_where_they_are_short() -> None:
    assert passage("a\n" * 40, 2000).start.count("\n") < 10


def test_an_enormous_text_keeps_its_first_characters_alone() -> None:
    found = passage("x" * 1_000_000, 10**9)
    assert len(found.start + found.rest) == LONGEST
    assert found.left_out == 1_000_000 - LONGEST


def test_a_text_of_many_escapes_takes_no_more_room_than_another() -> None:
    for hostile in ("\x00" * 5000, "<" * 5000, "\U000e0041" * 5000):
        found = passage(hostile, 3000)
        assert page_bytes(found.start + found.rest) <= 3000
        assert found.left_out > 0


@given(st.lists(st.integers(0, 50_000), max_size=40), st.integers(0, 200_000))
def test_one_limit_keeps_all_texts_within_the_budget(sizes: list[int], budget: int) -> None:
    limit = common_limit(sizes, budget)
    assert limit >= SHORTEST
    if limit > SHORTEST:
        assert sum(min(size, limit) for size in sizes) <= budget


def test_short_texts_leave_their_room_to_long_ones() -> None:
    assert common_limit([100, 100, 5000, 9000], 8200) == 4000
    assert common_limit([100, 5000], 100_000) == 5000
