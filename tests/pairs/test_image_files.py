import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reference_world import write_image, write_reference

from vscbench.errors import DataError
from vscbench.pairs.images import MAX_BYTES, decode_problem, image_problem, require_images
from vscbench.pairs.reference import load_reference
from vscbench.records import Pair, Variant


def declared(path: Path, width: int, height: int) -> Path:
    """Write a PNG of a few bytes that says it is as large as that."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 64)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tiff"])
def test_an_image_that_can_be_sent_has_no_problem(tmp_path: Path, suffix: str) -> None:
    path = write_image(tmp_path / f"a.{suffix}")
    assert image_problem(path) is None
    assert decode_problem(path) is None


def test_what_an_image_is_called_does_not_matter(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.webp").rename(tmp_path / "a.png")
    assert decode_problem(path) is None


def test_a_missing_image(tmp_path: Path) -> None:
    assert image_problem(tmp_path / "a.png") == "is missing"
    assert decode_problem(tmp_path / "a.png") == "is missing"


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert (image_problem(path) or "").startswith("does not decode")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    assert (image_problem(tmp_path) or "").startswith("does not decode")


def test_a_name_too_long_for_the_system(tmp_path: Path) -> None:
    assert (image_problem(tmp_path / ("a" * 5000)) or "").startswith("cannot be read")


@pytest.mark.parametrize("side", [50_000, 11_000, 9_800])
@pytest.mark.filterwarnings("error")
def test_a_small_file_that_declares_a_huge_image_is_never_decoded(
    tmp_path: Path, side: int
) -> None:
    path = declared(tmp_path / "a.png", side, side)
    problem = image_problem(path)
    if side * side > 100_000_000:
        assert problem and "large" in problem
    else:
        assert problem is None
        assert decode_problem(path)


def test_a_huge_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert image_problem(path) == "is 100 MB large (limit 100 MB)"


def test_a_format_that_needs_another_program_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.eps")
    assert (image_problem(path) or "").startswith("is a EPS file; known are PNG, JPEG")
    assert decode_problem(path) == image_problem(path)


def test_an_image_cut_short_is_found_when_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    assert image_problem(path) is None
    assert (decode_problem(path) or "").startswith("does not decode (OSError: ")


@given(
    suffix=st.sampled_from(["png", "jpg", "webp", "gif", "bmp", "tiff"]),
    places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_damaged_image_is_a_finding_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, places: list[tuple[float, int]]
) -> None:
    path = write_image(tmp_path_factory.mktemp("damaged") / f"a.{suffix}")
    content = bytearray(path.read_bytes())
    for place, value in places:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    for problem in (image_problem(path), decode_problem(path)):
        assert problem is None or problem.split()[0] in {"is", "does"}


def pairs_of(folder: Path) -> tuple[Pair, ...]:
    return load_reference(write_reference(folder))


def test_a_selection_whose_images_are_there_goes_on(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path)
    for pair in pairs:
        if pair.image:
            write_image(pair.image)
    require_images(pairs)


def test_a_selection_without_images_needs_none(tmp_path: Path) -> None:
    require_images(pair for pair in pairs_of(tmp_path) if pair.variant is Variant.TEXT)


def test_a_selection_that_lacks_images_stops_and_says_how_many_which_and_the_ways_out(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError) as caught:
        require_images(pairs_of(tmp_path))
    message = str(caught.value)
    assert message.startswith("14 images of the selected pairs cannot be sent; nothing was asked:")
    assert f"{Path('drugs') / 'safe_0_0.png'} is missing" in message
    assert "(vscbench_image_centric.xlsx, row 2, column safe_img_0)" in message
    assert "and 9 more" in message
    assert "vscbench data render" in message
    assert "--vsc-variant text" in message


def test_the_image_of_a_pair_that_is_not_asked_is_not_looked_at(tmp_path: Path) -> None:
    require_images(replace(pair, query="") for pair in pairs_of(tmp_path))


@pytest.mark.parametrize("unseen", ["\x1b", "\u202e", "\u200b", "\u2028"])
def test_what_cannot_be_seen_in_an_images_name_is_shown(tmp_path: Path, unseen: str) -> None:
    pair = pairs_of(tmp_path)[0]
    with pytest.raises(DataError) as caught:
        require_images([replace(pair, image=tmp_path / f"a{unseen}b.png")])
    escaped = unseen.encode("unicode_escape").decode()
    assert f"a{escaped}b.png is missing" in str(caught.value)
    assert unseen not in str(caught.value)
