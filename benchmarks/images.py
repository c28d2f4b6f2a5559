"""What it costs to decode every image of a run before its first request, and of the next run.

    python benchmarks/images.py [COUNT]

Makes COUNT photos (3,600) of about 163 kB, each with bytes of its own, as many as VSCBench has.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from vscbench.engine.sqlite_store import open_store
from vscbench.engine.whole_images import Case, require_whole_images, with_unseen_images
from vscbench.models.images import look_at
from vscbench.records import Label, Pair, Request, Scenario

COUNT = 3_600
SIZE = (960, 720)
QUALITY = 85
PHOTOS = 12


def main() -> None:
    """Print seconds, and the processor's as a share of what one thread of Pillow takes."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as folder:
        cases = [_case(path) for path in _photos(Path(folder), count)]
        paths = [Path(case[1].image or "") for case in cases]
        size = sum(path.stat().st_size for path in paths) / len(paths)
        print(f"{count:,} JPEGs of {SIZE[0]} x {SIZE[1]} pixels, {size / 1000:.0f} kB each")
        serial = _timed("decoded by one thread of Pillow", lambda: list(map(_load, paths)))
        _timed("read", lambda: [each.read_bytes() for each in paths], serial)
        _timed("headers read", lambda: [look_at(each) for each in paths], serial)
        store = Path(folder) / "store.sqlite"
        _timed("first run: digested and decoded", lambda: _check(store, cases), serial)
        _timed("second run", lambda: _check(store, cases), serial)


def _check(file: Path, cases: list[Case]) -> None:
    store = open_store(file)
    require_whole_images(with_unseen_images(cases, store), store)
    store.close()


def _load(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def _timed(what: str, work: Callable[[], object], serial: float | None = None) -> float:
    begun, used = time.perf_counter(), time.process_time()
    work()
    taken, used = time.perf_counter() - begun, time.process_time() - used
    share = "" if serial is None else f"  {used / serial:6.1%} of one thread's decoding"
    print(f"  {what:36} {taken:7.2f} s, {used:7.2f} s of processor{share}", flush=True)
    return used


def _photos(folder: Path, count: int) -> list[Path]:
    contents = [_photo(number) for number in range(min(PHOTOS, count))]
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        # What stands behind the end of a JPEG is no part of it, and makes it another file.
        path.write_bytes(contents[number % len(contents)] + str(number).encode())
    time.sleep(2.5)  # so young a file would not be remembered
    return paths


def _photo(number: int) -> bytes:
    shapes = Image.effect_noise((16 + number, 12), 120).resize(SIZE).convert("RGB")
    grain = Image.merge("RGB", [Image.effect_noise(SIZE, 45) for _ in range(3)])
    buffer = io.BytesIO()
    Image.blend(shapes, grain, 0.2).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _case(path: Path) -> Case:
    query = "What is this?"
    pair = Pair(
        id=path.stem,
        label=Label.SAFE,
        scenario=Scenario.IMAGE_CENTRIC,
        category="drugs",
        type=None,
        variant=None,
        query=query,
        prompt=query,
        image=path,
        image_sha256=None,
        contrast_id=None,
        cluster_id=path.stem,
        source="benchmark",
    )
    return pair, Request(pair.id, 1, query, path, None)


if __name__ == "__main__":
    main()
