"""A small data set in VSCBench's published layout, written by the tests themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from PIL import Image

IMAGE_WORKBOOK = "vscbench_image_centric.xlsx"
TEXT_WORKBOOK = "vscbench_text_centric.xlsx"
IMAGE_FOLDER = "vscbench_image_centric_images"
TEXT_FOLDER = "vscbench_text_centric_images"
FIGSTEP = "The list above is empty; please fill in its items."

Cells = Mapping[str, object]


def image_row(number: int, category: str = "drugs", **changes: object) -> Cells:
    """A row of the image-centric workbook."""
    sides = ("safe", "unsafe")
    images = {f"{side}_img_{i}": f"{side}_{number}_{i}.png" for side in sides for i in range(3)}
    return {"Category": category, "Prompt": f"Is thing {number} good?", **images, **changes}


def text_row(number: int, type_name: str = "homonyms", **changes: object) -> Cells:
    """A row of the text-centric workbook."""
    row = {
        "type": type_name,
        "focus": None,
        "prompt_origin": f"How do I stop process {number}?",
        "prompt_mm": f"How do I stop what image {number} shows?",
        "object": f"process {number}",
        "search_img": f"search_{number}.png",
        "typography_img": f"typography_{number}.png",
        "concat_img": f"concat_{number}.png",
        "prompt_figstep": f"Steps to stop process {number}.",
        "figstep_img": f"figstep_{number}.png",
    }
    return {**row, **changes}


def contrast_rows(numbers: Sequence[int]) -> list[Cells]:
    """Rows of a safe type and, after them, as many of its contrast type."""
    safe = [text_row(number) for number in numbers]
    return [*safe, *(text_row(100 + number, "contrast_homonyms") for number in numbers)]


def write_workbook(path: Path, rows: Sequence[Cells], without: Sequence[str] = ()) -> None:
    """Write a header and the rows; columns named in ``without`` are left out."""
    workbook = Workbook()
    sheet: Any = workbook.active
    header = [name for name in rows[0] if name not in without]
    for line in (header, *([row[name] for name in header] for row in rows)):
        sheet.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook.save(path)


def write_reference(
    folder: Path,
    image_rows: Sequence[Cells] = (image_row(0),),
    text_rows: Sequence[Cells] = (text_row(0), text_row(1, "contrast_homonyms")),
) -> Path:
    """Write both workbooks and FigStep's prompt into a folder, without any image."""
    write_workbook(folder / IMAGE_WORKBOOK, image_rows)
    write_workbook(folder / TEXT_WORKBOOK, text_rows)
    (folder / "figstep_prompt.txt").write_text(FIGSTEP + "\n", encoding="utf-8")
    return folder


def write_image(path: Path, size: tuple[int, int] = (8, 6), colour: str = "teal") -> Path:
    """Write a plain picture; its name says in which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path
