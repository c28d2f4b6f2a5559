import io
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vscbench.errors import DataError
from vscbench.models.images import (
    DEFAULT_LIMITS,
    ImageLimits,
    limits_of,
    prepare_image,
    read_rgb,
)

PLAIN = ImageLimits(frozenset({"PNG", "JPEG"}), 1_000_000)
# For a provider, and for a model that is loaded here.
READERS: tuple[Callable[[Path], object], ...] = (lambda path: prepare_image(path, PLAIN), read_rgb)


def saved(path: Path, image: Image.Image, format: str, **options: object) -> Path:
    image.save(path, format, **options)
    return path


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 90).convert("RGB")


@pytest.mark.parametrize(("format", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_what_is_taken_goes_unchanged_under_the_type_of_its_bytes(
    tmp_path: Path, format: str, mime: str
) -> None:
    path = saved(tmp_path / "misnamed.gif", noise(20, 10), format)
    prepared = prepare_image(path, PLAIN)
    assert prepared.data == path.read_bytes()
    assert (prepared.mime, prepared.change) == (mime, None)


@pytest.mark.parametrize("format", ["WEBP", "GIF", "BMP", "TIFF"])
def test_what_is_refused_becomes_png(tmp_path: Path, format: str) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (20, 10), "red"), format)
    prepared = prepare_image(path, PLAIN)
    image = decoded(prepared.data)
    assert (image.format, image.size, prepared.mime) == ("PNG", (20, 10), "image/png")
    assert prepared.change == f"converted {format} to PNG"


def test_webp_goes_unchanged_where_it_is_taken(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", Image.new("RGB", (20, 10)), "WEBP")
    prepared = prepare_image(path, limits_of("openai", "gpt-4o"))
    assert (prepared.data, prepared.mime) == (path.read_bytes(), "image/webp")


def test_the_first_frame_stands_for_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for format in ("GIF", "WEBP"):
        options = {"save_all": True, "append_images": frames[1:], "lossless": True}
        path = saved(tmp_path / format, frames[0], format, **options)
        prepared = prepare_image(path, limits_of("openai", "gpt-4o"))
        assert prepared.change == f"converted {format} to PNG (first of 3 frames)"
        assert decoded(prepared.data).convert("RGB").getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_too_many_pixels_are_scaled_down_in_the_same_aspect(tmp_path: Path, format: str) -> None:
    path = saved(tmp_path / "a", Image.new("RGB", (300, 200)), format)
    prepared = prepare_image(path, ImageLimits(PLAIN.formats, 1_000_000, max_side=150))
    assert decoded(prepared.data).size == (150, 100)
    assert decoded(prepared.data).format == format
    assert prepared.change == "scaled 300x200 to 150x100"


@settings(max_examples=15)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(3_000, 40_000), st.integers(20, 200))
def test_limits_are_kept_whatever_the_image(
    width: int, height: int, max_bytes: int, max_side: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = saved(Path(folder) / "a.bmp", noise(width, height), "BMP")
        prepared = prepare_image(path, ImageLimits(PLAIN.formats, max_bytes, max_side))
    size = decoded(prepared.data).size
    assert len(prepared.data) <= max_bytes
    assert max(size) <= max_side
    assert abs(size[0] * height - size[1] * width) <= max(width, height)
    assert ("scaled" in str(prepared.change)) == (size != (width, height))


def test_both_changes_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise(300, 200), "BMP")
    prepared = prepare_image(path, ImageLimits(PLAIN.formats, 1_000_000, max_side=30))
    assert prepared.change == "converted BMP to PNG, scaled 300x200 to 30x20"


@pytest.mark.parametrize(
    ("mode", "format", "expected"),
    [
        ("CMYK", "TIFF", "RGB"),
        ("1", "TIFF", "L"),
        ("P", "TIFF", "RGB"),
        ("LA", "TIFF", "RGB"),
        ("F", "TIFF", "L"),
        ("I;16", "TIFF", "L"),
        ("I", "TIFF", "L"),
    ],
)
def test_every_mode_comes_out_as_one_that_providers_read(
    tmp_path: Path, mode: str, format: str, expected: str
) -> None:
    path = saved(tmp_path / "a", Image.new(mode, (6, 6)), format)
    assert decoded(prepare_image(path, PLAIN).data).mode == expected


def test_sixteen_bits_of_grey_keep_their_shades(tmp_path: Path) -> None:
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 32896)
    image.putpixel((1, 0), 65535)
    path = saved(tmp_path / "a", image, "TIFF")
    grey = decoded(prepare_image(path, PLAIN).data)
    assert [grey.getpixel((x, 0)) for x in (0, 1)] == [128, 255]


def test_a_transparent_palette_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    path = saved(tmp_path / "a", image, "GIF", transparency=0)
    prepared = prepare_image(path, PLAIN)
    assert prepared.change == "converted GIF to PNG, laid on white"
    shown = decoded(prepared.data)
    assert [shown.getpixel(place) for place in ((0, 0), (3, 3))] == [(255,) * 3, (0, 0, 255)]


def test_an_image_is_turned_upright_when_it_loses_its_exif(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by 90 degrees
    path = saved(tmp_path / "a", image, "WEBP", exif=exif)
    assert decoded(prepare_image(path, PLAIN).data).size == (20, 40)


def test_a_phones_mpo_is_a_jpeg(tmp_path: Path) -> None:
    pictures = [noise(16, 16), noise(16, 16)]
    path = saved(tmp_path / "a", pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    prepared = prepare_image(path, PLAIN)
    assert (prepared.data, prepared.mime) == (path.read_bytes(), "image/jpeg")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not an image"),
        (b"<svg></svg>", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "not an image|does not decode"),
    ],
)
def test_what_is_no_image_names_the_file(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "no-image.png"
    path.write_bytes(data)
    for read in READERS:
        with pytest.raises(DataError, match=rf"no-image\.png: (the image )?({said})"):
            read(path)


def test_a_truncated_image_that_must_be_converted_names_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "cut.bmp", noise(60, 60), "BMP")
    path.write_bytes(path.read_bytes()[:500])
    for read in READERS:
        with pytest.raises(DataError, match=r"cut\.bmp: the image does not decode"):
            read(path)


def test_a_missing_image_names_the_file(tmp_path: Path) -> None:
    for read in READERS:
        with pytest.raises(DataError, match=r"gone\.png: the image cannot be read"):
            read(tmp_path / "gone.png")


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize("side", [12_000, 30_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = saved(tmp_path / "bomb.png", Image.new("1", (8, 8)), "PNG")
    data = bytearray(path.read_bytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    for read in READERS:
        with pytest.raises(DataError, match=r"bomb\.png: "):
            read(path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F"])
def test_a_model_that_is_loaded_here_is_shown_red_green_and_blue(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / "a", Image.new(mode, (6, 4)), "TIFF")
    assert (read_rgb(path).mode, read_rgb(path).size) == ("RGB", (6, 4))


def test_it_is_shown_every_shade_of_sixteen_bits(tmp_path: Path) -> None:
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 32896)
    image.putpixel((1, 0), 65535)
    seen = read_rgb(saved(tmp_path / "a", image, "PNG"))
    assert [seen.getpixel((x, 0)) for x in (0, 1)] == [(128,) * 3, (255,) * 3]


def test_it_is_shown_what_is_transparent_as_white_and_not_what_hides_below(
    tmp_path: Path,
) -> None:
    image = Image.new("RGBA", (3, 1), (200, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 200, 255))
    image.putpixel((2, 0), (0, 0, 0, 128))
    seen = read_rgb(saved(tmp_path / "a", image, "PNG"))
    assert [seen.getpixel((x, 0)) for x in range(3)] == [(255,) * 3, (0, 0, 200), (127,) * 3]
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((0, 0), 0)
    seen = read_rgb(saved(tmp_path / "b", palette, "GIF", transparency=0))
    assert [seen.getpixel((x, 0)) for x in (0, 1)] == [(255,) * 3, (0, 0, 255)]


def test_it_is_shown_an_image_upright_and_the_first_frame_of_several(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by 90 degrees
    assert read_rgb(saved(tmp_path / "a", image, "JPEG", exif=exif)).size == (20, 40)
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = saved(tmp_path / "b", frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_rgb(path).getpixel((0, 0)) == (255, 0, 0)


def test_every_provider_takes_png_and_jpeg_and_claude_keeps_its_limits_everywhere() -> None:
    for provider in ("openai", "azure", "anthropic", "gemini", "vertex_ai", "bedrock", "xai"):
        assert limits_of(provider, "some-model").formats >= {"PNG", "JPEG"}
    claude = limits_of("anthropic", "claude-sonnet-4-5")
    assert limits_of("vertex_ai", "claude-sonnet-4-5") == claude
    assert limits_of("openrouter", "anthropic/claude-sonnet-4-5") == claude
    assert len("A" * (claude.max_bytes * 4 // 3)) <= 5 * 1024 * 1024
    assert limits_of("hosted_vllm", "llava") == DEFAULT_LIMITS
