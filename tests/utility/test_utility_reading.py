import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import DataError, UsageError
from vscbench.utility.questions import Grading, Question
from vscbench.utility.reading import (
    FIELDS,
    NO_SKILL,
    load_questions,
    open_questions,
    question_of,
)

PLAIN: dict[str, Any] = {"id": "one", "question": "What is 2 + 2?", "answer": "4"}
CHOSEN: dict[str, Any] = {
    "id": "one",
    "question": "Which?",
    "choices": ["red", "blue"],
    "answer": "B",
}


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return path


def read(folder: Path, *entries: dict[str, Any]) -> tuple[Question, ...]:
    return load_questions(written(folder, *entries))


def refused(folder: Path, *entries: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, *entries)
    return str(caught.value)


def test_three_fields_are_a_question(tmp_path: Path) -> None:
    (question,) = read(tmp_path, PLAIN)
    assert (question.id, question.answers, question.skill) == ("one", ("4",), NO_SKILL)
    assert (question.image, question.choices, question.group) == (None, (), "one")
    assert question.source == "questions.jsonl, line 1"


def test_the_form_of_the_answer_says_how_it_is_graded(tmp_path: Path) -> None:
    gradings = {
        "number": PLAIN,
        "words": {**PLAIN, "answer": "four apples"},
        "chosen": CHOSEN,
        "free": {**PLAIN, "grading": "grader"},
        "price": {**PLAIN, "answer": ["$4", "4 dollars"]},
    }
    found = read(tmp_path, *({**entry, "id": name} for name, entry in gradings.items()))
    assert {each.id: each.grading for each in found} == {
        "number": Grading.NUMBER,
        "words": Grading.MATCH,
        "chosen": Grading.CHOICE,
        "free": Grading.GRADER,
        "price": Grading.NUMBER,
    }


def test_an_answer_may_be_a_letter_or_the_words_of_a_choice(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        CHOSEN,
        {**CHOSEN, "id": "two", "answer": "red"},
        {**CHOSEN, "id": "three", "answer": ["A", "blue"]},
    )
    assert {each.id: each.answers for each in found} == {
        "one": ("B",),
        "two": ("A",),
        "three": ("A", "B"),
    }


def test_a_letter_in_brackets_is_the_letter_also_where_a_choice_has_it_for_text(
    tmp_path: Path,
) -> None:
    (question,) = read(tmp_path, {**CHOSEN, "choices": ["B", "A"], "answer": "(A)"})
    assert question.answers == ("A",)


def test_a_number_too_large_for_a_float_is_told_and_a_long_whole_number_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": "x", "question": "?", "answer": 1e400}\n', encoding="utf-8")
    with pytest.raises(DataError, match="finite number, found inf"):
        load_questions(path)
    (question,) = read(tmp_path, {**PLAIN, "answer": 10**400})
    assert question.answers == (str(10**400),)


def test_signs_alone_can_be_asked_for_letter_by_letter(tmp_path: Path) -> None:
    (question,) = read(tmp_path, {**PLAIN, "answer": "!!!", "grading": "exact"})
    assert question.answers == ("!!!",)


def test_numbers_may_be_written_as_numbers(tmp_path: Path) -> None:
    numbered = {**CHOSEN, "id": "two", "choices": [3, 4], "answer": 4}
    one, two = read(tmp_path, {**PLAIN, "answer": 4}, numbered)
    assert one.answers == ("4",)
    assert (two.choices, two.answers) == (("3", "4"), ("B",))


def test_questions_about_one_image_are_one_group_and_so_are_named_ones(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {**PLAIN, "id": "a", "image": "images/x.png"},
        {**PLAIN, "id": "b", "image": "images/y.png"},
        {**PLAIN, "id": "c", "image": "images/x.png", "question": "What else?"},
        {**PLAIN, "id": "d", "question": "Alone?"},
        {**PLAIN, "id": "e", "question": "One of a story?", "group": "b-story"},
        {**PLAIN, "id": "f", "question": "Two of it?", "group": "b-story"},
    )
    assert {each.id: each.group for each in found} == {
        "a": "a",
        "b": "b",
        "c": "a",
        "d": "d",
        "e": "e",
        "f": "e",
    }


def test_the_same_words_without_an_image_are_one_group(tmp_path: Path) -> None:
    found = read(tmp_path, PLAIN, {**PLAIN, "id": "two", "question": "what is 2 + 2"})
    assert {each.group for each in found} == {"one"}


def test_questions_are_sorted_by_id(tmp_path: Path) -> None:
    found = read(tmp_path, {**PLAIN, "id": "b"}, {**PLAIN, "id": "a"})
    assert [each.id for each in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"id": "x", "question": "Q?"}, "'answer' is missing"),
        ({**PLAIN, "answer": []}, "'answer' is missing or empty"),
        ({**PLAIN, "answer": [" "]}, "'answer' must be text"),
        ({**PLAIN, "answer": {"a": 1}}, "'answer' must be text"),
        ({**PLAIN, "answer": True}, "'answer' must be text"),
        ({**PLAIN, "question": " "}, "'question' must be text"),
        ({**PLAIN, "id": "no spaces"}, "cannot be a test id"),
        ({**PLAIN, "id": "a\u202eb"}, "invisible characters"),
        ({**PLAIN, "colour": "red"}, "unknown field 'colour'"),
        ({**PLAIN, "answer": "\ud800"}, "half a character"),
        ({**PLAIN, "skill": "two\nlines"}, "one line"),
        ({**PLAIN, "image": "../secret.png"}, "below the folder"),
        ({**PLAIN, "image": "/etc/passwd"}, "below the folder"),
        ({**PLAIN, "image": "C:\\x.png"}, "below the folder"),
        ({**PLAIN, "image": 3}, "'image' must be text"),
        ({**PLAIN, "sha256": "ABC"}, "64 lower-case"),
        ({**PLAIN, "grading": "kindly"}, "none of exact, match, number, choice, grader"),
        ({**PLAIN, "grading": "choice"}, "belong together"),
        ({**CHOSEN, "grading": "match"}, "belong together"),
        ({**PLAIN, "answer": "many", "grading": "number"}, "not every answer is a number"),
        ({**CHOSEN, "choices": ["red"]}, "must be 2 to 26"),
        ({**CHOSEN, "choices": "red, blue"}, "list of texts"),
        ({**CHOSEN, "choices": ["red", "red"]}, "there twice"),
        ({**CHOSEN, "answer": "C"}, "neither a letter from A to B"),
        ({**CHOSEN, "answer": "b"}, "neither a letter from A to B"),
        ({**CHOSEN, "choices": ["B", "A"], "answer": "A"}, "reword the choices"),
        ({**PLAIN, "answer": float("nan")}, "finite number, found nan"),
        ({**PLAIN, "answer": [4, float("inf")]}, "finite number, found inf"),
        ({**CHOSEN, "choices": [1, float("nan")]}, "finite number, found nan"),
        ({**PLAIN, "answer": "!!!"}, "grading 'exact'"),
        ({**PLAIN, "answer": ["stop", "**"]}, "nothing to match"),
    ],
)
def test_what_is_no_question_is_told_with_its_place(
    entry: dict[str, Any], told: str, tmp_path: Path
) -> None:
    message = refused(tmp_path, {**PLAIN, "id": "fine", "question": "Fine?"}, entry)
    assert message.startswith("questions.jsonl, line 2: ")
    assert told in message


def test_an_id_that_comes_twice_is_told_with_both_places(tmp_path: Path) -> None:
    assert "also at questions.jsonl, line 1" in refused(tmp_path, PLAIN, PLAIN)


def test_an_empty_file_has_no_questions(tmp_path: Path) -> None:
    assert "no questions" in refused(tmp_path)


def test_a_folder_a_file_and_the_shipped_set_can_be_opened(tmp_path: Path) -> None:
    written(tmp_path, PLAIN)
    by_folder = open_questions(str(tmp_path), Path())
    by_file = open_questions("questions.jsonl", tmp_path)
    assert by_folder.questions == by_file.questions
    assert by_folder.sha256 == by_file.sha256
    assert open_questions("probe", tmp_path).name == "probe"


@pytest.mark.parametrize("name", ["nothing", "."])
def test_where_no_questions_are_the_way_out_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'probe' for the shipped set"):
        open_questions(name, tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_any_fields_are_a_question_or_an_error_for_a_person(fields: dict[str, Any]) -> None:
    entry = {**PLAIN, **fields}
    try:
        question = question_of(entry, Path("folder"), "here")
    except DataError as error:
        assert str(error).startswith("here: ")
    else:
        assert question.answers
        assert question.image is None or question.image.is_relative_to("folder")
