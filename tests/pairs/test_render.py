import hashlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from reference_world import (
    IMAGE_FOLDER,
    IMAGE_WORKBOOK,
    TEXT_FOLDER,
    TEXT_WORKBOOK,
    Cells,
    image_row,
    text_row,
    write_image,
    write_reference,
    write_workbook,
)

from vscbench.errors import DataError, UsageError
from vscbench.pairs.check import extra_images, image_findings
from vscbench.pairs.drawing import draw_concat, draw_figstep, draw_typography
from vscbench.pairs.drawing.lettering import BOLD, REGULAR, clean
from vscbench.pairs.images import require_images
from vscbench.pairs.open import open_pairs
from vscbench.pairs.reference import text_rows
from vscbench.pairs.render import Rendered, render
from vscbench.records import Variant


def rendered(source: Path, destination: Path) -> Rendered:
    return render(source, destination, lambda done, rows: None)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_reference(tmp_path / "source")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "destination"


def search(source: Path, number: int) -> Path:
    return source / TEXT_FOLDER / "search" / f"search_{number}.png"


def test_without_search_images_what_can_be_drawn_is_drawn(source: Path, destination: Path) -> None:
    done = rendered(source, destination)
    assert done.drawn == {Variant.TYPOGRAPHY: 2, Variant.FIGSTEP: 2, Variant.CONCAT: 0}
    assert (done.copied, done.without_search, done.absent) == (0, 2, 6 + 2 + 2)
    files = [path.parent.name for path in destination.rglob("*.png")]
    assert Counter(files) == {"typography": 2, "figstep": 2}


def test_concat_is_drawn_where_its_search_image_is_there(source: Path, destination: Path) -> None:
    write_image(search(source, 0), (40, 30), "red")
    done = rendered(source, destination)
    assert (done.drawn[Variant.CONCAT], done.without_search, done.copied) == (1, 1, 1)
    with Image.open(destination / TEXT_FOLDER / "concat" / "concat_0.png") as image:
        picture = image.convert("RGB")
    red = Image.new("RGB", (40, 30), "red")
    assert pixels(picture) == pixels(draw_concat(red, draw_typography("process 0")))


def test_what_is_drawn_is_what_the_row_says(source: Path, destination: Path) -> None:
    rendered(source, destination)
    folder = destination / TEXT_FOLDER
    with Image.open(folder / "typography" / "typography_1.png") as image:
        assert pixels(image) == pixels(draw_typography("process 1"))
    with Image.open(folder / "figstep" / "figstep_1.png") as image:
        assert pixels(image) == pixels(draw_figstep("Steps to stop process 1."))


def pixels(image: Image.Image) -> tuple[tuple[int, int], bytes]:
    return image.size, image.convert("RGB").tobytes()


def test_progress_is_told_row_by_row(source: Path, destination: Path) -> None:
    told: list[tuple[int, int]] = []
    render(source, destination, lambda done, rows: told.append((done, rows)))
    assert told == [(1, 2), (2, 2)]


def test_the_result_holds_the_same_pairs_and_the_hash_of_each_image_that_is_there(
    source: Path, destination: Path
) -> None:
    write_image(source / IMAGE_FOLDER / "drugs" / "safe_0_0.png")
    rendered(source, destination)
    before, after = (open_pairs(str(folder), Path()).pairs for folder in (source, destination))
    texts = [
        (pair.id, pair.query, pair.prompt, pair.contrast_id, pair.cluster_id) for pair in before
    ]
    assert texts == [
        (pair.id, pair.query, pair.prompt, pair.contrast_id, pair.cluster_id) for pair in after
    ]
    for pair in after:
        there = pair.image is not None and pair.image.is_file()
        assert (pair.image_sha256 is not None) == there
        if pair.image and there:
            assert pair.image_sha256 == hashlib.sha256(pair.image.read_bytes()).hexdigest()


def test_the_result_passes_the_check_of_its_images(source: Path, destination: Path) -> None:
    for number in (0, 1):
        write_image(search(source, number))
    for label in ("safe", "unsafe"):
        for index in range(3):
            write_image(source / IMAGE_FOLDER / "drugs" / f"{label}_0_{index}.png")
    assert rendered(source, destination).absent == 0
    pairs = open_pairs(str(destination), Path()).pairs
    require_images(pairs)
    assert image_findings(pairs) == []
    assert extra_images(destination, pairs) == []


def test_the_result_is_a_source_in_its_turn(source: Path, destination: Path) -> None:
    rendered(source, destination)
    again = rendered(destination, destination.parent / "again")
    assert again.drawn[Variant.FIGSTEP] == 2


def test_a_second_run_writes_the_same_files_and_takes_what_has_come_or_changed(
    source: Path, destination: Path
) -> None:
    picture = write_image(source / IMAGE_FOLDER / "drugs" / "safe_0_0.png", colour="red")
    rendered(source, destination)
    before = contents(destination)
    assert rendered(source, destination).copied == 1
    assert contents(destination) == before
    write_image(picture, colour="blue")
    write_image(search(source, 1))
    assert rendered(source, destination).drawn[Variant.CONCAT] == 1
    copied = destination / picture.relative_to(source)
    assert copied.read_bytes() == picture.read_bytes()
    assert image_findings(
        pair for pair in open_pairs(str(destination), Path()).pairs if pair.image == copied
    ) == []  # fmt: skip


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_published_pictures_of_text_are_drawn_anew_and_not_mixed_with_ours(
    source: Path, destination: Path
) -> None:
    theirs = write_image(source / TEXT_FOLDER / "typography" / "typography_0.png")
    concat = write_image(source / TEXT_FOLDER / "concat" / "concat_0.png")
    rendered(source, destination)
    assert (destination / theirs.relative_to(source)).read_bytes() != theirs.read_bytes()
    assert (destination / concat.relative_to(source)).read_bytes() == concat.read_bytes()


def test_the_source_is_never_its_own_destination(source: Path) -> None:
    before = contents(source)
    with pytest.raises(UsageError, match="is the source itself"):
        rendered(source, source / "deeper" / "..")
    assert contents(source) == before


def test_a_destination_with_other_pairs_is_left_alone(source: Path, destination: Path) -> None:
    write_reference(destination, [image_row(5)], [text_row(5)])
    before = contents(destination)
    with pytest.raises(UsageError, match=rf"holds other pairs \({IMAGE_WORKBOOK}\); name a new"):
        rendered(source, destination)
    assert contents(destination) == before


def test_somebodys_manifest_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"id": "mine"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds other pairs \(manifest\.jsonl\)"):
        rendered(source, tmp_path)


def test_a_destination_that_cannot_be_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UsageError, match="file: cannot be written"):
        rendered(source, tmp_path / "file")


def test_a_source_without_workbooks(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"no {IMAGE_WORKBOOK} or {TEXT_WORKBOOK} in it"):
        rendered(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (text_row(1, object=None), "row 3, column object: drawing: there is no text"),
        (text_row(1, prompt_figstep=" "), "row 3, column prompt_figstep: drawing: there is no"),
        (text_row(1, object="\u4e2d"), "row 3, column object: drawing: the font .* has no char"),
        (
            text_row(1, typography_img="typography_0.png"),
            "row 2, column typography_img: another row also names 'typography_0.png'",
        ),
    ],
)
def test_a_row_that_cannot_be_drawn_is_named_by_row_and_column(
    source: Path, destination: Path, row: Cells, message: str
) -> None:
    write_workbook(source / TEXT_WORKBOOK, [text_row(0), row])
    with pytest.raises(DataError, match=f"{TEXT_WORKBOOK}, {message}"):
        rendered(source, destination)


def test_a_search_image_that_does_not_decode_is_named_by_its_cell(
    source: Path, destination: Path
) -> None:
    write_image(search(source, 1)).write_bytes(b"<html>404</html>")
    with pytest.raises(
        DataError, match=r"row 3, column search_img: .*search_1\.png does not decode"
    ):
        rendered(source, destination)


def test_a_sliver_is_not_blown_up_to_fill_the_memory(source: Path, destination: Path) -> None:
    write_image(search(source, 0), (1, 20_000))
    with pytest.raises(DataError, match=r"row 2, column search_img: .* is 1 x 20000 .* too narrow"):
        rendered(source, destination)


def test_a_workbook_without_rows_draws_nothing(source: Path, destination: Path) -> None:
    write_workbook(source / TEXT_WORKBOOK, [dict.fromkeys(text_row(0))])
    assert set(rendered(source, destination).drawn.values()) == {0}
    assert len(open_pairs(str(destination), Path()).pairs) == 6


def test_the_fonts_have_every_character_of_the_published_texts(reference_data: Path) -> None:
    for row in text_rows(reference_data / "vscbench"):
        assert clean(row.cells["object"], BOLD)
        assert clean(row.cells["prompt_figstep"], REGULAR)
