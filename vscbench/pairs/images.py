"""Whether the images of a selection can be sent, found out before the first request."""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vscbench.errors import DataError
from vscbench.records import Pair
from vscbench.visible import visible

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow reads more, some with the help of another program (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MAX_PIXELS = 100_000_000
MAX_BYTES = 100_000_000
SHOWN = 5


def image_problem(path: Path) -> str | None:
    """Say what is wrong with an image file, from its header alone, or ``None``.

    Args:
        path: the file; it need not exist.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        return "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
    if size > MAX_BYTES:
        return f"is {size / 1e6:.0f} MB large (limit {MAX_BYTES / 1e6:.0f} MB)"
    return _problem_with(path, _header_problem)


def decode_problem(path: Path) -> str | None:
    """Say what is wrong with an image file once every pixel is decoded, or ``None``."""
    return image_problem(path) or _problem_with(path, _pixel_problem)


def _problem_with(path: Path, inspect: Callable[["Image"], str | None]) -> str | None:
    # Imported here: collection and text-only runs never open an image.
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # The limit here is our own; a warning would become an error under ``-W error``.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return inspect(image)
    except Image.DecompressionBombError as error:
        return f"is too large ({error})"
    except UnidentifiedImageError:
        return "does not decode (no known image format)"
    except Exception as error:  # Pillow's decoders raise what they like
        return f"does not decode ({type(error).__name__}: {error})"


def _header_problem(image: "Image") -> str | None:
    width, height = image.size
    if image.format not in FORMATS:
        return f"is a {image.format} file; known are {', '.join(FORMATS)}"
    if width * height > MAX_PIXELS:
        return f"is {width} x {height} pixels large (limit {MAX_PIXELS:,} in all)"
    return None


def _pixel_problem(image: "Image") -> str | None:
    image.load()
    return None


def require_images(pairs: Iterable[Pair]) -> None:
    """Stop before the first request where the selection has images that cannot be sent.

    Raises:
        DataError: says how many, which, and the ways out.
    """
    bad = [
        (pair, pair.image, problem)
        for pair in pairs
        if pair.query and pair.image and (problem := image_problem(pair.image))
    ]
    if not bad:
        return
    lines = [f"  {image} {problem}  ({pair.source})" for pair, image, problem in bad[:SHOWN]]
    named = [visible(line, len(line)) for line in lines]
    more = [f"  ... and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    raise DataError(
        "\n".join(
            [
                f"{len(bad)} images of the selected pairs cannot be sent; nothing was asked:",
                *named,
                *more,
                "Two ways out: supply them (download VSCBench's images, or draw the typography "
                "and figstep ones with 'vscbench data render SOURCE DEST'; 'vscbench data check "
                "PATH' looks at every one), or select pairs that need none of them "
                "('--vsc-variant text', for instance).",
            ]
        )
    )
