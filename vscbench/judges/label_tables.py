"""Files of rows with named columns, JSON Lines or CSV, read as text with the place of each row."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError
from vscbench.jsonlines import read_json_lines, read_text

CSV_ENDINGS: Final = (".csv", ".tsv")
DELIMITERS: Final = (",", ";", "\t")
# The csv module's own limit, 131,072 characters, is less than a long response.
LONGEST_CELL: Final = 100_000_000
# A spreadsheet's guard against formulas: an apostrophe in front, which is no part of the text.
_GUARDED: Final = re.compile("'(?='*(?:[\t\r\n]|\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]))")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line of its file that it begins on, and its cells; an absent one is ``None``."""

    line: int
    cells: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class LabelTable:
    """The rows of one file and the columns that any of them has, in order."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_label_table(path: Path) -> LabelTable:
    """Read a file of rows: ``.csv`` and ``.tsv`` as such, any other as JSON Lines.

    Raises:
        DataError: the file cannot be read, or is not what its name says; names the line.
    """
    if path.suffix.casefold() in CSV_ENDINGS:
        return _read_csv(path)
    lines = read_json_lines(path)
    columns = dict.fromkeys(name for line in lines for name in line.fields)
    rows = (
        Row(line.number, {name: _text(value) for name, value in line.fields.items()})
        for line in lines
    )
    return LabelTable(path, tuple(columns), tuple(rows))


def _text(value: object) -> str | None:
    """Return a JSON value as a cell; what is no text, number or truth value is no cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else None


def _read_csv(path: Path) -> LabelTable:
    text = read_text(path, "save it as 'CSV UTF-8'")
    # Without translation, so that a cell keeps its own line breaks.
    lines = io.StringIO(text, newline="")
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        reader = csv.reader(lines, delimiter=_delimiter(text), strict=True)
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        rows, start = [], reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_csv_row(path, header, start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: not CSV ({error}); a cell with quotes or line "
            "breaks in it must be quoted"
        ) from error
    finally:
        csv.field_size_limit(before)
    return LabelTable(path, tuple(header), tuple(rows))


def _csv_row(path: Path, header: Sequence[str], line: int, cells: Sequence[str]) -> Row:
    if len(cells) > len(header):
        raise DataError(
            f"{path}, line {line}: {len(cells)} cells under {len(header)} column names; is a "
            "cell with a comma not quoted?"
        )
    plain = [_GUARDED.sub("", cell, count=1) if cell[:1] == "'" else cell for cell in cells]
    return Row(line, dict(zip(header, plain, strict=False)))


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not any(header):
        raise DataError(f"{path}, line 1: no column names; the first line must name the columns")
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise DataError(f"{path}, line 1: column {twice[0]!r} is there twice; rename one")


def _delimiter(text: str) -> str:
    """Choose what separates most names in the first line; spreadsheets differ by country."""
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count)
