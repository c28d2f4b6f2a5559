import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from reference_world import write_workbook

from vscbench.errors import DataError
from vscbench.workbook import read_workbook


def workbook(folder: Path, *lines: list[object]) -> Path:
    book = Workbook()
    sheet: Any = book.active
    for line in lines:
        sheet.append(line)
    path = folder / "book.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize("text", ["None", "N/A", "null", "NaN", "", "naïve “text”\nin two lines"])
def test_a_cell_stays_the_text_that_it_is(tmp_path: Path, text: str) -> None:
    path = workbook(tmp_path, ["response", "other"], [text, "x"])
    assert read_workbook(path)[0].cells == {"response": text, "other": "x"}


@pytest.mark.parametrize(("cell", "text"), [(3, "3"), (3.0, "3"), (0.5, "0.5"), (True, "True")])
def test_a_number_is_read_as_text(tmp_path: Path, cell: object, text: str) -> None:
    path = workbook(tmp_path, ["a"], [cell])
    assert read_workbook(path)[0].cells["a"] == text


def test_blank_rows_are_left_out_and_the_others_keep_their_number(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], ["1", None], [None, None], ["\u00a0", ""], [None, "4"])
    assert [row.number for row in read_workbook(path)] == [2, 5]


def test_the_number_of_a_row_is_the_one_a_spreadsheet_shows(tmp_path: Path) -> None:
    book = Workbook()
    sheet: Any = book.active
    sheet["A1"], sheet["A9"] = "a", "x"
    book.save(tmp_path / "book.xlsx")
    assert [(row.number, row.cells["a"]) for row in read_workbook(tmp_path / "book.xlsx")] == [
        (9, "x")
    ]


def test_spaces_around_a_column_name_do_not_matter(tmp_path: Path) -> None:
    path = workbook(tmp_path, [" type "], ["x"])
    assert read_workbook(path, ["type"])[0].cells["type"] == "x"


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"book\.xlsx: no such file"):
        read_workbook(tmp_path / "book.xlsx")


def test_a_folder_is_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_workbook(tmp_path)


@pytest.mark.parametrize("content", [b"", b"id,label\n1,safe\n", b"PK\x03\x04 and no more"])
def test_a_file_that_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"book\.xlsx: not a readable \.xlsx workbook.*fetch it"):
        read_workbook(path)


def test_an_archive_that_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "nothing")
    with pytest.raises(DataError, match=r"book\.xlsx: not a readable \.xlsx workbook"):
        read_workbook(path)


def test_a_sheet_without_a_header(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "book.xlsx")
    with pytest.raises(DataError, match=r"book\.xlsx: the first sheet is empty; expected a header"):
        read_workbook(tmp_path / "book.xlsx")


def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook(path, [{"type": "x", "Prompt": "y"}])
    with pytest.raises(DataError, match=r"row 1: no column 'prompt'; found type, Prompt\."):
        read_workbook(path, ["type", "prompt"])


@pytest.mark.parametrize("required", [["type"], ["prompt"], []])
def test_a_column_that_is_there_twice_is_not_chosen_from(
    tmp_path: Path, required: list[str]
) -> None:
    path = workbook(tmp_path, ["type", "prompt", " type"], ["homonyms", "x", "definitions"])
    with pytest.raises(DataError, match=r"book\.xlsx, row 1: column 'type' is there twice"):
        read_workbook(path, required)


def test_columns_without_a_name_do_not_count_as_one(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["type", None, " ", None], ["homonyms", "x", "y", "z"])
    assert read_workbook(path)[0].cells["type"] == "homonyms"
