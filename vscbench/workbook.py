"""Spreadsheets as rows of text: every cell as it was written, nothing turned into 'missing'."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vscbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet: its number as a spreadsheet shows it, and its cells by column name."""

    number: int
    cells: dict[str, str]


def read_workbook(path: Path, required: Sequence[str] = ()) -> list[Row]:
    """Read the first sheet of an ``.xlsx`` file as text.

    An empty cell is an empty string; ``None``, ``N/A`` and ``null`` stay the text they are.
    Rows that are blank throughout are left out; the others keep their number.

    Raises:
        DataError: no such file, no workbook, a required column is missing, or any column is there
            twice.
    """
    table = _first_sheet(path)
    if not table:
        raise DataError(f"{path}: the first sheet is empty; expected a header row")
    header = [_text(cell).strip() for cell in table[0]]
    _check_header(path, header, required)
    rows = (
        Row(number, dict(zip(header, map(_text, line), strict=False)))
        for number, line in enumerate(table[1:], start=2)
    )
    return [row for row in rows if any(cell.strip() for cell in row.cells.values())]


def _check_header(path: Path, header: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        found = ", ".join(name for name in header if name) or "no names"
        raise DataError(
            f"{path}, row 1: no column {', '.join(map(repr, missing))}; "
            f"found {found}. Is this the right workbook?"
        )
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise DataError(
            f"{path}, row 1: column {twice[0]!r} is there twice, and a column is found by its "
            "name alone; rename or delete one"
        )


def _first_sheet(path: Path) -> list[list[object]]:
    # Imported here: only a run that reads a workbook pays for the reader.
    from python_calamine import CalamineError, load_workbook

    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        sheet = load_workbook(str(path)).get_sheet_by_index(0)
        return [list(line) for line in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: not a readable .xlsx workbook ({error}); fetch it anew, or save it as .xlsx"
        ) from error


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
