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
from vscbench.models.images import upright_pixels
from vscbench.pairs.images import image_problem

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_BYTES: Final = 16_000
SMALLEST_BYTES: Final = 1_200
# Decoding takes time and memory by the pixel; a page is no reason to spend minutes on one.
MAX_PIXELS: Final = 36_000_000


@dataclass(frozen=True, slots=True)
class _Step:
    """A longest side in pixels, a JPEG quality, and about how many bytes that takes, relatively."""

    side: int
    quality: int
    weight: float


_STEPS: Final = (
    _Step(320, 70, 4.0),
    _Step(256, 60, 2.2),
    _Step(192, 50, 1.3),
    _Step(160, 45, 1.0),
    _Step(128, 40, 0.7),
    _Step(96, 30, 0.4),
    _Step(64, 25, 0.22),
)
# About the bytes of an ordinary picture at weight 1: where to begin, so that few are made twice.
_USUAL_BYTES: Final = 3_300


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


def bytes_each(paths: Iterable[Path], budget: int) -> int:
    """Share a budget for all data URIs among the distinct images: the bytes each may take."""
    each = budget // max(1, len(set(paths))) * 3 // 4  # base64 makes four characters of three bytes
    return max(SMALLEST_BYTES, min(LARGEST_BYTES, each))


def thumbnails(paths: Iterable[Path], most: int) -> Mapping[Path, Picture]:
    """Make a small copy of each image; one that cannot be read becomes a remark.

    Args:
        paths: the image files; the same may come several times.
        most: how many bytes each may take before base64.
    """
    distinct = list(dict.fromkeys(paths))
    if not distinct:
        return {}
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

    steps = _steps(most)
    side = steps[0].side
    try:
        with Image.open(path) as image:
            # A JPEG is decoded at a fraction of its size where that is enough.
            image.draft("RGB", (side, side))
            if image.width * image.height > MAX_PIXELS:
                return Missing(f"is too large to draw here ({image.width} x {image.height})")
            return _encoded(_small(image, side), steps, most)
    except Exception as error:  # Pillow's decoders raise what they like
        return Missing(f"does not decode ({type(error).__name__}: {error})")


def _steps(most: int) -> Sequence[_Step]:
    """Return the steps from the largest that an ordinary picture takes so many bytes at."""
    fitting = [place for place, step in enumerate(_STEPS) if step.weight * _USUAL_BYTES <= most]
    return _STEPS[fitting[0] if fitting else -1 :]


def _small(image: "Image", side: int) -> "Image":
    """Shrink the picture that was sent: upright, in plain colours, on white."""
    from PIL import Image

    pixels = upright_pixels(image)
    times = max(pixels.width, pixels.height) // side
    # Whole blocks of pixels first: a few times as fast as one step.
    small = pixels.reduce(times) if times > 1 else pixels
    small.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=1.0)
    if small.mode == "RGBA":
        paper = Image.new("RGB", small.size, "white")
        paper.paste(small, mask=small.getchannel("A"))
        return paper
    return small


def _encoded(image: "Image", steps: Sequence[_Step], most: int) -> Thumbnail:
    """Encode; where that takes too many bytes again, by the largest step that will hardly."""
    step, *smaller = steps
    while True:
        image.thumbnail((step.side, step.side))
        data = _encode(image, step.quality)
        if len(data) <= most or not smaller:
            uri = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
            return Thumbnail(uri, image.width, image.height)
        wanted = step.weight * most / len(data)
        while len(smaller) > 1 and smaller[0].weight > wanted:
            smaller.pop(0)
        step = smaller.pop(0)


def _encode(image: "Image", quality: int) -> bytes:
    buffer = io.BytesIO()
    # Neither its colour profile nor its other data: they can be larger than the picture.
    image.save(buffer, "JPEG", quality=quality, icc_profile=None, exif=b"", comment=b"")
    return buffer.getvalue()
