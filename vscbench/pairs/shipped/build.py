"""Make the shipped set from its source: ``python -m vscbench.pairs.shipped.build``.

Every image is drawn anew. A file that already holds the same pixels is kept byte for byte, so
that a Pillow with another deflate library does not change any file or hash.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from vscbench.pairs.drawing import (
    Scene,
    draw_concat,
    draw_figstep,
    draw_pictogram,
    draw_scene,
    draw_typography,
    encode_png,
)
from vscbench.pairs.manifest import FIELDS, MANIFEST
from vscbench.pairs.shipped.source import (
    ImageContrast,
    Source,
    TextContrast,
    WrittenText,
    read_source,
)
from vscbench.records import (
    Label,
    Scenario,
    Variant,
    image_centric_pair_id,
    text_centric_pair_id,
)

SHIPPED = Path(__file__).parent
IMAGES = "images"
VARIANTS = (Variant.TEXT, Variant.TYPOGRAPHY, Variant.CONCAT, Variant.FIGSTEP)
PICTOGRAM_SIZE = (512, 304)
"""Width and height in pixels of the upper half of a concat image."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A pair to be: its fields in the manifest's order, and how its image is drawn, if it has one.

    A field is ``None`` where the manifest leaves it out.
    """

    fields: dict[str, str | None]
    draw: Callable[[], Image.Image] | None


def build(folder: Path, canonical: Path = SHIPPED) -> None:
    """Write ``manifest.jsonl`` and ``images/*.png`` into a folder.

    Args:
        folder: where to; made if it is not there. Images that no pair has are removed.
        canonical: a built set whose files are copied where their pixels are unchanged.
    """
    images = folder / IMAGES
    images.mkdir(parents=True, exist_ok=True)
    pairs = sorted(planned_pairs(read_source()), key=lambda pair: str(pair.fields["id"]))
    lines = [_line(_with_image(pair, folder, canonical)) for pair in pairs]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8", newline="\n")
    drawn = {_image_name(pair) for pair in pairs if pair.draw}
    for stale in images.glob("*.png"):
        if f"{IMAGES}/{stale.name}" not in drawn:
            stale.unlink()


def planned_pairs(source: Source) -> Iterator[Planned]:
    """List every pair of the set; nothing is drawn yet."""
    rows: Counter[str] = Counter()
    for text in source.text:
        yield from _text_pairs(text, rows[text.type], source.figstep_prompt)
        rows[text.type] += 1
    for image in source.image:
        yield from _image_pairs(image, rows[image.category])
        rows[image.category] += 1


def _text_pairs(contrast: TextContrast, row: int, figstep_prompt: str) -> Iterator[Planned]:
    sides = (
        (Label.SAFE, contrast.type, contrast.safe),
        (Label.UNSAFE, contrast.unsafe_type, contrast.unsafe),
    )
    for label, type_name, text in sides:
        for variant in VARIANTS:
            fields = _fields(
                id=text_centric_pair_id(type_name, row, variant),
                label=label,
                scenario=Scenario.TEXT_CENTRIC,
                category=contrast.category,
                type=type_name,
                variant=variant,
                query=text.query,
                prompt=_prompt(text, variant, figstep_prompt),
                contrast=text_centric_pair_id(contrast.type, row, variant),
            )
            yield Planned(fields, _text_drawing(text, variant, contrast.ground))


def _prompt(text: WrittenText, variant: Variant, figstep_prompt: str) -> str | None:
    match variant:
        case Variant.TEXT:
            return None
        case Variant.FIGSTEP:
            return figstep_prompt
    return text.prompt


def _text_drawing(
    text: WrittenText, variant: Variant, ground: str
) -> Callable[[], Image.Image] | None:
    match variant:
        case Variant.TYPOGRAPHY:
            return lambda: draw_typography(text.object)
        case Variant.CONCAT:
            return lambda: draw_concat(
                draw_pictogram(text.pictogram, *PICTOGRAM_SIZE, ground),
                draw_typography(text.object),
            )
        case Variant.FIGSTEP:
            return lambda: draw_figstep(text.title)
    return None


def _image_pairs(contrast: ImageContrast, row: int) -> Iterator[Planned]:
    for label, side in ((Label.SAFE, contrast.safe), (Label.UNSAFE, contrast.unsafe)):
        scene = Scene(contrast.frame, side.label, side.pictogram, side.tint, side.ground)
        fields = _fields(
            id=image_centric_pair_id(contrast.category, row, label, 0),
            label=label,
            scenario=Scenario.IMAGE_CENTRIC,
            category=contrast.category,
            query=contrast.query,
            contrast=f"image-{contrast.category}-{row:02d}-0",
        )
        yield Planned(fields, partial(draw_scene, scene))


def _fields(**present: str | None) -> dict[str, str | None]:
    return {name: present.get(name) for name in FIELDS}


def _image_name(pair: Planned) -> str:
    return f"{IMAGES}/{pair.fields['id']}.png"


def _with_image(pair: Planned, folder: Path, canonical: Path) -> dict[str, str | None]:
    if pair.draw is None:
        return pair.fields
    name = _image_name(pair)
    content = canonical_bytes(pair.draw(), canonical / name)
    (folder / name).write_bytes(content)
    return pair.fields | {"image": name, "sha256": hashlib.sha256(content).hexdigest()}


def _line(fields: dict[str, str | None]) -> str:
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(present) + "\n"


def canonical_bytes(image: Image.Image, canonical: Path) -> bytes:
    """Return an image as PNG: the bytes of a file with the same pixels, where there is one."""
    if canonical.is_file():
        content = canonical.read_bytes()
        with Image.open(BytesIO(content)) as known:
            if known.convert("RGB").tobytes() == image.tobytes() and known.size == image.size:
                return content
    return encode_png(image)


if __name__ == "__main__":
    build(SHIPPED)
