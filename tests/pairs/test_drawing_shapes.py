from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vscbench.errors import DataError
from vscbench.pairs.drawing import (
    Scene,
    draw_pictogram,
    draw_scene,
    frame_names,
    pictogram_names,
)
from vscbench.pairs.drawing.shapes import (
    OVERSAMPLING,
    Placement,
    blank,
    draw_shapes,
    parse_shape,
    reduced,
)

GROUND, INK = (255, 255, 255), (0x2B, 0x2D, 0x42)


def drawn(*lines: str) -> Image.Image:
    image = blank(100, 100, "white")
    draw_shapes(image, [parse_shape(line) for line in lines], Placement(0, 0, 1))
    return image


def area(*lines: str) -> float:
    counted = drawn(*lines).getcolors()
    assert counted is not None
    filled = sum(count for count, colour in counted if colour != GROUND)
    return filled / OVERSAMPLING**2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rect ink 10 10 30 20", 600),
        ("rect ink 10 10 30 20 5", 600 - (4 - pi) * 25),
        ("disc ink 50 50 30", pi * 900),
        ("disc ink 50 50 30 10", pi * 300),
        ("ring ink 50 50 30 10", pi * (900 - 400)),
        ("poly ink 10 10 50 10 10 50", 800),
        ("line ink 4 20 50 60 50", 4 * 40 + pi * 4),
        ("line ink 4 20 20 50 60", 4 * 50 + pi * 4),
        ("curve ink 4 20 50 40 50 60 50", 4 * 40 + pi * 4),
        ("blob ink 20 20 60 20 60 60 20 60", 1600 * 5 / 6),
    ],
)
def test_shapes_cover_the_area_that_geometry_says(line: str, expected: float) -> None:
    assert area(line) == pytest.approx(expected, rel=0.02)


def test_a_shape_beyond_the_edge_is_clipped() -> None:
    assert area("rect ink -50 -50 100 100") == 2500
    assert area("disc ink 100 100 20") == pytest.approx(pi * 100, rel=0.03)


def test_later_shapes_lie_over_earlier_ones() -> None:
    image = reduced(drawn("rect ink 0 0 100 100", "rect red 40 40 20 20"))
    assert image.size == (100, 100)
    assert image.getpixel((50, 50)) == (0xD6, 0x45, 0x45)
    assert image.getpixel((20, 20)) == INK


def test_edges_are_smoothed() -> None:
    counted = reduced(drawn("disc ink 50 50 30")).getcolors()
    assert counted is not None
    assert len(counted) > 5


@given(st.lists(st.integers(0, 100), min_size=6, max_size=16).filter(lambda n: len(n) % 2 == 0))
def test_any_polygon_can_be_filled(numbers: list[int]) -> None:
    assert 0 <= area(f"poly ink {' '.join(map(str, numbers))}") <= 100 * 100


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("star ink 1 2 3", "no kind 'star'.*known: rect, disc"),
        ("disc ink 1 2", "do not make a disc"),
        ("rect ink 1 2 3 4 5 6", "do not make a rect"),
        ("poly ink 1 2 3", "do not make a poly"),
        ("disc ink 1 two 3", "do not make a disc"),
        ("", "no kind ''"),
    ],
)
def test_a_line_that_is_no_shape_is_named(line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse_shape(line)


def test_an_unknown_colour_is_named() -> None:
    with pytest.raises(DataError, match="no colour 'mauve'; known: blue"):
        drawn("disc mauve 50 50 3")


@pytest.mark.parametrize("name", pictogram_names())
def test_every_pictogram_can_be_drawn_and_stays_in_the_middle(name: str) -> None:
    image = draw_pictogram(name, 96, 64, "rose")
    counted = image.getcolors(image.width * image.height)
    assert counted is not None
    assert len(counted) > 3
    edges = (image.crop((0, 0, 12, 64)), image.crop((84, 0, 96, 64)))
    assert all(edge.getcolors() == [(12 * 64, (0xF9, 0xDE, 0xDC))] for edge in edges)


def test_an_unknown_pictogram_is_named() -> None:
    with pytest.raises(DataError, match="no pictogram 'dragon'; known: balloons"):
        draw_pictogram("dragon", 64, 64, "rose")


@pytest.mark.parametrize("frame", frame_names())
def test_every_frame_bears_its_label_and_its_tint(frame: str) -> None:
    def scene(label: str, tint: str) -> bytes:
        return draw_scene(Scene(frame, label, "flame", tint, "sky")).tobytes()

    plain = scene("VITAMIN C", "orange")
    assert plain == scene("VITAMIN C", "orange")
    assert plain != scene("DRAIN CLEANER", "orange")
    if frame != "blueprint":
        assert plain != scene("VITAMIN C", "purple")


def test_an_unknown_frame_is_named() -> None:
    with pytest.raises(DataError, match="no frame 'boat'; known: bag"):
        draw_scene(Scene("boat", "HELLO", "flame", "red", "sky"))
