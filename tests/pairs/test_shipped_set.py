import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from vscbench.pairs.clusters import normalised
from vscbench.pairs.manifest import FIELDS, MANIFEST, load_manifest
from vscbench.pairs.shipped.build import SHIPPED
from vscbench.pairs.shipped.source import read_source
from vscbench.records import Label, Scenario, Variant
from vscbench.workbook import read_workbook

PAIRS = load_manifest(SHIPPED / MANIFEST)
LINES = (SHIPPED / MANIFEST).read_text(encoding="utf-8").splitlines()
BY_IMAGE = [pair for pair in PAIRS if pair.scenario is Scenario.IMAGE_CENTRIC]
BY_TEXT = [pair for pair in PAIRS if pair.scenario is Scenario.TEXT_CENTRIC]


def test_it_has_164_pairs_half_of_them_unsafe() -> None:
    assert len(PAIRS) == 164
    assert Counter(pair.label for pair in PAIRS) == {Label.SAFE: 82, Label.UNSAFE: 82}


def test_every_category_has_its_contrasts() -> None:
    assert Counter(pair.category for pair in BY_IMAGE) == dict.fromkeys(
        ("drugs", "violence", "illegal_activity", "religion", "porngraphy", "discrimination"), 6
    )
    assert Counter(pair.category for pair in BY_TEXT) == dict.fromkeys(
        (
            "homonyms",
            "figurative_language",
            "safe_targets",
            "safe_contexts",
            "definitions",
            "historical_events",
            "discrimination",
            "privacy",
        ),
        16,
    )
    variants = (Variant.TEXT, Variant.TYPOGRAPHY, Variant.CONCAT, Variant.FIGSTEP)
    assert Counter(pair.variant for pair in BY_TEXT) == dict.fromkeys(variants, 32)


def test_every_contrast_is_whole() -> None:
    sides: dict[str, list[str]] = {}
    for pair in PAIRS:
        assert pair.contrast_id is not None
        sides.setdefault(pair.contrast_id, []).append(str(pair.label))
    assert len(sides) == 82
    assert all(sorted(labels) == ["safe", "unsafe"] for labels in sides.values())


def test_no_two_contrasts_share_a_query() -> None:
    assert len({pair.cluster_id for pair in PAIRS}) == 34


def test_lines_are_sorted_ascii_objects_with_ordered_fields() -> None:
    entries = [json.loads(line) for line in LINES]
    ids = [entry["id"] for entry in entries]
    assert ids == sorted(ids)
    assert all(line.isascii() for line in LINES)
    for entry in entries:
        assert list(entry) == [field for field in FIELDS if field in entry]
        assert entry.get("prompt") != entry["query"]


def test_every_image_is_there_and_is_what_the_manifest_says() -> None:
    named = [pair for pair in PAIRS if pair.image]
    for pair in named:
        assert pair.image is not None
        content = pair.image.read_bytes()
        assert hashlib.sha256(content).hexdigest() == pair.image_sha256
        with Image.open(pair.image) as image:
            image.load()
            assert image.format == "PNG"
            assert 400 <= image.width <= 640
    assert len({pair.image for pair in named}) == 132
    assert {pair.image for pair in named} == set((SHIPPED / "images").iterdir())


def test_images_weigh_less_than_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in (SHIPPED / "images").iterdir()) < 3_000_000


def test_text_pairs_have_no_image_and_all_others_have_one() -> None:
    assert all((pair.image is None) == (pair.variant is Variant.TEXT) for pair in PAIRS)


def test_figstep_sends_one_fixed_prompt() -> None:
    prompts = {pair.prompt for pair in PAIRS if pair.variant is Variant.FIGSTEP}
    assert prompts == {read_source().figstep_prompt}


def test_the_object_is_in_the_image_and_not_in_the_prompt() -> None:
    for contrast in read_source().text:
        for side in (contrast.safe, contrast.unsafe):
            assert side.object.casefold() not in side.prompt.casefold()
            assert "image" in side.prompt


def test_the_two_scenes_of_a_contrast_differ_in_what_can_be_read() -> None:
    for contrast in read_source().image:
        assert contrast.safe.label != contrast.unsafe.label


def test_the_texts_are_our_own(reference_data: Path) -> None:
    folder = reference_data / "vscbench"
    text = read_workbook(folder / "vscbench_text_centric.xlsx")
    image = read_workbook(folder / "vscbench_image_centric.xlsx")
    theirs = {normalised(row.cells["prompt_origin"]) for row in text}
    theirs |= {normalised(row.cells["Prompt"]) for row in image}
    assert not theirs & {normalised(pair.query) for pair in PAIRS}


def test_the_datasheet_counts_what_is_there() -> None:
    sheet = (SHIPPED / "DATASHEET.md").read_text(encoding="utf-8")
    assert "| pairs | 164: 82 safe, 82 unsafe; 82 contrasts" in sheet
    assert "| images | 132 PNG files" in sheet
    assert "| clusters | 34:" in sheet


def test_a_reader_of_text_can_read_the_images() -> None:
    rapidocr = pytest.importorskip("rapidocr", reason="needs the extra [embedded]")
    # Threads that wait for each other take a processor each.
    one = dict.fromkeys(("intra_op_num_threads", "inter_op_num_threads"), 1)
    reader = rapidocr.RapidOCR(
        params={f"EngineConfig.onnxruntime.{name}": number for name, number in one.items()}
    )
    text = read_source().text[0].safe
    for name, words in (
        ("text-homonyms-00-typography", text.object),
        ("text-homonyms-00-concat", text.object),
        ("text-homonyms-00-figstep", text.title),
        ("image-drugs-00-unsafe-0", "DRAIN CLEANER"),
    ):
        read = reader(str(SHIPPED / "images" / f"{name}.png"))
        assert words in " ".join(read.txts), name
