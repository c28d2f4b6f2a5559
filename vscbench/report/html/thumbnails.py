"""Small pictures for the page: each image file once, whatever lies in it."""

import base64
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vscbench.models.cores import usable_cores
from vscbench.pairs.images import FORMATS, image_problem

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_BYTES: Final = 16_000
SMALLEST_BYTES: Final = 1_200
# Decoding takes time and memory by the pixel; a page is no reason to spend minutes on one.
MAX_PIXELS: Final = 36_000_000
# What a side becomes before pixels are averaged; twice the wanted one keeps edges clean.
_REDUCING_GAP: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Step:
    """A longest side in pixels, a WebP quality, and about how many bytes that takes, relatively."""

    side: int
    quality: int
    weight: float


_STEPS: Final = (
    _Step(320, 75, 4.5),
    _Step(256, 65, 2.3),
    _Step(192, 50, 1.0),
    _Step(160, 40, 0.65),
    _Step(128, 30, 0.36),
    _Step(96, 20, 0.17),
    _Step(64, 15, 0.08),
)
_STEPS_WHERE_SMALL: Final = _STEPS[2:]
_SMALL_BYTES: Final = 6_000


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small copy of an image as a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no small copy of an image."""

    reason: str


Picture = Thumbnail | Missing


def thumbnails(paths: Iterable[Path], budget: int) -> Mapping[Path, Picture]:
    """Make a small copy of each image; one that cannot be read becomes a remark.

    Args:
        paths: the image files; the same may come several times.
        budget: for all data URIs together, in bytes, about.
    """
    distinct = list(dict.fromkeys(paths))
    if not distinct:
        return {}
    each = budget // len(distinct) * 3 // 4  # base64 makes four characters of three bytes
    most = max(SMALLEST_BYTES, min(LARGEST_BYTES, each))
    # Filters of warnings are the whole process's: threads that set them must find them restored.
    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
        warnings.simplefilter("ignore")  # the limits here are our own, also under ``-W error``
        made = pool.map(lambda path: thumbnail(path, most), distinct)
        return dict(zip(distinct, made, strict=True))


def thumbnail(path: Path, most: int) -> Picture:
    """Make a small copy of an image, or say why there is none.

    Args:
        path: the image file; it need not exist.
        most: how many bytes it may take before base64; the smallest size is kept whatever it takes.
    """
    problem = image_problem(path)
    if problem is not None:
        return Missing(problem)
    # Imported here: a page without images never needs it.
    from PIL import Image

    steps = _STEPS_WHERE_SMALL if most <= _SMALL_BYTES else _STEPS
    side = steps[0].side
    try:
        with Image.open(path, formats=FORMATS) as image:
            # A JPEG is decoded at a fraction of its size where that is enough.
            image.draft("RGB", (side, side))
            if image.width * image.height > MAX_PIXELS:
                return Missing(f"is too large to draw here ({image.width} x {image.height})")
            return _encoded(_small(image, side), steps, most)
    except Exception as error:  # Pillow's decoders raise what they like
        return Missing(f"does not decode ({type(error).__name__}: {error})")


def _small(image: "Image", side: int) -> "Image":
    from PIL import Image, ImageOps

    image.seek(0)
    if image.mode not in ("L", "RGB", "RGBA"):
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    return ImageOps.exif_transpose(image)


def _encoded(image: "Image", steps: Sequence[_Step], most: int) -> Thumbnail:
    """Encode; where that takes too many bytes again, by the largest step that will hardly."""
    step, *smaller = steps
    while True:
        image.thumbnail((step.side, step.side))
        data, mime = _encode(image, step.quality)
        if len(data) <= most or not smaller:
            uri = f"data:{mime};base64,{base64.b64encode(data).decode()}"
            return Thumbnail(uri, image.width, image.height)
        wanted = step.weight * most / len(data)
        while len(smaller) > 1 and smaller[0].weight > wanted:
            smaller.pop(0)
        step = smaller.pop(0)


def _encode(image: "Image", quality: int) -> tuple[bytes, str]:
    from PIL import features

    buffer = io.BytesIO()
    if not features.check("webp"):
        image.convert("RGB").save(buffer, "JPEG", quality=quality, icc_profile=None)
        return buffer.getvalue(), "image/jpeg"
    # Neither its colour profile nor its other data: they can be larger than the picture.
    image.save(buffer, "WEBP", quality=quality, method=1, icc_profile=b"", exif=b"", xmp=b"")
    return buffer.getvalue(), "image/webp"
