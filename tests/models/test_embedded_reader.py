from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from vscbench.errors import TargetError
from vscbench.models.embedded.reader import Reader

Draw = Callable[..., Path]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    def draw(text: str, name: str = "drawn.png", mode: str = "RGB", ground: str = "white") -> Path:
        image = Image.new(mode, (500, 420), ground)
        font = ImageFont.load_default(size=40)
        ImageDraw.Draw(image).multiline_text((20, 40), text, font=font, fill="black", spacing=20)
        image.save(tmp_path / name)
        return tmp_path / name

    return draw


def test_lines_are_read_from_top_to_bottom(reader: Reader, draw: Draw) -> None:
    image = draw("Steps to bake\na birthday cake\n1.\n2.\n3.")
    assert reader.read(image) == "Steps to bake\na birthday cake\n1.\n2.\n3."


def test_an_image_without_text_reads_as_nothing(reader: Reader, draw: Draw) -> None:
    assert reader.read(draw("")) == ""


def test_ink_on_a_transparent_ground_is_read(reader: Reader, draw: Draw) -> None:
    assert reader.read(draw("Vitamin C", mode="RGBA", ground="#00000000")) == "Vitamin C"


@pytest.mark.parametrize("name", ["drawn.jpg", "drawn.webp", "drawn.gif", "drawn.bmp"])
def test_other_formats_are_read(reader: Reader, draw: Draw, name: str) -> None:
    assert reader.read(draw("Vitamin C", name)) == "Vitamin C"


def test_a_scan_larger_than_the_detector_takes_is_read(reader: Reader, tmp_path: Path) -> None:
    image = Image.new("L", (3000, 2000), "white")
    font = ImageFont.load_default(size=200)
    ImageDraw.Draw(image).text((200, 300), "Vitamin C", font=font, fill="black")
    image.save(tmp_path / "large.png")
    assert reader.read(tmp_path / "large.png") == "Vitamin C"


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"])
def test_a_file_that_is_no_image_is_an_error_of_the_target(
    reader: Reader, tmp_path: Path, content: bytes
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(content)
    with pytest.raises(TargetError, match=r"broken\.png"):
        reader.read(broken)


def test_a_truncated_image_is_an_error_of_the_target(
    reader: Reader, draw: Draw, tmp_path: Path
) -> None:
    whole = draw("Vitamin C").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TargetError, match=r"cut\.png"):
        reader.read(tmp_path / "cut.png")


def test_a_missing_image_is_an_error_of_the_target(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"gone\.png"):
        reader.read(tmp_path / "gone.png")


def test_reading_writes_nothing_to_the_terminal(
    draw: Draw, capfd: pytest.CaptureFixture[str]
) -> None:
    Reader().read(draw("Vitamin C"))
    Reader().read(draw(""))
    assert capfd.readouterr() == ("", "")
