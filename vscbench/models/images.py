"""An image file as it is sent: the picture that people see, its bytes unchanged where they can be.

A picture is upright, of 8 bits in shades of grey or of red, green and blue, and what is transparent
in it lies on white. Decoders on the other side differ in all of that: some read no EXIF, some drop
the alpha channel and show what was hidden below, some cut 16 bits to white.
"""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vscbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

MIB = 1024 * 1024
MAX_PIXELS = 100_000_000
JPEG_QUALITY = 95
MIME = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SMALLEST_SIDE = 16
WHITE, WHITE_16 = 255.0, 65535.0  # of 8 and of 16 bits
OPAQUE = 255
UPRIGHT = 1
TURNED = range(2, 9)
ORIENTATION_TAG = 0x0112
# Behind the pixels too, a PNG may say how it is to be turned; Pillow reads that when it decodes.
EXIF_MARKS = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
# Everything else is converted by some decoders in a way of their own, and refused by others.
PLAIN_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX"})
PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
# Where a model's identity says what is sent as it is.
LIMITS_FIELD = "image_limits"
# Where an identity is that of an application, which is given files.
CODE_FIELD = "code_sha256"


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

    @classmethod
    def parse(cls, description: str) -> "ImageLimits":
        """Read what ``describe`` wrote.

        Raises:
            ValueError: it is something else.
        """
        formats, size, *side = description.split(", ")
        return cls(
            frozenset(formats.split()),
            int(size.removesuffix(" bytes")),
            int(side[0].removesuffix(" px")) if side else None,
        )

    def allow(self, facts: "ImageFacts") -> bool:
        """Whether the format and the size of a file are taken."""
        fits_side = self.max_side is None or max(facts.width, facts.height) <= self.max_side
        return (
            facts.format in self.formats
            and facts.frames == 1
            and fits_side
            and facts.size_bytes <= self.max_bytes
        )


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What of an image file decides how it is sent.

    Args:
        format: Pillow's name; a phone's MPO is a JPEG.
        frames: how many; 1 for a JPEG.
        width: in pixels, as stored.
        height: in pixels, as stored.
        size_bytes: of the file.
        mode: Pillow's, of the pixels as stored.
        orientation: by EXIF, 1 to 8; 1 is upright.
        is_transparent: whether a pixel is not opaque.
        is_whole: whether every pixel was decoded.
    """

    format: str
    frames: int
    width: int
    height: int
    size_bytes: int
    mode: str
    orientation: int = UPRIGHT
    is_transparent: bool = False
    is_whole: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether every decoder shows of the file's bytes what people see."""
        return self.orientation == UPRIGHT and self.mode in PLAIN_MODES and not self.is_transparent


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
    """Return an image as it can be sent, byte for byte the file's where that is what people see.

    The format is read from the bytes, never from the name. Other formats become PNG (the first
    frame of several); what is too large is scaled down with its aspect kept.

    Raises:
        DataError: the file cannot be read or decoded, or is absurdly large.
    """
    data = _bytes_of(path)
    with _decoding(path, data) as image:
        return _prepare(path, data, image, limits)


def upright_file(path: Path) -> PreparedImage:
    """Return a file's bytes as an application gets them: as they are, unless EXIF turns them.

    A picture that lies on its side becomes an upright one: a JPEG of a JPEG, else a PNG.

    Raises:
        DataError: the file cannot be read or decoded, or is absurdly large.
    """
    data = _bytes_of(path)
    with _decoding(path, data) as image:
        found, frames = _format_of(image), _frames_of(image)
        if frames > 1 or orientation_of(image, data) == UPRIGHT:
            return PreparedImage(data, MIME.get(found, f"image/{found.lower()}"))
        target = found if found == "JPEG" else "PNG"
        turned = _turned(image)
        kept = turned.image.mode in PNG_MODES
        pixels = turned.image if kept else _shown(turned.image, target)
        changes = [turned.change, _conversion(found, target, frames)]
        return PreparedImage(_encode(pixels, target), MIME[target], _told(changes))


def look_at(path: Path) -> ImageFacts:
    """Return what of an image file decides how it is sent, from its header where that tells.

    Only an image that may be transparent, or whose EXIF stands behind its pixels, is decoded.

    Raises:
        DataError: the file cannot be read, or is no image.
    """
    data = _bytes_of(path)
    with _decoding(path, data) as image:
        return _facts_of(image, data)


def shows_files(identity: Mapping[str, object]) -> bool:
    """Whether a model, or one behind a judge, was sent files as they are by earlier versions."""
    return any(field in (LIMITS_FIELD, CODE_FIELD) for field, _ in _fields_of(identity))


def picture_sent(facts: ImageFacts, identity: Mapping[str, object]) -> str | None:
    """Say how the picture of a file that a model is sent differs from what earlier versions sent.

    ``None`` where it does not: then answers that were stored for the file's bytes are answers to
    this picture. Models whose weights are loaded here were always shown what people see.

    Args:
        facts: of the file.
        identity: of the model, or of a judge with the identities of its models in it.
    """
    said = {
        change
        for field, value in _fields_of(identity)
        if (change := _newly_changed(facts, field, value))
    }
    return "; ".join(sorted(said)) or None


def read_rgb(path: Path) -> "Image":
    """Read an image as a person sees it: upright, the first frame of several, on white.

    Raises:
        DataError: the file cannot be read or decoded, or is absurdly large.
    """
    with _decoding(path, _bytes_of(path)) as opened:
        pixels = upright_pixels(opened)
        return (_on_white(pixels) if pixels.mode == "RGBA" else pixels).convert("RGB")


def upright_pixels(image: "Image", target: str = "PNG") -> "Image":
    """Return the first frame in a mode that PNG and JPEG hold, turned as its EXIF says."""
    return _shown(_turned(image).image, target)


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
    facts = _facts_of(image, data)
    allowed = limits.allow(facts)
    if allowed and facts.is_plain:
        return PreparedImage(data, MIME[facts.format])
    takes = facts.format in limits.formats and facts.frames == 1
    target = facts.format if takes and facts.format == "JPEG" else "PNG"
    turned = _turned(image)
    pixels = _shown(turned.image, target)
    if facts.is_transparent and pixels.mode == "RGBA":
        pixels = _on_white(pixels)
    encoded, size = _encode_within(path, pixels, target, limits)
    changes = [
        turned.change,
        _conversion(facts.format, target, facts.frames),
        _recoloured(facts) if allowed else None,
        "laid on white" if facts.is_transparent else None,
        _scaling(pixels.size, size),
    ]
    return PreparedImage(encoded, MIME[target], _told(changes))


def _format_of(image: "Image") -> str:
    # A phone's MPO is a JPEG with further pictures behind the first; every decoder reads it so.
    return "JPEG" if image.format == "MPO" else str(image.format)


def _frames_of(image: "Image") -> int:
    return 1 if _format_of(image) == "JPEG" else int(getattr(image, "n_frames", 1))


def _facts_of(image: "Image", data: bytes) -> ImageFacts:
    # The header's, before a decoder turns the image by itself, as that of TIFF does.
    width, height = image.size
    mode, orientation = image.mode, orientation_of(image, data)
    may_hide = image.has_transparency_data and not _is_deep(image)
    return ImageFacts(
        _format_of(image),
        _frames_of(image),
        width,
        height,
        len(data),
        mode,
        orientation,
        is_transparent=may_hide and _is_transparent(image),
        is_whole=may_hide,
    )


def _is_transparent(image: "Image") -> bool:
    alpha = image if "A" in image.getbands() else image.convert("RGBA")
    lowest, _ = alpha.getchannel("A").getextrema()
    return isinstance(lowest, int | float) and lowest < OPAQUE


def orientation_of(image: "Image", data: bytes | None = None) -> int:
    """Return which of EXIF's eight orientations an image has; 1 where it tells none.

    Args:
        image: opened; it is decoded only where its EXIF stands behind its pixels.
        data: the file's bytes; ``None`` for an image that is to be decoded anyway.
    """
    try:
        value = _exif_of(image, data).get(ORIENTATION_TAG)
    except Exception:  # EXIF that cannot be read turns nothing, here as in every viewer
        return UPRIGHT
    return value if isinstance(value, int) and value in TURNED else UPRIGHT


def _exif_of(image: "Image", data: bytes | None) -> "Exif":
    from PIL import Image

    if image.format == "PNG" and data is not None:
        pixels = data.find(b"IDAT")
        if all(data.rfind(mark) < pixels for mark in EXIF_MARKS):
            # A PNG's own way to its EXIF decodes the pixels, to look behind them.
            return Image.Image.getexif(image)
    return image.getexif()


@dataclass(frozen=True, slots=True)
class _Turned:
    image: "Image"
    change: str | None


def _turned(image: "Image") -> _Turned:
    """Decode the first frame, and turn it as its EXIF says."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    stored = orientation_of(image)
    image.seek(0)
    image.load()
    # Some decoders turn the image themselves, and then say so.
    left = orientation_of(image)
    change = None if stored == UPRIGHT else f"turned upright (EXIF orientation {stored})"
    return _Turned(image if left == UPRIGHT else image.transpose(turns[left]), change)


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _fields_of(identity: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield every field of an identity, at any depth."""
    for field, value in identity.items():
        yield field, value
        within = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for each in within:
            if isinstance(each, Mapping):
                yield from _fields_of(each)


def _newly_changed(facts: ImageFacts, field: str, value: object) -> str | None:
    """Say what is changed now that was not when other things of the file were."""
    turned = None if facts.orientation == UPRIGHT else f"upright {facts.orientation}"
    if field == CODE_FIELD:
        return turned if facts.frames == 1 else None
    if field != LIMITS_FIELD or facts.is_plain:
        return None
    white = "on white" if facts.is_transparent else None
    if not ImageLimits.parse(str(value)).allow(facts):
        return white  # it was decoded and turned before, since it had to be converted or scaled
    return _told([turned, _recoloured(facts), white])


def _told(changes: Sequence[str | None]) -> str | None:
    return ", ".join(filter(None, changes)) or None


def _recoloured(facts: ImageFacts) -> str | None:
    if facts.mode in PLAIN_MODES:
        return None
    return f"converted {facts.mode} to {'8 bits' if facts.mode[0] in 'IF' else 'RGB'}"


def _conversion(found: str, target: str, frames: int) -> str | None:
    if frames > 1:
        return f"converted {found} to {target} (first of {frames} frames)"
    return f"converted {found} to {target}" if found != target else None


def _scaling(before: tuple[int, int], after: tuple[int, int]) -> str | None:
    if before == after:
        return None
    return f"scaled {before[0]}x{before[1]} to {after[0]}x{after[1]}"


def _is_deep(image: "Image") -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _shown(image: "Image", target: str) -> "Image":
    """Return an image in a mode that PNG and JPEG hold, with a colour profile only if it fits."""
    if _is_deep(image):
        return _eight_bits(image)
    if image.has_transparency_data:
        return image.convert("RGBA" if target == "PNG" else "RGB")
    shown = image.convert("L" if image.mode in ("1", "L") else "RGB")
    if image.mode not in PLAIN_MODES:
        shown.info.pop("icc_profile", None)  # of inks, say, which these pixels are not
    return shown


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
    profile = pixels.info.get("icc_profile")
    # Nothing else of what the file said: it was turned, and must not be turned again.
    if target == "JPEG":
        pixels.save(
            buffer,
            "JPEG",
            quality=JPEG_QUALITY,
            subsampling=0,
            icc_profile=profile,
            exif=b"",
            xmp=b"",
        )
    else:
        pixels.save(buffer, "PNG", icc_profile=profile, exif=b"")
    return buffer.getvalue()
