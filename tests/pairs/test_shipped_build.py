import hashlib
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from vscbench.pairs.manifest import MANIFEST
from vscbench.pairs.shipped.build import SHIPPED, build


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rebuilt")
    (folder / "images").mkdir()
    (folder / "images" / "no-pair-has-this.png").write_bytes(b"old")
    build(folder)
    return folder


def pixels(path: Path) -> tuple[tuple[int, int], bytes]:
    with Image.open(path) as image:
        return image.size, image.convert("RGB").tobytes()


def test_redrawing_gives_the_shipped_manifest_to_the_byte(rebuilt: Path) -> None:
    assert (rebuilt / MANIFEST).read_bytes() == (SHIPPED / MANIFEST).read_bytes()


def test_redrawing_gives_the_shipped_images_to_the_pixel(rebuilt: Path) -> None:
    ours = sorted(path.name for path in (rebuilt / "images").iterdir())
    assert ours == sorted(path.name for path in (SHIPPED / "images").iterdir())
    for name in ours:
        assert pixels(rebuilt / "images" / name) == pixels(SHIPPED / "images" / name), name


def test_an_image_that_changed_is_written_anew(rebuilt: Path, tmp_path: Path) -> None:
    name = "images/image-drugs-00-safe-0.png"
    old = tmp_path / "old"
    shutil.copytree(SHIPPED, old)
    Image.new("RGB", (480, 480)).save(old / name)
    build(tmp_path / "new", canonical=old)
    new = (tmp_path / "new" / name).read_bytes()
    assert pixels(tmp_path / "new" / name) == pixels(SHIPPED / name)
    entries = map(json.loads, (tmp_path / "new" / MANIFEST).read_text("utf-8").splitlines())
    hashes = {entry["image"]: entry["sha256"] for entry in entries if "image" in entry}
    assert hashes[name] == hashlib.sha256(new).hexdigest()
