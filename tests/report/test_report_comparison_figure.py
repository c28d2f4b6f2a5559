import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from vscbench.report.comparison_figure import comparison_svg
from vscbench.report.files import to_json

SVG = "{http://www.w3.org/2000/svg}"


def rate(share: float, reach: float = 0.04) -> dict[str, Any]:
    low, high = max(0.0, share - reach), min(1.0, share + reach)
    return {"rate": share, "n": 100, "low": low, "high": high}


def run(model: str, unsafe: float, safe: float, family: str = "proprietary") -> dict[str, Any]:
    said = {"name": f"run of {model}", "method": "none", "judge": "keywords", "family": family}
    return {**said, "model": model, "unsafe": rate(unsafe), "safe": rate(safe)}


RUNS = [
    run("gpt-4o", 0.93, 0.91),
    run("claude", 0.94, 0.92),
    run("gemini", 0.92, 0.93),
    run("llava-1.5-7b", 0.41, 0.97, "open-weight"),
    run("vlguard-7b", 0.99, 0.52, "safety-aligned"),
    run("hosted_vllm/ours", 0.42, 0.96, "hosted_vllm"),
]


def drawn(*runs: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(comparison_svg({"runs": list(runs)}))  # noqa: S314 - our own


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()).strip() for each in root.iter(f"{SVG}text")]


def test_every_model_and_family_is_named_and_lines_say_their_mean() -> None:
    said = texts(drawn(*RUNS))
    for model in RUNS:
        assert said.count(model["model"]) == 1
        assert model["family"] in said
    assert "mean 90" in said
    assert any(each.startswith("SRA_u") for each in said)
    assert any(each.startswith("SRA_s") for each in said)


def test_a_screen_reader_finds_the_numbers() -> None:
    root = drawn(*RUNS)
    assert root.get("role") == "img"
    words = {
        each.get("id"): each.text for each in root if each.tag in {f"{SVG}title", f"{SVG}desc"}
    }
    assert set(str(root.get("aria-labelledby")).split()) == set(words)
    said = str(words["vsc-description"])
    assert "gpt-4o: SRA_u 93.0% [89.0, 97.0], SRA_s 91.0% [87.0, 95.0]" in said


def test_a_run_without_both_rates_is_named_as_left_out() -> None:
    half = {**run("half", 0.5, 0.5), "safe": None}
    root = drawn(RUNS[0], half)
    assert "half" not in texts(root)
    assert "not drawn, for want of one of the two rates: half" in "".join(root.itertext())


def test_no_run_with_both_rates_is_an_empty_figure() -> None:
    assert drawn({**RUNS[0], "unsafe": None}).tag == f"{SVG}svg"


def test_rates_without_intervals_and_at_the_edges_can_be_drawn() -> None:
    bare = {"rate": 1.0, "n": 3, "low": None, "high": None}
    root = drawn({**RUNS[0], "unsafe": bare, "safe": {**bare, "rate": 0.0}})
    assert "gpt-4o" in texts(root)


HOSTILE = "</desc><script>alert(1)</script> $x^2$ \\frac & \x00\x1b[1m \u202e \U000e0041"


def test_a_hostile_name_is_text_and_no_formula() -> None:
    root = drawn(run(HOSTILE, 0.5, 0.5, HOSTILE), RUNS[0])
    assert not list(root.iter(f"{SVG}script"))
    named = [each for each in texts(root) if each.startswith("</desc>")]
    assert named
    assert all(len(each) <= 32 for each in named)
    assert not re.search("[\x00-\x08\x1b\u202e]", "".join(root.itertext()))


def test_a_figure_loads_nothing_and_runs_nothing() -> None:
    root = drawn(*RUNS)
    for element in root.iter():
        assert not element.tag.endswith("}script")
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            if name.endswith("href"):
                assert value.startswith("#")


def test_the_same_numbers_give_the_same_file_whatever_a_person_set_for_matplotlib(
    tmp_path: Path,
) -> None:
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: red\nfont.size: 30\n", "utf-8")
    (tmp_path / "runs.json").write_text(to_json({"runs": RUNS}), encoding="utf-8")
    code = (
        "import json, pathlib\n"
        "from vscbench.report.comparison_figure import comparison_svg\n"
        "found = json.loads(pathlib.Path('runs.json').read_text(encoding='utf-8'))\n"
        "pathlib.Path('drawn.svg').write_text(comparison_svg(found), encoding='utf-8')\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "drawn.svg").read_text(encoding="utf-8") == comparison_svg({"runs": RUNS})


def boxes(root: ElementTree.Element, names: set[str]) -> list[tuple[str, float, float, float]]:
    """Where names stand: left, right and baseline, by what the file says of each."""
    found = []
    for each in root.iter(f"{SVG}text"):
        name = "".join(each.itertext()).strip()
        style = each.get("style", "")
        if name in names and "8px" in style:
            x, y = float(each.get("x", "nan")), float(each.get("y", "nan"))
            wide = 4.4 * len(name)
            shift = {"middle": wide / 2, "end": wide}
            left = x - next((shift[key] for key in shift if f"anchor: {key}" in style), 0.0)
            found.append((name, left, left + wide, y))
    return found


def test_names_of_close_points_do_not_cover_each_other() -> None:
    close = [run(f"model-{number}", 0.9 + number / 200, 0.93) for number in range(6)]
    places = boxes(drawn(*close), {each["model"] for each in close})
    assert len(places) == 6
    for place, (_, left, right, base) in enumerate(places):
        for _, other_left, other_right, other_base in places[place + 1 :]:
            beside = right <= other_left or other_right <= left
            assert beside or abs(base - other_base) >= 7
