"""JSON Lines as numbered objects: what a line says, and where it stands."""

import json
from dataclasses import dataclass
from pathlib import Path

from vscbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number as an editor shows it, and the object it holds."""

    number: int
    fields: dict[str, object]


def read_json_lines(path: Path) -> list[Line]:
    """Read a file of one JSON object a line; blank lines are passed over.

    Only a line feed ends a line: other separators (U+2028 and the like) belong to the text.

    Raises:
        DataError: no such file, not UTF-8, or a line that is not a JSON object.
    """
    lines = enumerate(read_text(path, "save the file as UTF-8").split("\n"), start=1)
    return [Line(number, _object(path, number, text)) for number, text in lines if text.strip()]


def read_text(path: Path, advice: str) -> str:
    """Read a file of UTF-8, with or without a byte order mark.

    Raises:
        DataError: it cannot be read, or is not UTF-8; then ``advice`` says what to do.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {number}: not UTF-8 ({error.reason}); {advice}") from error


def _object(path: Path, number: int, text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    # A number of thousands of digits is a ValueError, thousands of brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}, line {number}: not JSON ({error}); each line must hold one whole JSON object"
        ) from error
    if not isinstance(value, dict):
        raise DataError(
            f"{path}, line {number}: expected a JSON object such as "
            f'{{"pair_id": "..."}}, found {type(value).__name__}'
        )
    return value
