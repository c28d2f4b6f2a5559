import base64
import io
import random
import struct
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from vscbench.report.html.thumbnails import Missing, Thumbnail, bytes_each, thumbnail, thumbnails


def draw(path: Path, size: tuple[int, int] = (400, 300), mode: str = "RGB") -> Path:
    noise = random.Random(1).randbytes(size[0] * size[1])  # noqa: S311
    Image.frombytes("L", size, noise).convert(mode).save(path)
    return path


def opened(picture: object) -> Image.Image:
    assert isinstance(picture, Thumbnail)
    header, _, data = picture.uri.partition(",")
    assert header == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.size == (picture.width, picture.height)
    return image


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_an_image_of_any_mode_becomes_a_small_copy(tmp_path: Path, mode: str) -> None:
    image = opened(thumbnail(draw(tmp_path / "a.png", mode=mode), 16_000))
    assert max(image.size) <= 320
    assert image.width > image.height


def test_a_copy_keeps_to_its_bytes_however_noisy_the_image_is(tmp_path: Path) -> None:
    made = thumbnail(draw(tmp_path / "a.png", (900, 900)), 2_000)
    assert isinstance(made, Thumbnail)
    assert len(made.uri) <= 2_000 * 4 / 3 + 40


def test_a_small_image_is_not_blown_up(tmp_path: Path) -> None:
    assert opened(thumbnail(draw(tmp_path / "a.png", (20, 10)), 16_000)).size == (20, 10)


def test_a_turned_photo_stands_upright_and_brings_nothing_else_along(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by a quarter
    exif[0x010E] = "a secret place"
    path = tmp_path / "a.jpg"
    picture = Image.new("RGB", (200, 100), "red")
    picture.save(path, exif=exif, icc_profile=b"profile" * 10_000, comment=b"a secret place")
    made = thumbnail(path, 16_000)
    assert opened(made).size == (100, 200)
    assert isinstance(made, Thumbnail)
    assert len(made.uri) < 2_000
    assert b"secret" not in base64.b64decode(made.uri.partition(",")[2])


def test_each_file_is_drawn_once(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.png")
    made = thumbnails([path, path, path], 16_000)
    assert list(made) == [path]


def test_all_together_keep_to_the_budget(tmp_path: Path) -> None:
    paths = [draw(tmp_path / f"{number}.png", (600, 600)) for number in range(12)]
    made = thumbnails(paths, bytes_each(paths, 12 * 3_000))
    assert sum(len(each.uri) for each in made.values() if isinstance(each, Thumbnail)) <= 12 * 3_000
    assert len(made) == 12


def test_what_a_person_made_of_warnings_stays(tmp_path: Path) -> None:
    paths = [draw(tmp_path / f"{number}.png") for number in range(24)]
    before = list(warnings.filters)
    thumbnails(paths, 16_000)
    assert list(warnings.filters) == before


def test_a_missing_file_is_a_remark(tmp_path: Path) -> None:
    assert thumbnail(tmp_path / "none.png", 16_000) == Missing("is missing")


def test_a_file_that_is_no_image_or_only_begins_as_one_is_a_remark(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("<script>alert(1)</script>", encoding="utf-8")
    whole = draw(tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    for name in ("text.png", "half.png"):
        made = thumbnail(tmp_path / name, 16_000)
        assert isinstance(made, Missing)
        assert "does not decode" in made.reason


def test_an_image_of_absurd_size_is_a_remark_and_never_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    for name, side, remark in (("bomb", 60_000, "pixels large"), ("big", 8_000, "too large to")):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        path = tmp_path / f"{name}.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99)))
        made = thumbnail(path, 16_000)
        assert isinstance(made, Missing)
        assert remark in made.reason or "too large" in made.reason


def test_a_format_that_runs_another_program_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    assert isinstance(thumbnail(path, 16_000), Missing)
