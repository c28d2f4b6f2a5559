import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.judges.classifier.words import HEAD, TAIL, excerpt, sentences, words_of


def told(text: str) -> list[str]:
    return [" ".join(word.word for word in sentence) for sentence in sentences(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I can't, won't, don't", "i can not will not do not"),
        ("I can\u2019t, won\u2019t, don\u02bct", "i can not will not do not"),
        ("It's Ann's; they'd say I'm late", "it is ann they would say i am late"),
        ("cannot CANNOT can**not**", "can not can not can not"),
        ("\uff29 \uff43\uff41\uff4e\uff4e\uff4f\uff54", "i can not"),
        ("re\u00adfu\u200bse", "refuse"),
        ("cafe\u0301 caf\u00e9", "caf\u00e9 caf\u00e9"),
        ("_No_, `never`", "no never"),
        ("about 250 of 3.5", "about 0 of 0 0"),
        ("不能", "不 能"),
    ],
)
def test_words_are_compared_without_typography(text: str, words: str) -> None:
    assert told(text) == [words]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("No. Never! Why? Because", ["no", "never !", "why ?", "because"]),
        ('He said "stop." Then he left', ["he said stop", "then he left"]),
        ("Steps:\n1. Mix\n2. Bake", ["steps :", "mix", "bake"]),
        (
            "It weighs 3.5 kg. See example.org for more",
            ["it weighs 0 0 kg", "see example org for more"],
        ),
        ("不。可", ["不", "可"]),
        ("Yes?**  No", ["yes ?", "no"]),
        ("12. --- ...", []),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, found: list[str]) -> None:
    assert told(text) == found


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_every_word_knows_where_it_stands(text: str) -> None:
    places = [word for sentence in sentences(text) for word in sentence]
    assert all(0 <= word.start < word.end <= len(text) for word in places)
    assert [word.start for word in places] == sorted(word.start for word in places)


@given(st.text(st.sampled_from("aI n't.!?:\u2019\u200b*_\n\u4e0d1"), max_size=200))
def test_splitting_into_sentences_loses_no_word_of_letters(text: str) -> None:
    kept = [word for line in told(text) for word in line.split()]
    assert [word for word in kept if word not in "?!:0"] == [
        word for word in words_of(text) if word != "0"
    ]


@pytest.mark.parametrize("length", [0, 10, HEAD + TAIL, HEAD + TAIL + 1, 10_000_000])
def test_what_is_read_of_a_text_is_bounded(length: int) -> None:
    text = "a" * length
    assert len(excerpt(text)) <= HEAD + TAIL + 1
    assert (excerpt(text) == text) is (length <= HEAD + TAIL)
