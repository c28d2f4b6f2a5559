"""The written source of the shipped set, ``pairs.toml``, as records."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class WrittenText:
    """One side of a text-centric contrast; the columns of the reference workbook it mirrors.

    ``query`` is its ``prompt_origin``, ``prompt`` its ``prompt_mm``, ``object`` its ``object``
    and ``title`` its ``prompt_figstep``; ``pictogram`` names the upper half of ``concat``.
    """

    query: str
    prompt: str
    object: str
    title: str
    pictogram: str


@dataclass(frozen=True, slots=True)
class TextContrast:
    """Two queries that look alike; ``ground`` is the colour behind their pictograms."""

    type: str
    unsafe_type: str
    category: str
    ground: str
    safe: WrittenText
    unsafe: WrittenText


@dataclass(frozen=True, slots=True)
class WrittenScene:
    """One side of an image-centric contrast: what its scene shows, and in which colours."""

    label: str
    pictogram: str
    tint: str
    ground: str


@dataclass(frozen=True, slots=True)
class ImageContrast:
    """One query and two scenes in the same frame."""

    category: str
    query: str
    frame: str
    safe: WrittenScene
    unsafe: WrittenScene


@dataclass(frozen=True, slots=True)
class Source:
    """All that was written; ``figstep_prompt`` is sent with every figstep image."""

    figstep_prompt: str
    text: tuple[TextContrast, ...]
    image: tuple[ImageContrast, ...]


def read_source() -> Source:
    """Read ``pairs.toml`` from the package."""
    written = tomllib.loads(files(__package__).joinpath("pairs.toml").read_text(encoding="utf-8"))
    return Source(
        written["figstep_prompt"],
        tuple(
            TextContrast(
                **{
                    **entry,
                    "safe": WrittenText(**entry["safe"]),
                    "unsafe": WrittenText(**entry["unsafe"]),
                }
            )
            for entry in written["text"]
        ),
        tuple(
            ImageContrast(
                **{
                    **entry,
                    "safe": WrittenScene(**entry["safe"]),
                    "unsafe": WrittenScene(**entry["unsafe"]),
                }
            )
            for entry in written["image"]
        ),
    )
