import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from reference_world import (
    IMAGE_FOLDER,
    TEXT_FOLDER,
    image_row,
    text_row,
    write_image,
    write_reference,
)

from vscbench.pairs.check import (
    GroupCount,
    count_groups,
    extra_images,
    image_findings,
    workbook_findings,
)
from vscbench.pairs.manifest import load_manifest
from vscbench.pairs.reference import load_reference
from vscbench.records import Pair


@pytest.fixture
def complete(tmp_path: Path) -> tuple[Pair, ...]:
    """Pairs of a small data set that has all of its images; one row has no query."""
    images = [image_row(0), image_row(1, Prompt=None)]
    texts = [text_row(0), text_row(1, "contrast_homonyms")]
    pairs = load_reference(write_reference(tmp_path, images, texts))
    for pair in pairs:
        if pair.image:
            write_image(pair.image)
    return pairs


def image_of(pairs: tuple[Pair, ...], pair_id: str) -> Path:
    (image,) = [pair.image for pair in pairs if pair.id == pair_id]
    assert image
    return image


def test_a_complete_folder_has_no_findings(tmp_path: Path, complete: tuple[Pair, ...]) -> None:
    assert image_findings(complete) == []
    assert extra_images(tmp_path, complete) == []


def test_a_missing_image_is_found_with_the_cell_that_names_it(
    complete: tuple[Pair, ...],
) -> None:
    image = image_of(complete, "text-homonyms-00-search")
    image.unlink()
    (finding,) = image_findings(complete)
    assert (finding.path, finding.problem) == (image, "is missing")
    assert finding.source == "vscbench_text_centric.xlsx, row 2, column search_img"


def test_an_unreadable_image_is_found(complete: tuple[Pair, ...]) -> None:
    image_of(complete, "image-drugs-00-safe-1").write_bytes(b"<html>404</html>")
    (finding,) = image_findings(complete)
    assert finding.problem.startswith("does not decode")


def test_a_changed_image_is_found_where_its_hash_is_known(complete: tuple[Pair, ...]) -> None:
    image = image_of(complete, "image-drugs-00-safe-1")
    known = hashlib.sha256(image.read_bytes()).hexdigest()
    pairs = [replace(pair, image_sha256=known) for pair in complete if pair.image == image]
    assert image_findings(pairs) == []
    write_image(image, colour="red")
    (finding,) = image_findings(pairs)
    assert finding.problem == "has changed (sha256 differs)"


def test_one_file_with_two_known_hashes_cannot_be_both(complete: tuple[Pair, ...]) -> None:
    image = image_of(complete, "image-drugs-00-safe-1")
    known = hashlib.sha256(image.read_bytes()).hexdigest()
    (pair,) = [pair for pair in complete if pair.image == image]
    pairs = [replace(pair, image_sha256=known), replace(pair, image_sha256="0" * 64)]
    assert [finding.problem for finding in image_findings(pairs)] == [
        "has changed (sha256 differs)"
    ]


def test_images_that_no_pair_names_are_found_wherever_they_lie(
    tmp_path: Path, complete: tuple[Pair, ...]
) -> None:
    extra = [
        write_image(tmp_path / IMAGE_FOLDER / "drugs" / "more.png"),
        write_image(tmp_path / IMAGE_FOLDER / "weapons" / "new.JPG"),
        write_image(tmp_path / TEXT_FOLDER / "search" / "old" / "more.webp"),
    ]
    (tmp_path / IMAGE_FOLDER / "drugs" / "notes.txt").write_text("no image", encoding="utf-8")
    write_image(tmp_path / "elsewhere.png")
    found = extra_images(tmp_path, complete)
    assert [finding.path for finding in found] == sorted(extra)
    assert {finding.problem for finding in found} == {"belongs to no pair"}


def test_images_beside_a_manifest_may_be_anything(tmp_path: Path) -> None:
    line = '{"id": "a", "label": "safe", "query": "What is this?", "image": "a.png"}'
    (tmp_path / "manifest.jsonl").write_text(line, encoding="utf-8")
    write_image(tmp_path / "logo.png")
    assert extra_images(tmp_path, load_manifest(tmp_path / "manifest.jsonl")) == []


def test_pairs_are_counted_by_scenario_and_variant(complete: tuple[Pair, ...]) -> None:
    image_of(complete, "text-homonyms-00-search").unlink()
    assert count_groups(complete, image_findings(complete)) == [
        GroupCount("image-centric", safe=6, unsafe=6, no_query=6, bad_images=0),
        GroupCount("text-centric concat", 1, 1, 0, 0),
        GroupCount("text-centric figstep", 1, 1, 0, 0),
        GroupCount("text-centric search", 1, 1, 0, 1),
        GroupCount("text-centric text", 1, 1, 0, 0),
        GroupCount("text-centric typography", 1, 1, 0, 0),
    ]


def test_workbooks_that_are_not_the_published_ones_are_noted(tmp_path: Path) -> None:
    assert len(workbook_findings(write_reference(tmp_path))) == 2
    assert workbook_findings(tmp_path / "nowhere") == []


def test_the_published_workbooks_are_known(reference_data: Path) -> None:
    assert workbook_findings(reference_data / "vscbench") == []
