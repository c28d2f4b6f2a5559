import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps
from PIL.PngImagePlugin import PngInfo

from vscbench.models.images import (
    DEFAULT_LIMITS,
    LIMITS,
    UPRIGHT,
    ImageFacts,
    ImageLimits,
    limits_of,
    look_at,
    picture_sent,
    prepare_image,
    read_rgb,
    upright_file,
)
from vscbench.report.html.thumbnails import Thumbnail, thumbnail

ORIENTATION = 0x0112
OPENAI = limits_of("openai", "gpt-4o")
SENT = {"image_limits": OPENAI.describe()}
APPLICATION = {"target": "app:answer", "code_sha256": "ab"}
SIDES = (48, 32)
CORNERS = ((4, 4), (43, 4), (4, 27), (43, 27))
# How a camera that was held so stores an upright picture.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photo() -> Image.Image:
    """A picture with a colour of its own in each corner."""
    image = Image.new("RGB", SIDES, "black")
    for (x, y), colour in zip(CORNERS, ("red", "lime", "blue", "white"), strict=True):
        image.paste(Image.new("RGB", (24, 16), colour), (x // 24 * 24, y // 16 * 16))
    return image


def taken(path: Path, format: str, orientation: int, **options: object) -> Path:
    turn = STORED[orientation]
    image = photo() if turn is None else photo().transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if format == "MPO":
        options |= {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]}
    image.save(path, format, exif=exif, **options)
    return path


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours of the corners, as far as a lossy format leaves them."""
    found = [image.convert("RGB").getpixel(place) for place in CORNERS]
    return [tuple(255 * (value > 127) for value in each) for each in found if type(each) is tuple]


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["JPEG", "MPO", "PNG", "WEBP", "TIFF"])
def test_a_photo_is_upright_on_every_route(tmp_path: Path, format: str, orientation: int) -> None:
    path = taken(tmp_path / "a", format, orientation)
    right = corners(photo())
    for prepared in (prepare_image(path, OPENAI), upright_file(path)):
        image = decoded(prepared.data)
        assert image.size == SIDES
        # For a server that reads no EXIF, and for one that does.
        assert corners(image) == corners(ImageOps.exif_transpose(image)) == right
        assert ("turned upright" in str(prepared.change)) == (orientation != UPRIGHT)
    assert corners(read_rgb(path)) == right
    small = thumbnail(path, 16_000)
    assert isinstance(small, Thumbnail)
    assert (small.width, small.height) == SIDES


@pytest.mark.parametrize("format", ["JPEG", "MPO", "PNG", "WEBP"])
def test_what_is_upright_goes_byte_for_byte(tmp_path: Path, format: str) -> None:
    path = taken(tmp_path / "a", format, UPRIGHT)
    for prepared in (prepare_image(path, OPENAI), upright_file(path)):
        assert (prepared.data, prepared.change) == (path.read_bytes(), None)
    assert picture_sent(look_at(path), SENT) is None


def test_the_change_says_by_what_it_was_turned(tmp_path: Path) -> None:
    said = {
        format: prepare_image(taken(tmp_path / format, format, 6), OPENAI).change
        for format in ("JPEG", "WEBP", "TIFF")
    }
    assert said == {
        "JPEG": "turned upright (EXIF orientation 6)",
        "WEBP": "turned upright (EXIF orientation 6), converted WEBP to PNG",
        "TIFF": "turned upright (EXIF orientation 6), converted TIFF to PNG",
    }


def test_a_turned_photo_keeps_its_colours_and_its_profile(tmp_path: Path) -> None:
    noise = Image.effect_noise((96, 64), 20).convert("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    noise.save(tmp_path / "a", "JPEG", quality=95, exif=exif, icc_profile=b"a profile")
    sent = decoded(prepare_image(tmp_path / "a", OPENAI).data)
    assert sent.info["icc_profile"] == b"a profile"
    seen = read_rgb(tmp_path / "a")
    off = [abs(one - other) for one, other in zip(sent.tobytes(), seen.tobytes(), strict=True)]
    assert sum(off) / len(off) < 2


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_pngs_exif_counts_on_either_side_of_its_pixels(tmp_path: Path, place: str) -> None:
    data = taken(tmp_path / "a", "PNG", 8).read_bytes()
    if place == "behind":
        at = data.index(b"eXIf") - 4
        length = int.from_bytes(data[at : at + 4], "big") + 12
        end = data.index(b"IEND") - 4
        data = data[:at] + data[at + length : end] + data[at : at + length] + data[end:]
    path = tmp_path / "b"
    path.write_bytes(data)
    assert look_at(path).orientation == 8
    assert corners(decoded(prepare_image(path, OPENAI).data)) == corners(photo())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0", b"Exif\0\0no tiff at all", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 30],
)
def test_exif_that_cannot_be_read_turns_nothing_and_fails_nothing(
    tmp_path: Path, format: str, exif: bytes
) -> None:
    photo().save(tmp_path / "a", format, exif=exif)
    for prepared in (prepare_image(tmp_path / "a", OPENAI), upright_file(tmp_path / "a")):
        assert (prepared.data, prepared.change) == ((tmp_path / "a").read_bytes(), None)
    assert corners(read_rgb(tmp_path / "a")) == corners(photo())


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_there_is_not_turns_nothing(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo().save(tmp_path / "a", "JPEG", exif=exif)
    assert prepare_image(tmp_path / "a", OPENAI).change is None


def half_clear(mode: str) -> Image.Image:
    """White ink that nobody sees, and black ink that everybody does."""
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white_for_a_server_that_drops_the_alpha(
    tmp_path: Path, mode: str
) -> None:
    half_clear(mode).save(tmp_path / "a", "PNG")
    prepared = prepare_image(tmp_path / "a", OPENAI)
    sent = decoded(prepared.data).convert("RGB")
    assert prepared.change == "laid on white"
    assert [sent.getpixel((x, 0)) for x in (0, 1)] == [(255,) * 3, (0,) * 3]
    assert upright_file(tmp_path / "a").data == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_that_hides_nothing_goes_as_it_is(tmp_path: Path, mode: str) -> None:
    photo().convert(mode).save(tmp_path / "a", "PNG")
    assert prepare_image(tmp_path / "a", OPENAI).data == (tmp_path / "a").read_bytes()
    assert picture_sent(look_at(tmp_path / "a"), SENT) is None


def test_a_palette_and_a_single_colour_can_be_transparent_too(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "palette", "PNG", transparency=0)
    Image.new("RGB", (2, 1), "red").save(tmp_path / "colour", "PNG", transparency=(255, 0, 0))
    shown = [
        decoded(prepare_image(tmp_path / name, OPENAI).data).convert("RGB").getpixel((0, 0))
        for name in ("palette", "colour")
    ]
    assert shown == [(255,) * 3] * 2


def test_sixteen_bits_of_grey_are_sent_as_eight(tmp_path: Path) -> None:
    image = Image.new("I;16", (2, 1), 32896)
    image.save(tmp_path / "a", "PNG")
    prepared = prepare_image(tmp_path / "a", OPENAI)
    assert prepared.change == "converted I;16 to 8 bits"
    assert decoded(prepared.data).convert("RGB").getpixel((0, 0)) == (128,) * 3


def test_inks_are_sent_as_red_green_and_blue_without_their_profile(tmp_path: Path) -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    image.save(tmp_path / "a", "JPEG", quality=95, icc_profile=b"a profile of inks")
    prepared = prepare_image(tmp_path / "a", OPENAI)
    sent = decoded(prepared.data)
    assert (sent.mode, sent.format, prepared.change) == ("RGB", "JPEG", "converted CMYK to RGB")
    assert "icc_profile" not in sent.info
    for seen in (sent, read_rgb(tmp_path / "a")):
        red, green, blue = seen.tobytes()[:3]
        assert red > 250
        assert max(green, blue) < 5


@given(
    st.sets(st.sampled_from(["PNG", "JPEG", "WEBP"]), min_size=1),
    st.integers(1, 10**9),
    st.none() | st.integers(1, 10**5),
)
def test_limits_read_back(formats: set[str], max_bytes: int, max_side: int | None) -> None:
    limits = ImageLimits(frozenset(formats), max_bytes, max_side)
    assert ImageLimits.parse(limits.describe()) == limits


def test_every_provider_takes_the_picture_as_it_was_described() -> None:
    for limits in (*LIMITS.values(), DEFAULT_LIMITS):
        assert ImageLimits.parse(limits.describe()) == limits


TURNED = ImageFacts("JPEG", 1, 40, 20, 900, "RGB", orientation=6)
SMALL = {"image_limits": ImageLimits(frozenset({"JPEG"}), 100).describe()}


def test_only_answers_to_another_picture_are_answers_to_something_else() -> None:
    assert picture_sent(TURNED, SENT) == "upright 6"
    # Scaled down it was turned before, and weights that are loaded here always saw it upright.
    assert picture_sent(TURNED, SMALL) is None
    assert picture_sent(TURNED, {"weights_sha256": "ab"}) is None
    assert picture_sent(TURNED, APPLICATION) == "upright 6"


def kinds_of_files() -> Iterator[tuple[ImageFacts, str | None, str | None]]:
    """Files, and how what a provider and an application get of them changed."""
    clear = ImageFacts("PNG", 1, 40, 20, 900, "RGBA", is_transparent=True)
    yield clear, "on white", None
    yield ImageFacts("GIF", 3, 40, 20, 900, "P", is_transparent=True), "on white", None
    yield ImageFacts("PNG", 1, 40, 20, 900, "I;16"), "converted I;16 to 8 bits", None
    yield ImageFacts("JPEG", 1, 40, 20, 900, "CMYK"), "converted CMYK to RGB", None
    yield ImageFacts("TIFF", 1, 40, 20, 900, "CMYK", orientation=6), None, "upright 6"
    yield ImageFacts("WEBP", 1, 40, 20, 900, "RGB", orientation=3), "upright 3", "upright 3"
    yield ImageFacts("BMP", 1, 40, 20, 900, "RGB"), None, None


@pytest.mark.parametrize(("facts", "sent", "handed_over"), list(kinds_of_files()))
def test_what_is_sent_of_a_file(
    facts: ImageFacts, sent: str | None, handed_over: str | None
) -> None:
    assert picture_sent(facts, SENT) == sent
    assert picture_sent(facts, APPLICATION) == handed_over


def test_a_judge_is_told_apart_by_the_models_behind_it() -> None:
    panel = {"judge": "panel", "members": [{"judge": "keywords"}, {"model": dict(SENT)}]}
    assert picture_sent(TURNED, panel) == "upright 6"
    assert picture_sent(TURNED, {"judge": "keywords"}) is None


def test_facts_come_from_the_header_where_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for format in ("JPEG", "PNG", "WEBP"):
        taken(tmp_path / format, format, 6)

    def fail(*given: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    found = {format: look_at(tmp_path / format) for format in ("JPEG", "PNG", "WEBP")}
    assert {each.orientation for each in found.values()} == {6}
    assert not any(each.is_whole for each in found.values())


def test_a_note_in_a_png_is_no_reason_to_decode_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = PngInfo()
    notes.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>')
    photo().save(tmp_path / "a", "PNG", pnginfo=notes)

    def fail(*given: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    prepared = prepare_image(tmp_path / "a", OPENAI)
    assert (prepared.data, prepared.change) == ((tmp_path / "a").read_bytes(), None)
