"""Whether the images of a selection can be sent, found out before the first request."""

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from vscbench.errors import DataError
from vscbench.models.cores import usable_cores
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


def decode_problems(paths: Iterable[Path]) -> dict[Path, str]:
    """Decode each image once, several at a time, and say what is wrong with those that do not.

    Args:
        paths: the files; each may come several times.
    """
    with whole_files_only(), decoding_pool() as pool:
        distinct = list(dict.fromkeys(paths))
        problems = zip(distinct, pool.map(decode_problem, distinct), strict=True)
        return {path: problem for path, problem in problems if problem is not None}


@contextlib.contextmanager
def decoding_pool() -> Iterator[ThreadPoolExecutor]:
    """Lend a thread for each core: Pillow's decoders run side by side."""
    pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="vscbench-decode")
    try:
        # Filters of warnings are the whole process's: set here, once for all threads.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd EXIF, and sizes: the limits are our own
            yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C must not wait for thousands


@contextlib.contextmanager
def whole_files_only() -> Iterator[None]:
    """Have Pillow refuse a file that was cut off, whatever else in this process allowed it."""
    from PIL import ImageFile

    allowed = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = allowed


def _problem_with(path: Path, inspect: Callable[["Image"], str | None]) -> str | None:
    # Imported here: collection and text-only runs never open an image.
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # The limit here is our own; a warning would become an error under ``-W error``.
            warnings.simplefilter("ignore")
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
    # A JPEG is read to its end all the same, in a third of the time; others decode as they are.
    image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
    image.load()
    return None


def require_images(pairs: Iterable[Pair]) -> None:
    """Stop before the first request where the selection has images that cannot be sent.

    Raises:
        DataError: says how many, which, and the ways out.
    """
    shown = [(pair, pair.image) for pair in pairs if pair.query and pair.image]
    bad = [(pair, path, problem) for pair, path in shown if (problem := image_problem(path))]
    if bad:
        raise refusal(bad)


def require_decodable_images(pairs: Iterable[Pair]) -> None:
    """Do the same once every pixel is decoded.

    Raises:
        DataError: says how many images do not decode, which, and the ways out.
    """
    shown = [(pair, pair.image) for pair in pairs if pair.query and pair.image]
    problems = decode_problems(path for _, path in shown)
    bad = [(pair, path, problems[path]) for pair, path in shown if path in problems]
    if bad:
        raise refusal(bad)


def refusal(bad: Sequence[tuple[Pair, Path, str]]) -> DataError:
    """Return the error of a selection with images that cannot be sent.

    Args:
        bad: pairs, the image of each, and what is wrong with it; one at least.
    """
    lines = [
        f"  {pair.id}: {image} {problem}  ({pair.source})" for pair, image, problem in bad[:SHOWN]
    ]
    named = [visible(line, len(line)) for line in lines]
    more = [f"  ... and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    return DataError(
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
