"""Recorded responses in the result workbooks that VSCBench's reference scripts write."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError
from vscbench.models.recording import Recording
from vscbench.records import (
    Label,
    Response,
    Variant,
    image_centric_pair_id,
    text_centric_pair_id,
)
from vscbench.workbook import Row, read_workbook

# Full match only: the scripts' evaluation columns (…_0_sm_eval, …_0_gpt_eval) are no responses.
_IMAGE_COLUMN: Final = re.compile(r"(?P<label>safe|unsafe)_resp_(?P<model>.+)_(?P<index>[0-2])")
_TEXT_COLUMNS: Final = {
    "resp_txt": Variant.TEXT,
    "resp_search": Variant.SEARCH,
    "resp_typography": Variant.TYPOGRAPHY,
    "resp_concat": Variant.CONCAT,
    "resp_figstep": Variant.FIGSTEP,
}


@dataclass(frozen=True, slots=True)
class ResultWorkbook:
    """A result workbook, read.

    ``models`` are the models whose responses an image-centric workbook holds, as its columns
    name them, sorted. It is empty for a text-centric one, whose columns name no model.
    """

    path: Path
    rows: Sequence[Row]
    models: tuple[str, ...]


def read_result_workbook(path: Path) -> ResultWorkbook:
    """Read a result workbook of either scenario, with its rows in the data set's order.

    Raises:
        DataError: no workbook, no rows, or neither of the two layouts.
    """
    rows = read_workbook(path)
    columns = set(rows[0].cells) if rows else set()
    models = {match["model"] for match in map(_IMAGE_COLUMN.fullmatch, columns) if match}
    image_centric = "Category" in columns and bool(models)
    text_centric = "type" in columns and bool(columns & set(_TEXT_COLUMNS))
    if not (image_centric or text_centric):
        raise DataError(
            f"{path}: holds no recorded responses; expected columns Category, "
            "safe_resp_<model>_0 ... unsafe_resp_<model>_2 (image-centric), "
            f"or type, {', '.join(_TEXT_COLUMNS)} (text-centric), and a row below them"
        )
    return ResultWorkbook(path, rows, tuple(sorted(models)) if image_centric else ())


def workbook_recordings(workbook: ResultWorkbook, model: str | None) -> list[Recording]:
    """List the responses of ``model`` in an image-centric workbook, or all of a text-centric one.

    An empty cell gives no recording: its response is missing.

    Raises:
        DataError: a row names no category or type.
    """
    if not workbook.models:
        return list(_text_centric(workbook))
    return list(_image_centric(workbook, model)) if model in workbook.models else []


def _image_centric(workbook: ResultWorkbook, model: str | None) -> Iterator[Recording]:
    for row, category, position in _placed_rows(workbook, "Category"):
        for column, cell in row.cells.items():
            match = _IMAGE_COLUMN.fullmatch(column)
            if cell and match and match["model"] == model:
                pair_id = image_centric_pair_id(
                    category, position, Label(match["label"]), int(match["index"])
                )
                yield _recording(workbook, row, column, pair_id)


def _text_centric(workbook: ResultWorkbook) -> Iterator[Recording]:
    for row, type_name, position in _placed_rows(workbook, "type"):
        for column, variant in _TEXT_COLUMNS.items():
            if row.cells.get(column):
                pair_id = text_centric_pair_id(type_name, position, variant)
                yield _recording(workbook, row, column, pair_id)


def _placed_rows(workbook: ResultWorkbook, column: str) -> Iterator[tuple[Row, str, int]]:
    """Yield each row with its group and its position, from 0, within that group."""
    seen: Counter[str] = Counter()
    for row in workbook.rows:
        group = row.cells[column]
        if not group:
            raise DataError(
                f"{workbook.path}, row {row.number}: {column} is empty, so its pairs cannot be "
                "told; copy it from the data set's workbook"
            )
        yield row, group, seen[group]
        seen[group] += 1


def _recording(workbook: ResultWorkbook, row: Row, column: str, pair_id: str) -> Recording:
    place = f"{workbook.path}, row {row.number}, column {column}"
    return Recording(pair_id, 1, place, Response(row.cells[column]))
