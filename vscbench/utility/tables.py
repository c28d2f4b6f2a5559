"""Files of questions as others write them: rows of named cells, whatever holds them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vscbench.errors import DataError, UsageError
from vscbench.jsonlines import read_json_lines, read_text
from vscbench.judges.label_tables import CSV_ENDINGS, read_label_table

JSON: Final = ".json"
JSON_LINES: Final = (".jsonl", ".ndjson")
PARQUET: Final = ".parquet"
KEY: Final = "id"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: where it stands, in words, and its cells; an absent or empty one is left out."""

    where: str
    cells: Mapping[str, object]


def read_source(path: Path) -> list[SourceRow]:
    """Read the rows of a CSV, TSV, JSON Lines, JSON or Parquet file.

    Raises:
        UsageError: the ending is none of these, or what reads it is not installed.
        DataError: the file is not what its ending says.
    """
    ending = path.suffix.casefold()
    if ending in CSV_ENDINGS:
        return [_row(path, f"line {row.line}", row.cells) for row in read_label_table(path).rows]
    if ending in JSON_LINES:
        return [_row(path, f"line {line.number}", line.fields) for line in read_json_lines(path)]
    if ending == JSON:
        return [*_json_rows(path)]
    if ending == PARQUET:
        return [*_parquet_rows(path)]
    raise UsageError(
        f"{path}: rows are read from .csv, .tsv, .jsonl, .json and .parquet; "
        f"this ends in {path.suffix or 'nothing'!r}"
    )


def _row(path: Path, place: str, cells: Mapping[str, object]) -> SourceRow:
    kept = {str(name): value for name, value in cells.items() if not _is_absent(value)}
    return SourceRow(f"{path.name}, {place}", kept)


def _is_absent(value: object) -> bool:
    is_nan = isinstance(value, float) and value != value  # noqa: PLR0124 - what defines it
    return value is None or is_nan or (isinstance(value, str) and not value.strip())


def _json_rows(path: Path) -> Iterator[SourceRow]:
    """Read a list of objects, or an object that names each by its id."""
    try:
        said = json.loads(read_text(path, "save the file as UTF-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if not isinstance(said, dict | list):
        raise DataError(f"{path}: expected a list of objects, or an object of them by id")
    for name, fields in said.items() if isinstance(said, dict) else enumerate(said, start=1):
        if not isinstance(fields, dict):
            raise DataError(f"{path}, entry {name!r:.80}: expected an object, found {fields!r:.80}")
        cells = {KEY: name, **fields} if isinstance(said, dict) else fields
        yield _row(path, f"entry {name!r:.80}", cells)


def _parquet_rows(path: Path) -> Iterator[SourceRow]:
    # Imported here: only who converts Parquet needs it, and its reader is no dependency of ours.
    import pandas

    if not path.is_file():
        raise DataError(f"{path}: cannot be read (no such file)")
    try:
        table = pandas.read_parquet(path)
    except ImportError:
        raise UsageError(
            f"{path}: Parquet needs pyarrow, which is not installed: pip install pyarrow"
        ) from None
    except Exception as error:  # its readers raise what they like
        raise DataError(f"{path}: not Parquet ({type(error).__name__}: {error})") from error
    for number, record in enumerate(table.to_dict("records"), start=1):
        cells = {str(name): _plain(value) for name, value in record.items()}
        yield _row(path, f"row {number}", cells)


def _plain(value: Any) -> object:  # noqa: ANN401 - whatever a cell of a table holds
    """Turn numpy's arrays and numbers into Python's."""
    return value.tolist() if hasattr(value, "tolist") else value
