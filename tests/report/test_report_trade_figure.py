import os
import re
import subprocess
import sys
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from html_runs import ATTACKS
from traded_runs import HALF_SAFE, HALF_UNSAFE, some_runs, traded_run

from vscbench.report.trade import trade
from vscbench.report.trade_figure import short, trade_figure
from vscbench.report.trade_svg import COLOURS, trade_svg

SVG = "{http://www.w3.org/2000/svg}"
VARIABLES = ("ink", "muted", "line", "unsafe", "safe", "utility", "card")


def drawn(found: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(trade_svg(found))  # noqa: S314 - our own


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()).strip() for each in root.iter(f"{SVG}text")]


def placed(root: ElementTree.Element, name: str) -> tuple[float, float]:
    """Where a text stands, from the left and from the top."""
    (found,) = [
        each for each in root.iter(f"{SVG}text") if "".join(each.itertext()).strip() == name
    ]
    moved = re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", found.get("transform", ""))
    x, y = moved.groups() if moved else (found.get("x", ""), found.get("y", ""))
    return float(x), float(y)


def test_methods_stand_along_x_none_first_calibration_above_helpfulness() -> None:
    root = drawn(trade(some_runs()))
    across = [placed(root, name)[0] for name in ("none", "safety-prompt", "few-shot")]
    assert across == sorted(across)
    upper = placed(root, "Safety calibration, %")[1]
    lower = placed(root, "Helpfulness: questions answered rightly, %")[1]
    assert upper < lower < placed(root, "none")[1]
    assert {"SRA_u", "SRA_s", "mean"} <= set(texts(root))


def test_without_utility_there_is_one_panel_and_a_line_that_says_how_to_measure_it() -> None:
    said = texts(drawn(trade([traded_run("a"), traded_run("b", "x", HALF_SAFE)])))
    assert "Utility was not measured (pytest -m utility)." in said
    assert not [each for each in said if each.startswith("Helpfulness")]


def test_where_one_method_has_no_utility_the_others_are_drawn() -> None:
    runs = [*some_runs(), traded_run("d", "chain-of-thought")]
    said = texts(drawn(trade(runs)))
    assert "Helpfulness: questions answered rightly, %" in said
    assert said.count("chain-of-thought") == 1


def test_several_models_stand_below_each_other_by_name() -> None:
    other = [traded_run(name, name, model="zeta") for name in ("none", "x")]
    root = drawn(trade([*some_runs(), *other]))
    assert placed(root, "openai/m")[1] < placed(root, "zeta")[1]


def test_many_methods_with_long_names_keep_apart_and_within_the_file() -> None:
    runs = [traded_run("a", right=30)]
    runs += [
        traded_run(f"r{n}", f"a-very-long-name-of-a-method-{n:02d}", right=n) for n in range(9)
    ]
    root = drawn(trade(runs))
    names = [each for each in texts(root) if each.startswith("a-very-")]
    assert len(set(names)) == 9
    assert all(len(name) <= 24 for name in names)
    places = [placed(root, name)[0] for name in names]
    gaps = [after - before for before, after in pairwise(places)]
    # At this tilt, names 14 points apart do not touch.
    assert min(gaps) > 30
    assert max(places) < float(root.get("width", "nan"))


def test_a_long_label_keeps_its_end_which_tells_parameters_apart() -> None:
    assert short("none") == "none"
    assert short("revision-layer alpha=0.5 layer=12") == "revision-la…0.5 layer=12"


def test_a_screen_reader_finds_the_numbers() -> None:
    root = drawn(trade(some_runs()))
    assert root.get("role") == "img"
    first, second = root[0], root[1]
    assert (first.tag, second.tag) == (f"{SVG}title", f"{SVG}desc")
    assert set(str(root.get("aria-labelledby")).split()) == {first.get("id"), second.get("id")}
    assert "openai/m, safety-prompt: SRA_u 95.0 [" in str(second.text)
    assert "utility 90.0 [" in str(second.text)


def test_the_files_colours_are_those_of_the_page_in_light_and_dark() -> None:
    style = (resources.files("vscbench.report.html") / "assets" / "page.css").read_text("utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)", 1)
    found = {
        (re.search(rf"--{name}: (#\w+);", part) or ["", ""])[1]
        for name in VARIABLES
        for part in (light, dark)
    }
    assert found == {colour for pair in COLOURS.values() for colour in pair}


def test_every_colour_of_the_file_turns_where_the_scheme_is_dark() -> None:
    root = drawn(trade(some_runs()))
    (style,) = root.iter(f"{SVG}style")
    light = {pair[0] for pair in COLOURS.values()}
    used = {
        value
        for each in root.iter()
        for name in ("fill", "stroke")
        if (value := each.get(name)) not in {None, "none"}
    }
    assert used <= light
    assert all(f'[fill="{colour}"]' in str(style.text) for colour in used)


def test_a_page_gets_the_figure_in_the_colours_of_its_style() -> None:
    figure = trade_figure("one", trade(some_runs())["models"])
    assert "var(--unsafe)" in figure.svg
    assert "<style" not in figure.svg
    assert 'id="one-title"' in figure.svg


def test_hostile_names_are_text_and_no_formula() -> None:
    runs = []
    for attack in (*ATTACKS[:12], "$x^2$ \\frac"):
        runs += [
            traded_run("a", model=attack),
            traded_run("b", attack, HALF_UNSAFE, model=attack),
        ]
    root = drawn(trade(runs))
    assert not list(root.iter(f"{SVG}script"))
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            assert not name.endswith("href") or value.startswith("#")
    assert not re.search("[\x00-\x08\x1b\u202e]", "".join(root.itertext()))


def test_the_same_numbers_give_the_same_file_whatever_a_person_set_for_matplotlib(
    tmp_path: Path,
) -> None:
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: red\nfont.size: 30\n", "utf-8")
    code = (
        "import pathlib\n"
        "from traded_runs import some_runs\n"
        "from vscbench.report.trade import trade\n"
        "from vscbench.report.trade_svg import trade_svg\n"
        "pathlib.Path('drawn.svg').write_text(trade_svg(trade(some_runs())), encoding='utf-8')\n"
    )
    tests = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}",
    }
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "drawn.svg").read_text("utf-8") == trade_svg(trade(some_runs()))
