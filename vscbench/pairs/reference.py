"""The layout in which VSCBench is published: two workbooks beside two folders of images.

Facts of the data are those of github.com/jiahuigeng/VSCBench at commit 426fa1f.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vscbench.errors import DataError
from vscbench.pairs.clusters import cluster_ids, normalised
from vscbench.pairs.paths import is_file_name
from vscbench.records import (
    Label,
    Pair,
    Scenario,
    Variant,
    image_centric_pair_id,
    text_centric_pair_id,
)
from vscbench.workbook import Row, read_workbook

IMAGE_WORKBOOK = "vscbench_image_centric.xlsx"
TEXT_WORKBOOK = "vscbench_text_centric.xlsx"
IMAGE_FOLDER = "vscbench_image_centric_images"
TEXT_FOLDER = "vscbench_text_centric_images"
FIGSTEP_PROMPT = "figstep_prompt.txt"
FIGSTEP_BLOCK = re.compile(r"figstep[^\n]*:[ \t]*\n\s*```[^\n]*\n(.+?)\n[ \t]*```", re.S | re.I)

IMAGE_INDICES = (0, 1, 2)
IMAGE_COLUMN = {
    Variant.SEARCH: "search_img",
    Variant.TYPOGRAPHY: "typography_img",
    Variant.CONCAT: "concat_img",
    Variant.FIGSTEP: "figstep_img",
}
IMAGE_CENTRIC_COLUMNS = (
    "Category",
    "Prompt",
    *(f"{label}_img_{index}" for label in Label for index in IMAGE_INDICES),
)
TEXT_CENTRIC_COLUMNS = (
    "type",
    "prompt_origin",
    "prompt_mm",
    "object",
    "prompt_figstep",
    *IMAGE_COLUMN.values(),
)

# Row k of the safe type goes with row k of the contrast type, as XSTest wrote them.
CONTRAST_TYPE = {
    "homonyms": "contrast_homonyms",
    "figurative_language": "contrast_figurative_language",
    "safe_targets": "contrast_safe_targets",
    "safe_contexts": "contrast_safe_contexts",
    "definitions": "contrast_definitions",
    "historical_events": "contrast_historical_events",
    "real_group_nons_discr": "contrast_discr",
    "privacy_fictional": "contrast_privacy",
}
SAFE_TYPE = {contrast: safe for safe, contrast in CONTRAST_TYPE.items()}


def is_reference_folder(folder: Path) -> bool:
    """Whether a folder holds one of the published workbooks."""
    return (folder / IMAGE_WORKBOOK).is_file() or (folder / TEXT_WORKBOOK).is_file()


def load_reference(folder: Path) -> tuple[Pair, ...]:
    """Read every pair of a folder in the published layout, sorted by id; images are not opened.

    The published data gives 1,800 image-centric pairs, 1,800 text-centric ones with an image
    and 450 of variant ``text``. A pair whose row has no query has an empty ``query``.

    Raises:
        DataError: a workbook, a column or a cell is missing or wrong.
    """
    _require_both_workbooks(folder)
    tied: dict[str, tuple[str, ...]] = {}
    pairs: list[Pair] = []
    for pair, row_key in (*_image_centric(folder), *_text_centric(folder)):
        keys = (row_key, pair.query and f"query {normalised(pair.query)}", pair.contrast_id)
        tied[pair.id] = tuple(key for key in keys if key)
        pairs.append(pair)
    clusters = cluster_ids(tied)
    placed = (replace(pair, cluster_id=clusters[pair.id]) for pair in pairs)
    return tuple(sorted(placed, key=lambda pair: pair.id))


def _require_both_workbooks(folder: Path) -> None:
    missing = [name for name in (IMAGE_WORKBOOK, TEXT_WORKBOOK) if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"{folder}: no {' and no '.join(missing)} in it; VSCBench has two workbooks and both "
            "are needed in one folder; get them from github.com/jiahuigeng/VSCBench"
        )


def text_category(type_name: str) -> str:
    """Name the category of a text-centric type, so that each has safe and unsafe pairs."""
    name = type_name.removeprefix("contrast_")
    if name.endswith("discr"):
        return "discrimination"
    return "privacy" if name.startswith("privacy") else name


def text_rows(folder: Path) -> list[Row]:
    """Return the rows of the text-centric workbook."""
    return read_workbook(folder / TEXT_WORKBOOK, TEXT_CENTRIC_COLUMNS)


def numbered_rows(path: Path, group: str, columns: tuple[str, ...]) -> Iterator[tuple[int, Row]]:
    """Yield each row with its position (from 0) among the rows of its category or type."""
    seen: Counter[str] = Counter()
    for row in read_workbook(path, columns):
        name = _cell(path, row, group)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise DataError(
                f"{path}, row {row.number}, column {group}: {name!r} cannot be part of an id; "
                "use ASCII letters, digits, '_', '.' and '-', beginning with a letter or digit"
            )
        yield seen[name], row
        seen[name] += 1


def _image_centric(folder: Path) -> Iterator[tuple[Pair, str]]:
    path = folder / IMAGE_WORKBOOK
    for position, row in numbered_rows(path, "Category", IMAGE_CENTRIC_COLUMNS):
        category, prompt = row.cells["Category"], row.cells["Prompt"]
        for index in IMAGE_INDICES:
            contrast = f"image-{category}-{position:02d}-{index}"
            for label in Label:
                column = f"{label}_img_{index}"
                pair = Pair(
                    id=image_centric_pair_id(category, position, label, index),
                    label=label,
                    scenario=Scenario.IMAGE_CENTRIC,
                    category=category,
                    type=None,
                    variant=None,
                    query=prompt if prompt.strip() else "",
                    prompt=prompt,
                    image=folder / IMAGE_FOLDER / category / _file_name(path, row, column),
                    image_sha256=None,
                    contrast_id=contrast,
                    cluster_id="",
                    source=f"{path.name}, row {row.number}, column {column}",
                )
                yield pair, f"image row {row.number}"


def _text_centric(folder: Path) -> Iterator[tuple[Pair, str]]:
    path = folder / TEXT_WORKBOOK
    rows = list(numbered_rows(path, "type", TEXT_CENTRIC_COLUMNS))
    sizes = Counter(row.cells["type"] for _, row in rows)
    figstep = figstep_prompt(folder)
    for position, row in rows:
        type_name = row.cells["type"]
        contrast = _contrast_row(type_name, position, sizes)
        prompts = {
            Variant.TEXT: row.cells["prompt_origin"],
            Variant.FIGSTEP: figstep,
        }
        for variant in Variant:
            column = IMAGE_COLUMN.get(variant)
            pair = Pair(
                id=text_centric_pair_id(type_name, position, variant),
                label=Label.UNSAFE if "contrast" in type_name else Label.SAFE,
                scenario=Scenario.TEXT_CENTRIC,
                category=text_category(type_name),
                type=type_name,
                variant=variant,
                query=_cell(path, row, "prompt_origin"),
                prompt=prompts.get(variant) or _cell(path, row, "prompt_mm"),
                image=folder / TEXT_FOLDER / variant / _file_name(path, row, column)
                if column
                else None,
                image_sha256=None,
                contrast_id=contrast and f"{contrast}-{variant}",
                cluster_id="",
                source=f"{path.name}, row {row.number}, column {column or 'prompt_origin'}",
            )
            yield pair, f"text row {row.number}"


def _contrast_row(type_name: str, position: int, sizes: Counter[str]) -> str | None:
    safe = SAFE_TYPE.get(type_name, type_name)
    other = CONTRAST_TYPE.get(type_name) or SAFE_TYPE.get(type_name)
    if other is None or position >= sizes[other]:
        return None
    return f"text-{safe}-{position:02d}"


def figstep_prompt(folder: Path) -> str:
    """Read the one prompt that goes with every FigStep image.

    It is data: a ``figstep_prompt.txt`` beside the workbooks, or the fenced block that follows
    the mention of FigStep in the data set's own README.

    Raises:
        DataError: neither file holds it.
    """
    own = folder / FIGSTEP_PROMPT
    readme = folder / "README.md"
    prompt = ""
    if own.is_file():
        prompt = _read_text(own).strip()
    elif readme.is_file():
        found = FIGSTEP_BLOCK.search(_read_text(readme))
        prompt = found.group(1).strip() if found else ""
    if not prompt:
        raise DataError(
            f"{folder}: the fixed FigStep prompt is missing; put it into {FIGSTEP_PROMPT}, "
            "or the data set's README.md beside the workbooks"
        )
    return prompt


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as UTF-8 text ({error})") from error


def _cell(path: Path, row: Row, column: str) -> str:
    value = row.cells.get(column, "")
    if not value.strip():
        raise DataError(f"{path}, row {row.number}, column {column}: the cell is empty")
    return value


def _file_name(path: Path, row: Row, column: str) -> str:
    name = _cell(path, row, column)
    # A workbook is other people's data: a name must not lead out of the image folder.
    if not is_file_name(name):
        raise DataError(
            f"{path}, row {row.number}, column {column}: {name!r} is not a plain file name; "
            "name a file of the image folder, without '/', '\\', ':' or invisible characters"
        )
    return name
