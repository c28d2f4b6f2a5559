import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.judges.label_tables import read_label_table
from vscbench.report.spreadsheet import BOM, LONGEST_CELL, guarded, to_csv

FULL_WIDTH = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", *FULL_WIDTH)
# What a spreadsheet can show.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\t\r\n"))


@pytest.mark.parametrize("start", [*FORMULAS, " =", "'=", "''@", "  +"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(start: str) -> None:
    assert guarded(f"{start}HYPERLINK(0)") == f"'{start}HYPERLINK(0)"


@pytest.mark.parametrize("text", ["", "Sure.", "1 + 1 = 2", "'quoted'", "don't", "a=b", "é"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text


@given(TEXT | st.builds("".join, st.lists(st.sampled_from(["'", " ", *FORMULAS, "x"]))))
def test_no_cell_begins_as_a_formula(text: str) -> None:
    cell = guarded(text)
    assert not cell.startswith(FORMULAS)
    assert not cell.strip().startswith(FORMULAS)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1))
def test_a_table_reads_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    text = to_csv(("a", "b"), [{"a": a, "b": b} for a, b in rows])
    path.write_bytes(text.encode())
    kept = [row for row in rows if any(guarded(cell).strip() for cell in row)]
    table = read_label_table(path)
    assert [(row.cells["a"], row.cells["b"]) for row in table.rows] == kept


def test_numbers_stay_numbers_and_texts_that_look_like_them_are_guarded() -> None:
    text = to_csv(("a", "b", "c"), [{"a": -3, "b": -0.25, "c": "-3"}, {"a": 0, "b": None}])
    assert list(csv.reader(text.splitlines()[1:])) == [["-3", "-0.25", "'-3"], ["0", "", ""]]


def test_pandas_reads_a_column_with_negative_numbers_as_numbers() -> None:
    pandas = pytest.importorskip("pandas")
    text = to_csv(("change",), [{"change": -0.25}, {"change": None}, {"change": 1}])
    table = pandas.read_csv(io.StringIO(text.removeprefix(BOM)))
    assert table["change"].sum() == 0.75


def test_excel_is_told_that_it_is_utf_8_and_line_breaks_stay_in_their_cell(tmp_path: Path) -> None:
    text = to_csv(("said",), [{"said": "one\ntwo, „three“\u2028four"}])
    assert text.startswith("\ufeffsaid\r\n")
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    (row,) = read_label_table(path).rows
    assert row.cells["said"] == "one\ntwo, „three“\u2028four"
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["said"], ["one\ntwo, „three“\u2028four"]]


def test_a_cell_that_no_spreadsheet_holds_loses_its_middle_with_a_mark() -> None:
    text = to_csv(("said",), [{"said": "a" * 40_000 + "z" * 40_000}])
    assert "[... 48000 characters left out ...]" in text
    assert len(text) < LONGEST_CELL + 100
    assert text.rstrip().rstrip('"').endswith("zzz")


def test_what_a_spreadsheet_cannot_hold_is_shown() -> None:
    said = "half \ud83d, \x00, \x1b[31m, \x7f"
    assert "half \\ud83d, \\x00, \\x1b[31m, \\x7f" in to_csv(("said",), [{"said": said}])
