import io
import random
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.peers.workload import Workload, make_pairs, noise_png
from vscbench.pairs.manifest import load_manifest
from vscbench.records import Label


@pytest.mark.parametrize("size", [1_000, 20_000, 100_000, 270_000])
def test_an_image_can_be_decoded_and_has_about_the_size_that_was_asked_for(size: int) -> None:
    image = noise_png(random.Random(0), size)  # noqa: S311
    with Image.open(io.BytesIO(image)) as decoded:
        decoded.load()
        assert decoded.mode == "RGB"
    assert size * 0.9 <= len(image) <= size * 1.1


def test_every_pair_has_an_image_of_its_own_and_the_plugin_can_read_them(tmp_path: Path) -> None:
    total = make_pairs(tmp_path, 6, image_kb=2)
    pairs = load_manifest(tmp_path / "manifest.jsonl")
    images = [pair.image.read_bytes() for pair in pairs if pair.image]
    assert [pair.label for pair in pairs] == [Label.SAFE, Label.UNSAFE] * 3
    assert len(set(images)) == 6
    assert sum(map(len, images)) == total


def test_the_same_pairs_are_made_each_time(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        make_pairs(folder, 2, image_kb=1)
        pairs = Workload(folder, 2, "", 1).pairs()
        made.append([(pair["query"], Path(pair["image"]).read_bytes()) for pair in pairs])
    assert made[0] == made[1]
