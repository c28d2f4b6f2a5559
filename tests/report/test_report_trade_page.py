import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from html_runs import ATTACKS
from traded_runs import HALF_SAFE, HALF_UNSAFE, some_runs, traded_run

from vscbench.report.trade import trade
from vscbench.report.trade_page import trade_page
from vscbench.report.trade_svg import trade_svg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is on the path")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def hostile_page() -> str:
    """A page of models whose every name is an attack."""
    runs = []
    for attack in ATTACKS[:12]:
        params = {attack: attack, "text": attack}
        runs += [
            traded_run(attack, model=attack, judge="a"),
            traded_run(f"b{attack}", attack, HALF_UNSAFE, model=attack, judge=attack),
            traded_run(f"c{attack}", "few", model=attack, method_params=params),
        ]
    return trade_page(trade(runs))


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("<main", 1)[1]).split())


def test_the_page_says_verdicts_prices_figure_and_both_tables() -> None:
    page = trade_page(trade(some_runs()))
    text = text_of(page)
    for words in (
        "openai/m",
        "against run plain, without a method",
        "12 tests, adjusted together",
        "discriminates better : d&#39; rose by",
        "only refuses more : the criterion fell by",
        "costs 41.7 points of utility",
        "With the method less without it",
        "Each run by itself",
        "run refuser, 160 pairs compared shots=4",
        "a ratio of them would be unstable",
    ):
        assert words in text
    assert page.count("<svg") == 1


def test_warnings_and_notes_are_on_the_page() -> None:
    text = text_of(trade_page(trade([traded_run("a"), traded_run("b", "x", judge="j")])))
    assert "Warning: x has another judge than none: j, not keywords" in text
    assert "utility was not measured, so what a method costs is not known" in text


def test_several_models_have_a_part_each_and_links_to_them() -> None:
    other = [traded_run(name, name, model="claude") for name in ("none", "x")]
    page = trade_page(trade([*some_runs(), *other]))
    assert page.count("<svg") == 2
    for number in (1, 2):
        assert f'href="#model-{number}"' in page
        assert page.count(f'id="model-{number}"') == 1
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_and_nothing_may_run(hostile_page: str) -> None:
    page = hostile_page
    assert "script-src &#39;none&#39;" in page or "script-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    forbidden = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
    assert not forbidden.search(page)
    assert page.encode("utf-8")


def test_the_page_is_the_same_each_time() -> None:
    assert trade_page(trade(some_runs())) == trade_page(trade(some_runs()))


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        # Chromium's own sandbox does not start for root, as in most containers.
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two models: one with many methods, one without utility and with a warning."""
    many = [traded_run(f"r{n}", f"a-long-name-of-a-method-{n}", HALF_SAFE, n) for n in range(4)]
    other = [
        traded_run("n", model="zeta"),
        traded_run("o", "x", HALF_SAFE, judge="other", model="zeta"),
    ]
    path = tmp_path_factory.mktemp("trade") / "trade.html"
    path.write_text(trade_page(trade([*some_runs(), *many, *other])), encoding="utf-8")
    return path


def opened(browser: "Browser", path: Path, **options: Any) -> "Page":  # noqa: ANN401
    page = browser.new_context(**{"viewport": WIDE, **options}).new_page()
    page.goto(path.as_uri())
    return page


@in_a_browser
@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", WIDE), ("dark", NARROW)], ids=["light-wide", "dark-narrow"]
)
def test_axe_finds_no_fault(
    browser: "Browser", report: Path, scheme: str, viewport: dict[str, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(browser, report, color_scheme=scheme, viewport=viewport)
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (each["id"], each["nodes"][0]["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    page.close()


def heard(browser: "Browser", path: Path) -> list[str]:
    """Open a page on a phone, and return what it says of faults, or does by itself."""
    said: list[str] = []
    page = browser.new_page()
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(path.as_uri())
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
        said.append("wider than a phone")
    if page.evaluate("document.title") == "owned":
        said.append("owned")
    page.close()
    return said


@in_a_browser
def test_hostile_names_run_nothing_and_nothing_is_wider_than_a_phone(
    browser: "Browser", report: Path, hostile_page: str
) -> None:
    hostile = report.with_name("hostile.html")
    hostile.write_text(hostile_page, encoding="utf-8")
    assert heard(browser, report) == []
    assert heard(browser, hostile) == []


@in_a_browser
def test_a_figure_of_its_own_follows_light_and_dark(browser: "Browser", report: Path) -> None:
    path = report.with_name("figure.svg")
    path.write_text(trade_svg(trade(some_runs())), encoding="utf-8")
    colours = {}
    for scheme in ("light", "dark"):
        page = opened(browser, path, color_scheme=scheme)
        colours[scheme] = page.evaluate(
            "[...document.querySelectorAll('text, svg > rect')]"
            ".map(each => getComputedStyle(each).fill)"
        )
        page.close()
    paper, ink = "rgb(255, 255, 255)", "rgb(27, 31, 35)"
    assert {paper, ink} <= set(colours["light"])
    assert not {paper, ink} & set(colours["dark"])
