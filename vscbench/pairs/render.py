"""Draw the images that a workbook describes, and leave a folder that ``--vsc-pairs`` takes."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vscbench.errors import DataError, UsageError
from vscbench.pairs.images import MAX_PIXELS, decode_problem
from vscbench.pairs.manifest import MANIFEST, manifest_line
from vscbench.pairs.reference import (
    FIGSTEP_PROMPT,
    IMAGE_COLUMN,
    IMAGE_WORKBOOK,
    TEXT_FOLDER,
    TEXT_WORKBOOK,
    figstep_prompt,
    is_reference_folder,
    load_reference,
    text_rows,
)
from vscbench.records import Pair, Variant
from vscbench.workbook import Row

if TYPE_CHECKING:
    from PIL.Image import Image

DRAWN = (Variant.TYPOGRAPHY, Variant.FIGSTEP, Variant.CONCAT)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What ``render`` did: images drawn and copied by variant, and those that could not be."""

    drawn: dict[Variant, int]
    copied: int
    without_search: int
    absent: int


def render(source: Path, destination: Path, progress: Callable[[int, int], None]) -> Rendered:
    """Draw typography, figstep and (where its search image exists) concat images.

    Every other image that the source has is copied, and a manifest of all pairs is written with
    the hash of each image that is there, so that the destination stands on its own.

    Args:
        source: a folder in the published layout; search images may be absent.
        destination: a folder that does not hold pairs of another source; a second run draws
            and copies anew.
        progress: is told how many of how many rows are done.

    Raises:
        UsageError: the destination is the source, holds other pairs, or is not writable.
        DataError: the source cannot be read, or a row cannot be drawn.
    """
    if not is_reference_folder(source):
        raise UsageError(f"{source}: no {IMAGE_WORKBOOK} or {TEXT_WORKBOOK} in it")
    _check_destination(source, destination)
    pairs, rows = load_reference(source), text_rows(source)
    _check_names(rows)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        drawn = _draw_rows(source, destination, rows, progress)
        copied = _copy_images(source, destination, pairs)
        _copy_data(source, destination)
        moved = [_moved(pair, source, destination) for pair in pairs]
        _write_manifest(destination, moved)
    except OSError as error:
        raise UsageError(f"{destination}: cannot be written ({error})") from error
    absent = sum(bool(pair.image and not pair.image.is_file()) for pair in moved)
    return Rendered(drawn, copied, len(rows) - drawn[Variant.CONCAT], absent)


def _check_destination(source: Path, destination: Path) -> None:
    if source.resolve() == destination.resolve():
        raise UsageError(f"{destination}: is the source itself; its images would be overwritten")
    there = [name for name in (IMAGE_WORKBOOK, TEXT_WORKBOOK) if (destination / name).is_file()]
    others = [name for name in there if not _same_content(source / name, destination / name)]
    if others or ((destination / MANIFEST).is_file() and not there):
        raise UsageError(
            f"{destination}: holds other pairs ({others[0] if others else MANIFEST}); "
            "name a new folder, or remove that one first"
        )


def _same_content(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


def _check_names(rows: Sequence[Row]) -> None:
    """Make sure that no drawn image would take the place of another."""
    for column in (IMAGE_COLUMN[variant] for variant in DRAWN):
        names = Counter(row.cells[column] for row in rows)
        shared = [row for row in rows if names[row.cells[column]] > 1]
        if shared:
            raise DataError(
                f"{TEXT_WORKBOOK}, row {shared[0].number}, column {column}: another row also names "
                f"{shared[0].cells[column]!r}; each row needs an image of its own"
            )


def _draw_rows(
    source: Path, destination: Path, rows: Sequence[Row], progress: Callable[[int, int], None]
) -> dict[Variant, int]:
    from vscbench.pairs.drawing import draw_figstep, draw_typography

    drawn = dict.fromkeys(DRAWN, 0)
    folder = destination / TEXT_FOLDER
    for done, row in enumerate(rows, start=1):
        cells = row.cells
        typography = _drawn(draw_typography, row, "object")
        figstep = _drawn(draw_figstep, row, "prompt_figstep")
        _save(typography, folder / Variant.TYPOGRAPHY / cells["typography_img"])
        _save(figstep, folder / Variant.FIGSTEP / cells["figstep_img"])
        drawn[Variant.TYPOGRAPHY] += 1
        drawn[Variant.FIGSTEP] += 1
        drawn[Variant.CONCAT] += _draw_concat(source, folder, row, typography)
        progress(done, len(rows))
    return drawn


def _drawn(draw: Callable[[str], "Image"], row: Row, column: str) -> "Image":
    try:
        return draw(row.cells[column])
    except DataError as error:
        raise DataError(f"{TEXT_WORKBOOK}, row {row.number}, column {column}: {error}") from error


def _draw_concat(source: Path, folder: Path, row: Row, typography: "Image") -> bool:
    from PIL import Image

    from vscbench.pairs.drawing import draw_concat

    search = source / TEXT_FOLDER / Variant.SEARCH / row.cells["search_img"]
    if not search.is_file():
        return False
    problem = decode_problem(search)
    if problem is not None:
        raise DataError(f"{TEXT_WORKBOOK}, row {row.number}, column search_img: {search} {problem}")
    with Image.open(search) as image:
        # A sliver grows when it is scaled to the width of the text.
        if image.height * typography.width**2 > MAX_PIXELS * image.width:
            raise DataError(
                f"{TEXT_WORKBOOK}, row {row.number}, column search_img: {search} is "
                f"{image.width} x {image.height} pixels, too narrow to stand over a text"
            )
        picture = draw_concat(image, typography)
    _save(picture, folder / Variant.CONCAT / row.cells["concat_img"])
    return True


def _save(image: "Image", path: Path) -> None:
    from vscbench.pairs.drawing import encode_png

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(image))


def _copy_images(source: Path, destination: Path, pairs: Iterable[Pair]) -> int:
    copied = 0
    for image, variant in sorted(
        {(pair.image, pair.variant or "") for pair in pairs if pair.image}
    ):
        target = destination / image.relative_to(source)
        was_drawn = variant in DRAWN and target.exists()
        if image.is_file() and not was_drawn:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, target)
            copied += 1
    return copied


def _copy_data(source: Path, destination: Path) -> None:
    for name in (IMAGE_WORKBOOK, TEXT_WORKBOOK):
        shutil.copyfile(source / name, destination / name)
    prompt = destination / FIGSTEP_PROMPT
    prompt.write_text(figstep_prompt(source) + "\n", encoding="utf-8")


def _moved(pair: Pair, source: Path, destination: Path) -> Pair:
    if pair.image is None:
        return pair
    image = destination / pair.image.relative_to(source)
    known = hashlib.sha256(image.read_bytes()).hexdigest() if image.is_file() else None
    return replace(pair, image=image, image_sha256=known)


def _write_manifest(destination: Path, pairs: Iterable[Pair]) -> None:
    lines = (manifest_line(pair, destination) for pair in pairs)
    (destination / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
