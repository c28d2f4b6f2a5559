"""Images of untrusted rows: files below a folder, bytes, or base64 text, as checked bytes."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vscbench.errors import DataError
from vscbench.pairs.images import FORMATS, MAX_BYTES, MAX_PIXELS
from vscbench.pairs.paths import stays_below

# A longer text is an image itself.
LONGEST_NAME: Final = 200
DATA_URL: Final = "data:"


def image_bytes(value: object, folder: Path | None, where: str) -> bytes:
    """Return the bytes of the image that a cell holds or names.

    Args:
        value: bytes, ``{"bytes": ..., "path": ...}`` as Hugging Face's data sets have it, base64
            text (bare, or a data URL), or a path below ``folder``.
        folder: where named files are; ``None`` where no folder was given.
        where: the row's place, for error messages.

    Raises:
        DataError: it is none of these, too large, outside of the folder, or not there.
    """
    if isinstance(value, Mapping):
        inner = value.get("bytes") or value.get("path")
        return image_bytes(inner, folder, where)
    if isinstance(value, bytes | bytearray):
        return _within_limit(bytes(value), where)
    if not isinstance(value, str):
        raise DataError(f"{where}: no image can be made of {value!r:.60}")
    if value.startswith(DATA_URL):
        return _decoded(value.partition(",")[2], where)
    if len(value) > LONGEST_NAME:
        return _decoded(value, where)
    return _file(value, folder, where)


def image_ending(content: bytes, where: str) -> str:
    """Return the ending for an image's file, ``.png`` and the like; every pixel is decoded.

    Raises:
        DataError: the content is no image in a known format, or a too large one.
    """
    # Imported here: only who converts opens images.
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{where}: the image has {image.width} x {image.height} pixels")
            if image.format not in FORMATS:
                raise DataError(f"{where}: the image is {image.format}, not {', '.join(FORMATS)}")
            image.load()
            return f".{image.format.lower()}"
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise what they like
        raise DataError(
            f"{where}: the image does not decode ({type(error).__name__}: {error!s:.80})"
        ) from None


def _within_limit(content: bytes, where: str) -> bytes:
    if len(content) > MAX_BYTES:
        raise DataError(f"{where}: the image is larger than {MAX_BYTES / 1e6:.0f} MB")
    return content


def _decoded(text: str, where: str) -> bytes:
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise DataError(f"{where}: the image is larger than {MAX_BYTES / 1e6:.0f} MB")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{where}: the image is not base64 ({error})") from None


def _file(name: str, folder: Path | None, where: str) -> bytes:
    if folder is None:
        raise DataError(
            f"{where}: the image is a file, {name!r:.80}; say where the files are: --images FOLDER"
        )
    if not stays_below(name):
        raise DataError(f"{where}: image {name!r:.80} must be a path below {folder}, with '/'")
    path = folder / name
    # A link inside of the folder could lead out of it.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{where}: image {name!r:.80} leads out of {folder}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{where}: {path} is larger than {MAX_BYTES / 1e6:.0f} MB")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{where}: {path} cannot be read ({error.strerror or error})") from None
