"""Turning a benchmark that others publish into a folder of questions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.utility.questions import Question
from vscbench.utility.reading import QUESTIONS, question_of
from vscbench.utility.source_images import image_bytes, image_ending
from vscbench.utility.source_rows import image_cell, question_fields
from vscbench.utility.tables import SourceRow, read_source

IMAGES: Final = "images"
DIGITS: Final = 24
INDEX: Final = "index"


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written, and which rows were left out, with the reason, in words."""

    questions: tuple[Question, ...]
    left_out: tuple[str, ...]


def convert(
    source: Path, dest: Path, images: Path | None = None, columns: Mapping[str, str] | None = None
) -> Converted:
    """Write a folder of questions from a file of rows.

    Args:
        source: CSV, TSV, JSON Lines, JSON or Parquet in one of the known layouts.
        dest: the folder to write; it must not be there, or be empty.
        images: where the image files are that rows name.
        columns: the column of a part, where it has another than the usual name.

    Raises:
        UsageError: the folder is in use, or cannot be written.
        DataError: the file cannot be read, or no row of it is a question.
    """
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise UsageError(f"{dest} is there already and not empty; name a new folder")
    rows = read_source(source)
    try:
        (dest / IMAGES).mkdir(parents=True, exist_ok=True)
        done = _written(rows, dest, images, columns or {})
    except OSError as error:
        raise UsageError(f"{dest}: cannot be written ({error.strerror or error})") from error
    if not done.questions:
        why = done.left_out[0] if done.left_out else "there are no rows"
        raise DataError(f"{source}: no row could be made a question; the first: {why}")
    return done


def _written(
    rows: Sequence[SourceRow], dest: Path, images: Path | None, columns: Mapping[str, str]
) -> Converted:
    by_index = {str(row.cells[INDEX]): row for row in rows if INDEX in row.cells}
    taken: set[str] = set()
    questions, lines, left_out = [], [], []
    for number, row in enumerate(rows, start=1):
        try:
            fields = question_fields(row.cells, columns, number)
            fields["id"] = _free(str(fields["id"]), taken)
            # Before its image is written, so that a row that is left out leaves nothing.
            question_of(fields, dest, row.where)
            fields |= _image(row, by_index, dest, images, columns)
            question = question_of(fields, dest, row.where)
        except DataError as error:
            told = str(error)
            left_out.append(told if row.where in told else f"{row.where}: {told}")
            continue
        questions.append(question)
        lines.append(json.dumps(fields) + "\n")
    if lines:
        (dest / QUESTIONS).write_text("".join(lines), encoding="utf-8", newline="\n")
    return Converted(tuple(questions), tuple(left_out))


def _image(
    row: SourceRow,
    by_index: Mapping[str, SourceRow],
    dest: Path,
    images: Path | None,
    columns: Mapping[str, str],
) -> dict[str, object]:
    """Write a row's image, named by its content, and return the fields that name it."""
    value = image_cell(row.cells, columns)
    if isinstance(value, str | int) and str(value) in by_index:
        value = image_cell(by_index[str(value)].cells, columns)
    if value is None:
        return {}
    content = image_bytes(value, images, row.where)
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{IMAGES}/{sha256[:DIGITS]}{image_ending(content, row.where)}"
    (dest / name).write_bytes(content)
    return {"image": name, "sha256": sha256}


def _free(question_id: str, taken: set[str]) -> str:
    """Number an id that was there before: two questions of MME share theirs."""
    name, number = question_id, 1
    while name in taken:
        number += 1
        name = f"{question_id}-{number}"
    taken.add(name)
    return name
