"""Images on their way through a run: looked at before anything is asked, and sent upright."""

from pathlib import Path

import pytest
from PIL import Image, ImageFile
from small_world import outcomes_of, summary_of, write_lines

APP = """
from pathlib import Path

def answer(text, images):
    with Path("asked.txt").open("a") as asked:
        asked.write("asked\\n")
    return "Sure. First turn the lid to the left, then lift it off."
"""


@pytest.fixture
def world(pytester: pytest.Pytester) -> pytest.Pytester:
    """An application, and pairs whose images are a whole photo, one lying on its side, one cut."""
    pytester.makepyfile(app_that_sees=APP)
    noise = Image.effect_noise((64, 48), 40).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    noise.save("whole.jpg")
    noise.save("side.jpg", exif=exif)
    Path("cut.jpg").write_bytes(Path("whole.jpg").read_bytes()[:1000])
    lines = [
        {"id": f"{name}-safe", "label": "safe", "query": "What is this?", "image": f"{name}.jpg"}
        for name in ("whole", "side", "cut")
    ]
    write_lines(pytester.path / "pairs.jsonl", lines)
    return pytester


def run(world: pytest.Pytester) -> pytest.RunResult:
    return world.runpytest_inprocess(
        "--model=python:app_that_sees:answer", "--vsc-pairs=pairs.jsonl"
    )


def test_cut_images_end_a_run_before_it_asks_and_whole_ones_are_decoded_once(
    world: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run(world)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(
        ["*1 images of the selected pairs cannot be sent*", "*cut-safe: *cut.jpg does not decode*"]
    )
    assert not Path("asked.txt").exists()
    assert not Path("reports").exists()

    Path("cut.jpg").write_bytes(Path("whole.jpg").read_bytes())
    assert run(world).ret == 0
    assert summary_of(world.path)["run"]["params"]["image_changes"] == {
        "turned upright (EXIF orientation 6)": 1
    }
    assert len(outcomes_of(world.path)) == len(Path("asked.txt").read_text().splitlines()) + 1

    def fail(*given: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    again = run(world)
    assert again.ret == 0
    again.stdout.fnmatch_lines(["requests    0 sent; 3 cases from the store*"])
