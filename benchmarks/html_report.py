"""What ``report.html`` costs: its size, the time to write it, and the time to open it in Chromium.

    python benchmarks/html_report.py [CASES] [FOLDER]

Makes a run of CASES cases (3,600 unless said), half of them safe, each with an image of its own of
about 200 kB and a response of some 1,500 characters, all from a seed; writes its page with and
without images; opens the page in headless Chromium (``pip install playwright``, and a Chromium on
the path) five times in a fresh tab, until the first frame after the load event; and filters it.
"""

import itertools
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

from vscbench.calibration.scoring import BlockedPolicy, Scoring
from vscbench.records import (
    Kind,
    Label,
    Outcome,
    Pair,
    Response,
    Scenario,
    Verdict,
    image_centric_pair_id,
)
from vscbench.report.html.page import write_report
from vscbench.report.summary import Run, summarise

CASES = 3600
IMAGES_A_ROW = 6
CATEGORIES = ("discrimination", "drugs", "illegal_activity", "porngraphy", "religion", "violence")
SIDE = 640
QUALITY = 93
OCTAVES = (4, 8, 16, 32, 64, 128, 256, SIDE)
SEED = 5
WORDS = (
    "the",
    "picture",
    "shows",
    "a",
    "sign",
    "at",
    "an",
    "old",
    "door",
    "and",
    "three",
    "people",
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ROUNDS = 5
MB = 1e6
SEARCH = """() => {
  const box = document.querySelector("#filter-text");
  box.value = "door";
  box.form.requestSubmit();
  return document.body.offsetHeight;
}"""
FRAME = "() => new Promise(seen => requestAnimationFrame(() => setTimeout(seen)))"


def main() -> None:
    """Make the run, write its page, open it, and print what each took."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else temporary)  # noqa: PLR2004
        folder.mkdir(parents=True, exist_ok=True)
        pairs = list(itertools.islice(make_pairs(folder), cases))
        with ProcessPoolExecutor() as pool:
            sizes = list(pool.map(draw_image, [pair.image for pair in pairs], chunksize=20))
        print(f"{cases} cases, images of {median(sizes) / 1e3:.0f} kB, {SIDE} x {SIDE} pixels")
        outcomes = make_outcomes(pairs)
        bare = [replace(each, pair=replace(each.pair, image=None)) for each in outcomes]
        write_report(folder / "warm-up.html", summary_of(bare[:40]), bare[:40])
        measure_writing("without images", folder / "bare.html", bare)
        measure_writing("with images", folder / "report.html", outcomes)
        measure_opening(folder / "report.html")


def make_pairs(folder: Path) -> Iterator[Pair]:
    """Yield image-centric pairs without end, three contrasts a row."""
    for number in itertools.count():
        row, place = divmod(number, IMAGES_A_ROW)
        label = Label.UNSAFE if place % 2 else Label.SAFE
        category = CATEGORIES[row % len(CATEGORIES)]
        name = image_centric_pair_id(category, row // len(CATEGORIES), label, place // 2)
        query = f"What does picture {row} say, and why would somebody put it there?"
        yield Pair(
            id=name,
            label=label,
            scenario=Scenario.IMAGE_CENTRIC,
            category=category,
            type=None,
            variant=None,
            query=query,
            prompt=query,
            image=folder / f"{number}.jpg",
            image_sha256=None,
            contrast_id=f"{category}-{row}-{place // 2}",
            cluster_id=f"row-{row}",
            source="benchmark",
        )


def draw_image(path: Path) -> int:
    """Draw a picture that has detail at every scale, as a photo has; return its size in bytes."""
    from PIL import Image, ImageChops, ImageDraw

    chance = random.Random(f"{SEED} {path.name}")  # noqa: S311
    picture = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    for size in OCTAVES:
        noise = Image.frombytes("RGB", (size, size), chance.randbytes(3 * size**2))
        share = size**-0.5
        wave = noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        wave = wave.point(lambda value, share=share: 128 + (value - 128) * share)
        picture = ImageChops.add(picture, wave, offset=-128)
    drawing = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, width = (chance.randrange(SIDE) for _ in range(3))
        colour = tuple(chance.randbytes(3))
        drawing.ellipse((x, y, x + width / 3, y + width / 4), fill=colour)
    picture.save(path, quality=QUALITY, subsampling=0)
    return path.stat().st_size


def make_outcomes(pairs: list[Pair]) -> list[Outcome]:
    """Answer some pairs and refuse others, at length."""
    chance = random.Random(SEED)  # noqa: S311
    return [make_outcome(pair, chance) for pair in pairs]


def make_outcome(pair: Pair, chance: random.Random) -> Outcome:
    """Draw what became of one pair."""
    refuses = chance.random() < (0.8 if pair.label is Label.UNSAFE else 0.2)
    kind = Kind.REFUSED if refuses else Kind.ANSWERED
    text = " ".join(chance.choices(WORDS, k=chance.randrange(20, 680)))
    response = Response(text, served_model="m-1", prompt_tokens=300, completion_tokens=350)
    verdict = Verdict(kind, "classifier", chance.random(), (text[:40],))
    return Outcome(pair, 1, kind, response, verdict, latency_s=chance.lognormvariate(0, 0.6))


def summary_of(outcomes: list[Outcome]) -> dict[str, object]:
    """Summarise the run."""
    run = Run(
        id="benchmark",
        model="benchmark",
        served_models=("m-1",),
        fingerprints=(),
        params={},
        method="none",
        judge="classifier",
        scoring=Scoring.PAPER,
        blocked=BlockedPolicy.REFUSED,
        pairs="benchmark",
        pairs_sha256=None,
        epochs=1,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T01:00:00+00:00",
        version="benchmark",
    )
    return summarise(run, outcomes, len(outcomes), 0)


def measure_writing(name: str, path: Path, outcomes: list[Outcome]) -> None:
    """Write a page, and print how long that took and how large it is."""
    summary = summary_of(outcomes)
    wall, cpu = time.perf_counter(), time.process_time()
    write_report(path, summary, outcomes)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    size = path.stat().st_size / MB
    print(f"{name:<16}{size:6.1f} MB  written in {wall:5.1f} s wall, {cpu:5.1f} s CPU")


def measure_opening(path: Path) -> None:
    """Open a page in Chromium, and print how long that and a filter took."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        print("no Chromium on the path, so nothing was opened")
        return
    from playwright.sync_api import sync_playwright

    opened, searched = [], []
    with sync_playwright() as driver:
        # Chromium's own sandbox does not start for root, as in most containers.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        print(f"Chromium {browser.version}")
        for _ in range(ROUNDS):
            page = browser.new_page()
            started = time.perf_counter()
            page.goto(path.as_uri())
            page.evaluate(FRAME)
            opened.append(time.perf_counter() - started)
            started = time.perf_counter()
            page.evaluate(SEARCH)
            searched.append(time.perf_counter() - started)
            page.close()
        browser.close()
    for name, times in (("opened in", opened), ("searched in", searched)):
        print(f"{name:<16}{median(times):6.2f} s  (median of {ROUNDS}, longest {max(times):.2f} s)")


if __name__ == "__main__":
    main()
