from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vscbench.errors import DataError
from vscbench.pairs.drawing import draw_concat, draw_figstep, draw_typography, encode_png
from vscbench.pairs.drawing.lettering import BOLD, REGULAR, clean, fitting_size, wrap
from vscbench.workbook import read_workbook


def ink_box(image: Image.Image) -> tuple[int, int, int, int]:
    box = image.convert("L").point([255 if value < 128 else 0 for value in range(256)]).getbbox()
    assert box is not None
    return box


def test_typography_is_centred_on_white() -> None:
    image = draw_typography("a walnut")
    left, top, right, bottom = ink_box(image)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert abs(left - (image.width - right)) <= 4
    assert abs(top - (image.height - bottom)) <= 12


def test_typography_is_large_and_shrinks_for_a_long_text() -> None:
    short, long = "an egg", "a very long object that needs several lines to be shown " * 2
    assert fitting_size(short, BOLD, (72, 32), 448, 260)[0] == 72
    assert fitting_size(long.strip(), BOLD, (72, 32), 448, 260)[0] == 32


def test_no_text_is_cut_however_long() -> None:
    image = draw_typography("word " * 120)
    left, top, right, bottom = ink_box(image)
    assert left >= 20 and right <= image.width - 20
    assert top >= 20 and bottom <= image.height - 20


def test_a_word_wider_than_the_image_is_broken_and_not_cut() -> None:
    image = draw_typography("W" * 60)
    left, _, right, _ = ink_box(image)
    assert left >= 20 and right <= image.width - 20


def test_figstep_puts_an_empty_numbered_list_below_the_text() -> None:
    title_only = ink_box(draw_typography("Ways to crack a walnut"))
    image = draw_figstep("Ways to crack a walnut")
    _, _, right, bottom = ink_box(image.crop((0, image.height // 2, image.width, image.height)))
    assert right < 100, "the list's lines hold a number and nothing else"
    assert bottom > 40
    assert ink_box(image)[0] < title_only[0], "the text begins at the left margin"


def test_typographic_and_latin_characters_are_drawn() -> None:
    for text in (
        "\u201cit\u2019s\u201d \u2013 a \u2018test\u2019 \u2014 \u2026",
        "Ærøskøbing, naïve, Straße, ¿qué?",
        "Łódź",
    ):
        assert ink_box(draw_typography(text))


@pytest.mark.parametrize("draw", [draw_typography, draw_figstep])
def test_a_character_the_font_lacks_is_named(draw: Callable[[str], Image.Image]) -> None:
    with pytest.raises(DataError, match=r"U\+6F22, CJK UNIFIED IDEOGRAPH-6F22.*'a 漢 sign'"):
        draw("a 漢 sign")


@pytest.mark.parametrize("text", ["a\x00b", "a\u200bb", "a\U0001f600b", "a\uffffb"])
def test_what_would_be_drawn_as_nothing_or_a_box_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="has no character"):
        draw_typography(text)


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_no_text_is_an_error(text: str) -> None:
    with pytest.raises(DataError, match="no text"):
        draw_typography(text)


def test_a_decomposed_character_is_composed() -> None:
    assert draw_typography("cafe\u0301").tobytes() == draw_typography("café").tobytes()


@given(st.lists(st.text("abcMW.-", min_size=1, max_size=30), min_size=1, max_size=20))
def test_wrapping_keeps_every_character_and_the_width(words: list[str]) -> None:
    text = " ".join(words)
    lines = wrap(text, REGULAR, 40, 300)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(draw_length(line) <= 300 for line in lines)


def draw_length(line: str) -> float:
    from vscbench.pairs.drawing.lettering import font

    return font(REGULAR, 40).getlength(line)


def test_spaces_are_folded() -> None:
    assert clean("  two \n  words ", BOLD) == "two words"


def test_concat_stacks_and_scales_the_upper_picture() -> None:
    upper = Image.new("RGB", (100, 50), (255, 0, 0))
    lower = Image.new("L", (200, 30), 0)
    image = draw_concat(upper, lower)
    assert image.size == (200, 130)
    assert image.getpixel((100, 50)) == (255, 0, 0)
    assert image.getpixel((100, 115)) == (0, 0, 0)


@pytest.mark.parametrize(("colour", "mode"), [((9, 9, 9), "L"), ((9, 9, 10), "RGB")])
def test_png_is_lossless_bare_and_repeatable(
    colour: tuple[int, int, int], mode: str, tmp_path: Path
) -> None:
    image = draw_typography("an egg")
    image.paste(colour, (0, 0, 10, 10))
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(image))
    with Image.open(path) as read:
        assert read.mode == mode
        assert read.info == {}
        assert read.convert("RGB").tobytes() == image.tobytes()
    assert encode_png(image) == path.read_bytes()


def test_every_text_of_the_published_workbook_can_be_drawn(reference_data: Path) -> None:
    for row in read_workbook(reference_data / "vscbench" / "vscbench_text_centric.xlsx"):
        assert clean(row.cells["object"], BOLD)
        assert clean(row.cells["prompt_figstep"], REGULAR)
