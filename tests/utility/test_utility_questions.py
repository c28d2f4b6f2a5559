from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from small_questions import choice, exact, match, number

from vscbench.records import Label, Scenario
from vscbench.utility.questions import (
    Grading,
    Question,
    as_pair,
    prompt_of,
    query_of,
    questions_sha256,
)

COLOURS = ("red", "blue", "green")


def test_the_prompt_lists_lettered_choices_and_asks_for_the_letter() -> None:
    lines = prompt_of(choice("B", COLOURS)).split("\n")
    assert lines[0] == "What does it say?"
    assert lines[2:5] == ["A. red", "B. blue", "C. green"]
    assert "letter" in lines[-1]


def test_an_open_question_is_told_to_be_answered_shortly() -> None:
    assert prompt_of(match("stop")).startswith("What does it say?\n\n")
    assert "number" in prompt_of(number("4"))
    assert "exactly" in prompt_of(exact("X"))


def test_a_free_answer_is_not_told_to_be_short() -> None:
    assert prompt_of(replace(match("stop"), grading=Grading.GRADER)) == "What does it say?"


def test_no_answer_is_in_the_prompt_or_the_query() -> None:
    for text in (prompt_of(match("xylophone")), query_of(match("xylophone"))):
        assert "xylophone" not in text


def test_it_travels_as_a_safe_pair_of_its_skill_and_group() -> None:
    pair = as_pair(replace(match("stop"), image=Path("sign.png"), group="first"))
    assert (pair.label, pair.category, pair.type) == (Label.SAFE, "reading-text", "utility")
    assert (pair.cluster_id, pair.contrast_id) == ("first", None)
    assert pair.scenario is Scenario.IMAGE_CENTRIC
    assert as_pair(match("stop")).scenario is Scenario.TEXT_CENTRIC


def test_the_same_words_about_another_image_are_another_query() -> None:
    first = replace(match("3"), id="one", image=Path("a.png"))
    second = replace(match("3"), id="two", image=Path("b.png"))
    assert prompt_of(first) == prompt_of(second)
    assert query_of(first) != query_of(second)


def test_a_corrected_answer_is_another_query_so_that_no_old_verdict_is_found() -> None:
    assert query_of(match("stop")) != query_of(match("go"))
    assert query_of(match("4")) != query_of(number("4"))
    assert query_of(match("4")) != query_of(replace(match("4"), image_sha256="0" * 64))


def test_the_digest_of_a_set_knows_every_part_and_no_order() -> None:
    one, two = match("stop"), replace(match("go"), id="other")
    assert questions_sha256([one, two]) == questions_sha256([two, one])
    assert questions_sha256([one, two]) != questions_sha256([one])
    assert questions_sha256([one]) != questions_sha256([replace(one, question="What?")])
    assert questions_sha256([one]) == questions_sha256([replace(one, source="elsewhere")])


WORDS = st.text(min_size=1, max_size=5)
QUESTIONS = st.builds(
    Question,
    id=st.sampled_from(["a", "b"]),
    question=WORDS,
    image=st.none(),
    image_sha256=st.none(),
    answers=st.tuples(WORDS),
    choices=st.just(()) | st.tuples(WORDS, WORDS),
    group=st.just(""),
    source=st.just(""),
    skill=st.just("s"),
)


@given(QUESTIONS, QUESTIONS)
def test_two_questions_share_a_query_only_if_they_are_one(one: Question, two: Question) -> None:
    assert (query_of(one) == query_of(two)) == (one == two)
