"""Tables that a person opens in a spreadsheet, where no cell is a formula.

What a model said can begin as a formula does, and a spreadsheet would run it
(https://owasp.org/www-community/attacks/CSV_Injection). Such a text gets an apostrophe in front,
which ``read_label_table`` takes off again; a number stays a number.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

BOM: Final = "\ufeff"
# Also in their full-width forms, and behind spaces, for spreadsheets that pass over these. A text
# that could be taken for a guarded one is guarded as well, so that every text reads back.
_FORMULA: Final = re.compile("'*(?:[\t\r\n]|\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
# A spreadsheet ends a cell at some of these, and refuses a file for others.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Excel holds 32,767 characters in a cell, and cuts the rest without a word.
LONGEST_CELL: Final = 32_000


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; most stay as they are."""
    return f"'{text}" if _FORMULA.match(text) else text


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Lay out rows as CSV that Excel reads as UTF-8; line breaks within a cell are kept.

    A cell longer than a spreadsheet holds loses its middle, with a mark. Control characters, and
    what UTF-8 has no bytes for, are shown as escapes.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return BOM + text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        # A number runs nothing, and a negative one with an apostrophe would be no number.
        return str(value)
    text = str(value).encode("utf-8", "backslashreplace").decode()
    text = _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    if len(text) > LONGEST_CELL:
        half = LONGEST_CELL // 2
        left_out = len(text) - 2 * half
        text = f"{text[:half]}\n[... {left_out} characters left out ...]\n{text[-half:]}"
    return guarded(text)
