"""An image file as a provider takes it: unchanged where it can be, and said so where not."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vscbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

MIB = 1024 * 1024
MAX_PIXELS = 100_000_000
JPEG_QUALITY = 95
MIME = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SMALLEST_SIDE = 16
WHITE, WHITE_16 = 255.0, 65535.0  # of 8 and of 16 bits


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a provider takes.

    Args:
        formats: Pillow's names of the formats that are sent as they are.
        max_bytes: the largest file in bytes, before base64.
        max_side: the longest side in pixels, or ``None`` where none is stated.
    """

    formats: frozenset[str]
    max_bytes: int
    max_side: int | None = None

    def describe(self) -> str:
        """Say in one line, the same each time, what is sent as it is."""
        side = f", {self.max_side} px" if self.max_side else ""
        return f"{' '.join(sorted(self.formats))}, {self.max_bytes} bytes{side}"


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """Bytes to send; ``change`` says how they differ from the file, or is ``None``."""

    data: bytes
    mime: str
    change: str | None = None


_PLAIN = frozenset({"PNG", "JPEG"})
_WITH_WEBP = _PLAIN | {"WEBP"}

# GIF is never sent as it is: most providers take it only without animation, Gemini not at all.
# https://platform.openai.com/docs/guides/images-vision (PNG, JPEG, WEBP, still GIF; 20 MB before
# the limit moved to the whole payload), https://learn.microsoft.com/azure/ai-services/openai/
# how-to/gpt-with-vision (20 MB)
_OPENAI = ImageLimits(_WITH_WEBP, 20 * MIB)
# https://docs.claude.com/en/docs/build-with-claude/vision: 8000 px a side, 5 MB; the 5 MB count
# the base64 text ("image exceeds 5 MB maximum"), which is 3.75 MB of file.
_ANTHROPIC = ImageLimits(_WITH_WEBP, 5 * MIB * 3 // 4, 8000)
# https://docs.aws.amazon.com/bedrock/latest/userguide (ContentBlock): 3.75 MB, 8000 px a side
_BEDROCK = ImageLimits(_WITH_WEBP, 15 * MIB // 4, 8000)
# https://ai.google.dev/gemini-api/docs/image-understanding: PNG, JPEG, WEBP, HEIC, HEIF; 20 MB of
# inline request, which is 15 MB of file less the text
_GEMINI = ImageLimits(_WITH_WEBP, 14 * MIB)
# https://docs.cloud.google.com/vertex-ai/docs/generative-ai/image: 7 MB a file for inline data
_VERTEX = ImageLimits(_WITH_WEBP, 7_000_000)
# https://docs.x.ai/developers/model-capabilities/images/understanding: 20 MiB, JPEG or PNG
_XAI = ImageLimits(_PLAIN, 20 * MIB)
# https://docs.mistral.ai/capabilities/vision: PNG, JPEG, WEBP, still GIF; 10 MB
_MISTRAL = ImageLimits(_WITH_WEBP, 10_000_000)
# https://github.com/ollama/ollama/issues/2457: PNG and JPEG; WebP came late and not everywhere
_OLLAMA = ImageLimits(_PLAIN, 20 * MIB)

LIMITS = {
    "openai": _OPENAI,
    "azure": _OPENAI,
    "anthropic": _ANTHROPIC,
    "bedrock": _BEDROCK,
    "bedrock_converse": _BEDROCK,
    "gemini": _GEMINI,
    "vertex_ai": _VERTEX,
    "vertex_ai_beta": _VERTEX,
    "xai": _XAI,
    "mistral": _MISTRAL,
    "ollama": _OLLAMA,
    "ollama_chat": _OLLAMA,
}
# What every server that takes images has been seen to read.
DEFAULT_LIMITS = ImageLimits(_PLAIN, 20 * MIB)


def limits_of(provider: str, model: str) -> ImageLimits:
    """Return the limits for a model; Claude keeps its own wherever it is served."""
    if "claude" in model.lower():
        return _ANTHROPIC
    return LIMITS.get(provider, DEFAULT_LIMITS)


def prepare_image(path: Path, limits: ImageLimits) -> PreparedImage:
    """Return an image as it can be sent, byte for byte the file's where the limits allow.

    The format is read from the bytes, never from the name. Other formats become PNG (the first
    frame of several); what is too large is scaled down with its aspect kept.

    Raises:
        DataError: the file cannot be read or decoded, or is absurdly large.
    """
    data = _bytes_of(path)
    with _decoding(path, data) as image:
        return _prepare(path, data, image, limits)


def read_rgb(path: Path) -> "Image":
    """Read an image as a person sees it: upright, the first frame of several, on white.

    Raises:
        DataError: the file cannot be read or decoded, or is absurdly large.
    """
    with _decoding(path, _bytes_of(path)) as opened:
        from PIL import Image

        pixels = _upright_pixels(opened, "PNG")
        if pixels.mode == "RGBA":
            pixels = Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels)
        return pixels.convert("RGB")


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the image cannot be read ({error.strerror})") from None


@contextmanager
def _decoding(path: Path, data: bytes) -> Iterator["Image"]:
    """Open an image, and tell what goes wrong with it as what is wrong with the file."""
    # Imported here: runs without images never need it.
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{path}: {image.width} x {image.height} pixels are too many to decode (limit "
                    f"{MAX_PIXELS:,} in all); scale the image down"
                )
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{path}: not an image in any known format") from None
    except Exception as error:  # Pillow's decoders raise what they like
        raise DataError(
            f"{path}: the image does not decode ({type(error).__name__}: {error})"
        ) from None


def _prepare(path: Path, data: bytes, image: "Image", limits: ImageLimits) -> PreparedImage:
    # A phone's MPO is a JPEG with further pictures behind the first; every decoder reads it so.
    found = "JPEG" if image.format == "MPO" else str(image.format)
    frames = 1 if found == "JPEG" else int(getattr(image, "n_frames", 1))
    fits_side = limits.max_side is None or max(image.size) <= limits.max_side
    takes = found in limits.formats and frames == 1
    if takes and fits_side and len(data) <= limits.max_bytes:
        return PreparedImage(data, MIME[found])
    target = found if takes and found == "JPEG" else "PNG"
    pixels = _upright_pixels(image, target)
    encoded, size = _encode_within(path, pixels, target, limits)
    changes = [
        _conversion(found, target, frames),
        _scaling(pixels.size, size),
    ]
    return PreparedImage(encoded, MIME[target], ", ".join(filter(None, changes)) or None)


def _conversion(found: str, target: str, frames: int) -> str | None:
    if frames > 1:
        return f"converted {found} to {target} (first of {frames} frames)"
    return f"converted {found} to {target}" if found != target else None


def _scaling(before: tuple[int, int], after: tuple[int, int]) -> str | None:
    if before == after:
        return None
    return f"scaled {before[0]}x{before[1]} to {after[0]}x{after[1]}"


def _upright_pixels(image: "Image", target: str) -> "Image":
    """Return the first frame in a mode that PNG and JPEG hold, turned as its EXIF says."""
    from PIL import ImageOps

    image.seek(0)
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I") or turned.mode == "F":
        return _eight_bits(turned)
    if "A" in turned.getbands() or "transparency" in turned.info:
        return turned.convert("RGBA" if target == "PNG" else "RGB")
    return turned.convert("L" if turned.mode in ("1", "L") else "RGB")


def _eight_bits(image: "Image") -> "Image":
    """Bring 16 and 32 bits of grey to 8, where Pillow would cut everything above 255."""
    values = (
        image.convert("I").convert("F") if image.mode.startswith("I;16") else image.convert("F")
    )
    _, top = values.getextrema()
    highest = float(top) if isinstance(top, int | float) else WHITE
    wide = image.mode.startswith("I;16") or highest > WHITE
    scale = WHITE / max(WHITE_16, highest) if wide else 1.0
    return values.point(lambda value: value * scale).convert("L")


def _encode_within(
    path: Path, pixels: "Image", target: str, limits: ImageLimits
) -> tuple[bytes, tuple[int, int]]:
    """Encode, smaller and smaller, until the limits are kept."""
    scale = 1.0
    if limits.max_side is not None:
        scale = min(1.0, limits.max_side / max(pixels.size))
    while True:
        size = _scaled(pixels.size, scale)
        data = _encode(pixels if size == pixels.size else pixels.resize(size), target)
        if len(data) <= limits.max_bytes:
            return data, size
        if max(size) <= SMALLEST_SIDE:
            raise DataError(f"{path}: no size of this image fits into {limits.max_bytes} bytes")
        # Bytes grow about as the area does; a little less, so that few rounds are needed.
        scale *= min(0.9, 0.95 * math.sqrt(limits.max_bytes / len(data)))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _encode(pixels: "Image", target: str) -> bytes:
    buffer = io.BytesIO()
    if target == "JPEG":
        pixels.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        pixels.save(buffer, "PNG")
    return buffer.getvalue()
