import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import DataError
from vscbench.utility.converting import Converted, convert
from vscbench.utility.questions import LETTERS
from vscbench.utility.reading import load_questions
from vscbench.utility.source_rows import question_fields

LETTER_COLUMNS = {"A": "no", "B": "D", "C": "B", "D": "A"}


def listed(choices: list[object], answer: object) -> object:
    row = {"question": "Which?", "choices": choices, "answer": answer}
    return question_fields(row, {}, 1)["answer"]


def from_csv_and_json(folder: Path, rows: list[dict[str, object]]) -> tuple[Converted, Converted]:
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    return convert(folder / "rows.csv", folder / "a"), convert(folder / "rows.json", folder / "b")


@pytest.mark.parametrize("answer", "ABCD")
def test_beside_columns_of_letters_the_answer_is_the_letter(answer: str, tmp_path: Path) -> None:
    row: dict[str, object] = {"question": "Which letter?", **LETTER_COLUMNS, "answer": answer}
    for done in from_csv_and_json(tmp_path, [row]):
        assert [each.answers for each in done.questions] == [(answer,)]
        assert done.questions[0].choices == ("no", "D", "B", "A")
    assert load_questions(tmp_path / "a" / "questions.jsonl")[0].answers == (answer,)


def test_beside_columns_of_letters_a_number_is_no_index() -> None:
    row = {"question": "How many?", "A": "3", "B": "2", "C": "1"}
    assert question_fields({**row, "answer": 2}, {}, 1)["answer"] == "B"
    with pytest.raises(DataError, match="none of its 3 choices"):
        question_fields({**row, "answer": 0}, {}, 1)


@pytest.mark.parametrize(
    ("choices", "answer"),
    [
        (["3", "2", "1"], 2),
        (["3", "2", "1"], "2"),
        ([1, 2, 3], 1),
        (["B", "C", "A"], "A"),
        (["b", "a"], "a"),
    ],
)
def test_an_answer_that_reads_two_ways_is_ambiguous(choices: list[object], answer: object) -> None:
    with pytest.raises(DataError, match=r"ambiguous: it may mean . or ."):
        listed(choices, answer)


@pytest.mark.parametrize(
    ("choices", "answer", "letter"),
    [
        (["0", "1", "2"], 1, "B"),
        (["30", "20", "10"], 2, "C"),
        (["30", "20", "10"], "20", "B"),
        (["A", "B"], "B", "B"),
        (["iron", "wood"], "(b)", "B"),
        (["B", "A"], 0, "(A)"),
    ],
)
def test_an_answer_that_reads_one_way_is_that_choice(
    choices: list[object], answer: object, letter: str
) -> None:
    assert listed(choices, answer) == letter


def test_an_ambiguous_row_is_left_out_with_its_reason_from_a_table_as_from_json(
    tmp_path: Path,
) -> None:
    fine: dict[str, object] = {"question": "?", "choices": "['red', 'blue']", "answer": 1}
    doubtful: dict[str, object] = {"question": "?", "choices": "['2', '1', '0']", "answer": 2}
    by_table, by_json = from_csv_and_json(tmp_path, [fine, doubtful])
    assert [each.answers for each in by_table.questions] == [("B",)]
    assert [each.answers for each in by_json.questions] == [("B",)]
    for done, place in ((by_table, "rows.csv, line 3"), (by_json, "rows.json, entry 2")):
        (reason,) = done.left_out
        assert reason.startswith(place)
        assert "'2' is ambiguous: it may mean A or C" in reason


@given(
    st.lists(st.sampled_from(["A", "B", "C", "0", "1", "2", "x"]), min_size=2, unique=True),
    st.sampled_from(["A", "B", "C", "0", "1", "2", "x"]),
)
def test_digits_mean_the_same_as_a_number_and_as_text(choices: list[object], answer: str) -> None:
    def read(given_answer: object) -> object:
        try:
            return listed(choices, given_answer)
        except DataError as error:
            return str(error)

    found = read(answer)
    assert not answer.isdigit() or read(int(answer)) == found
    assert str(found).strip("()") in LETTERS or "its answer" in str(found)


@pytest.mark.parametrize("answer", [float("inf"), [4, float("nan")]])
def test_an_answer_that_is_no_finite_number_is_told(answer: object) -> None:
    with pytest.raises(DataError, match="not a finite number"):
        question_fields({"question": "?", "answer": answer}, {}, 1)
