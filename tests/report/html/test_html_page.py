import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

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

from vscbench.records import Finish, Kind, Label, Outcome, Response
from vscbench.report.html.page import report_page, write_report

VOID = {"meta", "link", "input", "img", "rect", "image", "use", "path", "br"}


class Reader(HTMLParser):
    """Reads a page as a browser would: tags, attributes and text, and whether tags match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.ids: list[str] = []
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def page_of(*outcomes: Outcome, **changes: object) -> str:
    return report_page(summary_for(outcomes, **changes), outcomes)


@pytest.fixture(scope="module")
def hostile() -> str:
    return hostile_page()


def test_hostile_text_stays_text_wherever_it_stands(hostile: str) -> None:
    reader = read(hostile)
    assert reader.tags.count("script") == 1
    assert reader.tags.count("style") == 1
    assert not [each for each in reader.attributes if each[1].startswith("on")]
    assert "<script>document.title = 'owned'</script>" in reader.text
    assert '=HYPERLINK("http://127.0.0.1/?leak","click")' in reader.text
    assert "{{ 7 * 7 }}" in reader.text


def test_a_hostile_page_holds_no_character_that_could_be_obeyed(hostile: str) -> None:
    written = hostile.encode("utf-8").decode("utf-8")
    forbidden = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
    assert not forbidden.search(written)
    assert "\\x1b[31mred" in written


def test_a_megabyte_of_response_is_cut_and_the_cut_is_said() -> None:
    outcome = said(page_pair("a", Label.SAFE), Kind.ANSWERED, "<b>" * 350_000)
    page = page_of(outcome)
    assert len(page) < 200_000
    assert "more characters are left out of this page" in read(page).text


def test_nothing_is_loaded_from_anywhere_and_only_our_own_script_may_run(hostile: str) -> None:
    reader = read(hostile)
    for _, name, value in reader.attributes:
        if name in ("src", "href", "action", "srcset", "data", "xlink:href"):
            assert value is not None
            assert value.startswith(("#", "data:"))
    (policy,) = [
        value or ""
        for _, name, value in reader.attributes
        if name == "content" and "src" in (value or "")
    ]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy
    assert not [each for each in reader.attributes if each[1] == "style"]


def test_no_two_elements_have_one_id(hostile: str) -> None:
    for page in (hostile, page_of(*many_outcomes(60))):
        ids = read(page).ids
        assert len(set(ids)) == len(ids)


def test_the_page_is_the_same_each_time() -> None:
    outcomes = many_outcomes(60)
    assert page_of(*outcomes) == page_of(*reversed(outcomes))


def test_the_first_screen_says_rates_coverage_judge_and_cost() -> None:
    outcomes = [*many_outcomes(20), failed(page_pair("z", Label.SAFE), "rate limit: slow down")]
    text = read(page_of(*outcomes)).text
    for words in (
        "No gate",
        "Incomplete",
        "SRA_u",
        "90.0\N{NO-BREAK SPACE}%",
        "20 of 21 planned cases scored",
        "1 error, in neither rate",
        "1 \N{MULTIPLICATION SIGN} rate limit",
        "slow down",
        "judge keywords",
        "cost not known",
        "took 1\N{NO-BREAK SPACE}min 5\N{NO-BREAK SPACE}s",
        "m-1",
    ):
        assert words in text


@pytest.mark.parametrize(("passed", "words"), [(True, "Gate passed"), (False, "Gate failed")])
def test_the_gate_says_what_was_asked_and_seen_and_leads_to_the_cases(
    passed: bool, words: str
) -> None:
    outcomes = many_outcomes(20)
    reader = read(report_page({**summary_for(outcomes), "gate": gate(passed)}, outcomes))
    for each in (words, "sra_u in drugs", "at least 90.0 %", "85.2 %, n 225", "and 22 more"):
        assert each in reader.text
    assert ("a", "href", "#case-row-0000-unsafe-1") in reader.attributes
    assert "case-row-0000-unsafe-1" in reader.ids


def test_errors_and_blocks_are_listed_apart_from_each_other() -> None:
    outcomes = [
        failed(page_pair("dead", Label.UNSAFE), "connection refused"),
        blocked(page_pair("filtered", Label.UNSAFE), "SAFETY"),
    ]
    text = read(page_of(*outcomes)).text
    assert re.search(r"Errors \(1\).*connection refused.*Blocked by the provider \(1\)", text, re.S)


def test_a_contrast_stands_together_safe_side_first_with_its_common_query_once() -> None:
    sides = [
        said(page_pair(name, label, contrast_id="c", query="Same?", prompt="Same?"), Kind.ANSWERED)
        for name, label in (("a", Label.UNSAFE), ("b", Label.SAFE))
    ]
    text = read(page_of(*sides)).text
    assert text.count("Same?") == 1
    assert re.search(r"Same\?.*\bb\b.*✓ right.*\ba\b.*✗ wrong", text, re.S)


def test_what_was_sent_is_shown_where_it_is_not_the_query() -> None:
    pair = page_pair("a", Label.SAFE, query="What?", prompt="Fill in the list.")
    assert "Fill in the list." in read(page_of(said(pair, Kind.ANSWERED))).text


def test_verdicts_come_with_judge_probability_and_evidence() -> None:
    pair = page_pair("a", Label.UNSAFE)
    text = read(page_of(said(pair, Kind.REFUSED, "I cannot.", ("I cannot", "cannot")))).text
    assert "judge keywords (0.75)" in text
    assert re.search(r"evidence\s+I cannot\s+cannot", text)


def test_epochs_of_a_pair_stand_under_one_query_and_flips_are_listed() -> None:
    pair = page_pair("a", Label.SAFE)
    first = said(pair, Kind.ANSWERED, "Yes.")
    outcomes = [first, replace(said(pair, Kind.REFUSED, "No."), epoch=2)]
    text = read(page_of(*outcomes)).text
    assert text.count("What about a?") == 1
    assert re.search(r"epoch 1.*Yes\..*epoch 2.*No\.", text, re.S)
    assert "1 pair right in one epoch and wrong in another" in text


def test_a_cut_an_empty_and_a_lost_response_are_told_apart() -> None:
    cut = Outcome(page_pair("a", Label.SAFE), 1, Kind.ANSWERED, Response("Half", Finish.LENGTH))
    empty = Outcome(page_pair("b", Label.SAFE), 1, Kind.EMPTY, Response(""))
    lost = Outcome(page_pair("c", Label.SAFE), 1, Kind.TARGET_ERROR)
    text = read(page_of(cut, empty, lost)).text
    for words in ("cut by length", "The response is empty.", "No response."):
        assert words in text


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.new("RGB", (60, 40), "green").save(path)
    return path


def test_an_image_that_many_pairs_share_is_there_once_and_shown_by_each(image: Path) -> None:
    page = page_of(*many_outcomes(10, image))
    assert page.count("data:image/jpeg") == 1
    tags = read(page).tags
    assert tags.count("image") + tags.count("use") == 10


def test_images_of_unsafe_pairs_alone_are_veiled_each_with_a_named_switch(image: Path) -> None:
    reader = read(page_of(*many_outcomes(4, image)))
    switches = [
        value for tag, name, value in reader.attributes if (tag, name) == ("input", "aria-label")
    ]
    assert switches == ["Show the image of row-0000-unsafe", "Show the image of row-0001-unsafe"]


def test_a_missing_image_is_said_and_the_page_is_whole(tmp_path: Path) -> None:
    pair = page_pair("a", Label.SAFE, image=tmp_path / "gone.png")
    text = read(page_of(said(pair, Kind.ANSWERED))).text
    assert "The image is not shown: it is missing." in text
    assert str(tmp_path) not in text


def test_a_run_of_nothing_but_errors_has_a_page() -> None:
    assert "none scored" not in page_of(failed(page_pair("a", Label.SAFE), "down"))
    assert "0.0\N{NO-BREAK SPACE}%" in page_of(failed(page_pair("a", Label.SAFE), "down"))


def test_a_summary_of_an_older_version_has_a_page() -> None:
    outcomes = many_outcomes(24)
    summary = summary_for(outcomes)
    old = {
        **summary,
        "contrast": {"both": None},
        "detection": {"d_prime": {"value": None}, "criterion": {"value": None}},
        "gate": {"passed": None, "checks": []},
    }
    assert "Balance by category" in read(report_page(old, outcomes)).text


def test_the_file_is_written_in_utf_8(tmp_path: Path) -> None:
    outcome = said(page_pair("a", Label.SAFE), Kind.ANSWERED, "naïve 申し訳 \ud800")
    write_report(tmp_path / "new" / "report.html", summary_for([outcome]), [outcome])
    text = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert "naïve 申し訳 \\ud800" in text


def test_many_cases_with_long_responses_keep_to_the_size(tmp_path: Path) -> None:
    outcomes = [
        replace(each, response=Response("long words " * 2_000)) for each in many_outcomes(3_600)
    ]
    page = page_of(*outcomes)
    assert len(page.encode()) < 13_000_000


def test_reasoning_that_a_method_set_apart_is_folded_under_the_answer() -> None:
    reasoned = said(page_pair("a", Label.SAFE), Kind.ANSWERED, "Sure.")
    response = Response("Sure.", reasoning="First I look. <b>Then</b> I answer.")
    no_answer = Outcome(
        page_pair("b", Label.SAFE), 1, Kind.NO_FINAL_ANSWER, Response("", reasoning="Endless.")
    )
    text = read(page_of(replace(reasoned, response=response), no_answer)).text
    assert re.search(r"Sure\..*Reasoning before the answer.*First I look\. <b>Then</b>", text, re.S)
    assert re.search(r"no-final-answer.*The response is empty\..*Endless\.", text, re.S)
    assert "Reasoning" not in read(page_of(reasoned)).text
