"""Make the shipped demonstrations: ``python -m vscbench.methods.demonstrations.build``."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vscbench.pairs.drawing import Scene, draw_scene
from vscbench.pairs.manifest import MANIFEST
from vscbench.pairs.shipped.build import canonical_bytes
from vscbench.records import Label

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "demonstrations.toml"
IMAGES = "images"
Entry = dict[str, str]


def build(folder: Path) -> None:
    """Write ``manifest.jsonl`` and ``images/*.png`` into a folder.

    An image whose pixels are those of the shipped one keeps its bytes, see the shipped pairs.
    """
    written = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    entries = [*_text_entries(written["text"]), *_image_entries(written["image"], folder)]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / MANIFEST).write_text(lines, encoding="utf-8", newline="\n")


def _text_entries(contrasts: list[Mapping[str, Any]]) -> Iterator[Entry]:
    for row, contrast in enumerate(contrasts):
        for label in Label:
            side = contrast[label]
            name = f"shown-text-{row:02d}"
            yield {
                "id": f"{name}-{label}",
                "label": label,
                "variant": "text",
                "query": side["query"],
                "answer": side["answer"],
                "contrast": name,
            }


def _image_entries(contrasts: list[Mapping[str, Any]], folder: Path) -> Iterator[Entry]:
    for row, contrast in enumerate(contrasts):
        for label in Label:
            side = contrast[label]
            name = f"shown-image-{row:02d}"
            image = f"{IMAGES}/{name}-{label}.png"
            scene = Scene(
                contrast["frame"], side["label"], side["pictogram"], side["tint"], side["ground"]
            )
            content = canonical_bytes(draw_scene(scene), FOLDER / image)
            (folder / image).write_bytes(content)
            yield {
                "id": f"{name}-{label}",
                "label": label,
                "query": contrast["query"],
                "answer": side["answer"],
                "image": image,
                "sha256": hashlib.sha256(content).hexdigest(),
                "contrast": name,
            }


if __name__ == "__main__":
    build(FOLDER)
