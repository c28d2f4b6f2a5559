import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from html_runs import (
    blocked,
    failed,
    gate,
    hostile_page,
    many_outcomes,
    page_pair,
    said,
    summary_for,
)
from PIL import Image

from vscbench.records import Kind, Label
from vscbench.report.html.page import report_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is on the path"),
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
MATCHING = ".group:not([hidden]) h4"


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
    """The page of a run with contrasts, images, single pairs, errors, blocks and a gate."""
    folder = tmp_path_factory.mktemp("report")
    image = folder / "a.png"
    Image.radial_gradient("L").resize((300, 200)).save(image)
    single = page_pair("single", Label.SAFE, category="drugs")
    outcomes = [
        *many_outcomes(12, image),
        said(single, Kind.ANSWERED, "An unmistakable pelican. " * 40, ("pelican",)),
        failed(page_pair("dead", Label.SAFE), "rate limit (HTTP 429)"),
        blocked(page_pair("filtered", Label.UNSAFE), "SAFETY"),
    ]
    path = folder / "report.html"
    rate = {"rate": 0.9, "n": 50, "low": 0.8, "high": 0.96}
    utility = {
        **{"set": "probe", "sha256": "0" * 64, "planned": 50, "scored": 50, "grader": "match"},
        **{"accuracy": rate, "by_skill": {"counting": rate}},
    }
    summary = summary_for(outcomes, method="few-shot", method_params={"text": "Mind. " * 40})
    page = report_page({**summary, "gate": gate(passed=False), "utility": utility}, outcomes)
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    path.write_text(hostile_page(), encoding="utf-8")
    return path


def opened(browser: "Browser", path: Path, **options: Any) -> "Page":  # noqa: ANN401
    page = browser.new_context(**{"viewport": WIDE, **options}).new_page()
    page.goto(path.as_uri())
    return page


def wait_for_count(page: "Page", words: str) -> None:
    """Wait until the list is filtered; a search waits for the next letter first."""
    from playwright.sync_api import expect

    expect(page.get_by_role("status")).to_contain_text(words)


def test_hostile_output_runs_nothing_loads_nothing_and_leaves_the_console_clean(
    browser: "Browser", hostile: Path
) -> None:
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(hostile.as_uri())
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    page.locator("#filter-text").fill("hyperlink")
    wait_for_count(page, "match")
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [hostile.as_uri()]
    assert page.evaluate("document.title") != "owned"
    assert page.locator("script").count() == 1
    page.close()


def test_a_script_that_got_in_would_not_run(browser: "Browser", report: Path) -> None:
    broken = report.with_name("broken.html")
    attack = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
    text = report.read_text(encoding="utf-8").replace("<main>", f"<main>{attack}")
    broken.write_text(text, encoding="utf-8")
    page = opened(browser, broken)
    assert page.evaluate("window.ran") is None
    page.close()


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


@pytest.mark.parametrize("name", ["report", "hostile"])
def test_nothing_is_wider_than_a_phone(
    browser: "Browser", name: str, request: pytest.FixtureRequest
) -> None:
    page = opened(browser, request.getfixturevalue(name), viewport=NARROW)
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.close()


def test_filters_and_search_narrow_the_list_and_say_so(browser: "Browser", report: Path) -> None:
    page = opened(browser, report)
    count = page.get_by_role("status")
    assert count.inner_text() == "15 cases"
    page.get_by_label("Kind", exact=True).select_option("blocked")
    assert page.locator(MATCHING).all_text_contents() == ["filtered"]
    assert count.inner_text() == "1 of 15 cases match"
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Search", exact=True).fill("unmistakable PELICAN")
    wait_for_count(page, "1 of 15 cases match")
    assert page.locator(MATCHING).all_text_contents() == ["single"]
    page.get_by_label("Search", exact=True).fill("")
    page.get_by_label("Label", exact=True).select_option("unsafe")
    page.get_by_label("Scored", exact=True).select_option("wrong")
    assert count.inner_text() == "1 of 15 cases match, and 1 beside them"
    page.get_by_label("Category", exact=True).select_option("homonyms")
    assert page.get_by_text("No case matches these filters.").is_visible()
    page.close()


def test_a_link_to_a_case_leads_there_though_filters_hide_it(
    browser: "Browser", report: Path
) -> None:
    page = opened(browser, report)
    page.get_by_label("Kind", exact=True).select_option("refused")
    page.locator("#apart summary").first.click()
    page.get_by_role("link", name="dead").click()
    assert page.locator("#case-dead-1").is_visible()
    page.close()


def veiled(page: "Page") -> list[bool]:
    """Whether each image of an unsafe pair is blurred."""
    blurs: list[str] = page.locator(".veiled :is(img, svg)").evaluate_all(
        "all => all.map(each => getComputedStyle(each).filter)"
    )
    return [blur != "none" for blur in blurs]


@pytest.mark.parametrize("has_script", [True, False])
def test_unsafe_images_are_blurred_until_asked_for_by_keyboard_with_or_without_script(
    browser: "Browser", report: Path, has_script: bool
) -> None:
    page = opened(browser, report, java_script_enabled=has_script)
    assert veiled(page) == [True] * 6
    page.get_by_label("Show the image of row-0001-unsafe").focus()
    page.keyboard.press("Space")
    assert veiled(page) == [True, False, *[True] * 4]
    page.get_by_label("Show all images of unsafe pairs").focus()
    page.keyboard.press("Space")
    assert veiled(page) == [False] * 6
    page.close()


def test_without_a_script_every_case_is_there_and_no_dead_control(
    browser: "Browser", report: Path
) -> None:
    page = opened(browser, report, java_script_enabled=False)
    assert page.locator("#filters").is_hidden()
    assert page.locator(".group").count() == 9
    assert page.get_by_text("An unmistakable pelican.").first.is_visible()
    page.close()


def test_a_picture_that_pairs_share_is_seen_at_each_also_where_the_first_is_hidden(
    browser: "Browser", report: Path
) -> None:
    page = opened(browser, report)
    page.get_by_label("Search", exact=True).fill("row-0004-safe")
    wait_for_count(page, "match")
    picture = page.locator(".group:not([hidden]) .side.safe .picture")
    shown = Image.open(io.BytesIO(picture.screenshot())).convert("L")
    assert len(set(shown.tobytes())) > 100  # the gradient, not an empty box
    page.close()


def test_the_first_tab_stop_leads_past_the_head_of_the_page(
    browser: "Browser", report: Path
) -> None:
    page = opened(browser, report)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#cases"
    page.close()
