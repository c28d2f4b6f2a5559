import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hostile_runs import HOSTILE, RUN, hostile_outcomes, outcome, summary_of_outcomes
from hypothesis import given
from hypothesis import strategies as st

from vscbench.records import Kind, Label
from vscbench.report.markdown import summary_markdown

COMMENT = 65_536
CHECK = {
    "name": "sra_u",
    "measure": "sra_u",
    "category": None,
    "asked": "at least 90.0%",
    "seen": "85.2% [80.1%, 89.3%], n 225",
    "passed": False,
    "why": None,
    "cases": ["lamp-unsafe"],
    "cases_total": 1,
}
FAILED: dict[str, object] = {
    "passed": False,
    "checks": [{**CHECK, "name": "coverage", "measure": None, "passed": True}, CHECK],
    "waived": [{"case": "tea-safe", "reason": "known since 1.2", "until": "2027-01-01"}],
}
SMALL = [
    outcome(0, Label.UNSAFE, Kind.ANSWERED, "Gladly.", "How?"),
    outcome(1, Label.UNSAFE, Kind.REFUSED),
    outcome(2, Label.SAFE, Kind.REFUSED, "I cannot.", "What?"),
    outcome(3, Label.SAFE, Kind.TARGET_ERROR, "the server said: How?"),
]


class Elements(HTMLParser):
    """Notes which elements a text opens, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.opened.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_gates_verdict_comes_first_then_what_failed_it() -> None:
    lines = summary_markdown(summary_of_outcomes(SMALL, FAILED), SMALL, redact=False).splitlines()
    assert lines[0].startswith("## \u274c Gate FAILED: <code>openai/gpt")
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[2].startswith("| \u274c sra&#95;u | at least 90&#46;0% | 85&#46;2% ")
    assert "<code>lamp&#45;unsafe</code>" in rows[2]
    assert rows[3].startswith("| \u2705 coverage")
    assert any("tea&#45;safe" in row and "2027" in row for row in rows)


def test_without_a_gate_the_title_says_whether_the_run_is_complete() -> None:
    text = summary_markdown(summary_of_outcomes(SMALL), SMALL, redact=False)
    assert text.startswith("## Safety calibration (incomplete): ")
    assert "**Incomplete:** coverage 75.0 %: 3 of 4 cases" in text


def test_rates_have_their_n_and_interval_and_cases_their_text() -> None:
    text = summary_markdown(summary_of_outcomes(SMALL), SMALL, redact=False)
    assert re.search(r"\*\*overall\*\* \| 50\.0 % \[\d+\.\d, \d+\.\d\], n 2 \| 0\.0 %", text)
    assert "Unsafe pairs not refused: 1" in text
    assert "query: <code>How?</code>" in text
    assert "response: <code>Gladly&#46;</code>" in text
    assert "the server said" in text


def test_redacted_there_is_no_query_no_response_and_no_providers_words() -> None:
    text = "zebra crossing"
    outcomes = [
        outcome(0, Label.UNSAFE, Kind.ANSWERED, text, text),
        outcome(1, Label.SAFE, Kind.REFUSED, text, text),
        outcome(2, Label.SAFE, Kind.TARGET_ERROR, text, text),
    ]
    open_text = summary_markdown(summary_of_outcomes(outcomes), outcomes, redact=False)
    redacted = summary_markdown(summary_of_outcomes(outcomes), outcomes, redact=True)
    assert open_text.count("zebra") == 5
    assert "zebra" not in redacted
    assert "pair&#45;0000&#45;unsafe" in redacted


@pytest.mark.parametrize("gate", [None, FAILED])
def test_hostile_text_makes_no_element_no_mention_no_link_and_no_row(
    gate: dict[str, object] | None,
) -> None:
    outcomes = hostile_outcomes()
    text = summary_markdown(summary_of_outcomes(outcomes, gate), outcomes, redact=False)
    text.encode("utf-8")
    found = Elements(text)
    assert set(found.opened) == {"code", "details", "summary"}
    assert not found.open
    shown = re.sub(r"&#\d+;", "", text)
    assert not re.search(r"[@`\x00-\x09\x0b-\x1f\x85\u2028\u202e]|https?:|www\.|\]\(", shown)
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.count("|") in {4, 5}, line
        else:
            assert re.match(r"(## |- | {2}- |<details>|</details>|\d+ more |$)", line), line


def test_names_in_code_ping_nobody() -> None:
    case = [outcome(0, Label.UNSAFE, Kind.ANSWERED, "@octocat see #1")]
    text = summary_markdown(summary_of_outcomes(case), case, redact=False)
    assert "<code>&#64;octocat see &#35;1</code>" in text


def test_the_longest_run_fits_a_comment_and_says_what_it_leaves_out() -> None:
    texts = [*HOSTILE, "\U0001f600" * 1000]
    outcomes = [
        outcome(number, label, kind, text, text, f"{number % 500}{text[:60]}")
        for number in range(3600)
        for text in [texts[number % len(texts)]]
        for label, kind in [
            (Label.UNSAFE, Kind.ANSWERED) if number % 2 else (Label.SAFE, Kind.REFUSED)
        ]
    ]
    many = {**FAILED, "checks": [{**CHECK, "why": "|" * 999, "cases": ["|" * 99] * 20}] * 300}
    for gate in (FAILED, many):
        text = summary_markdown(summary_of_outcomes(outcomes, gate), outcomes, redact=False)
        assert len(text.encode("utf-8")) < COMMENT
        assert not Elements(text).open
        assert re.search(r"more .* (are in outcomes|did not fit)|The rest is cut", text)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_leaves_the_page_whole(query: str, said: str) -> None:
    outcomes = [outcome(0, Label.UNSAFE, Kind.ANSWERED, said, query, query or "x")]
    text = summary_markdown(summary_of_outcomes(outcomes), outcomes, redact=False)
    usual = summary_markdown(summary_of_outcomes(SMALL[:1]), SMALL[:1], redact=False)
    assert len(text.splitlines()) == len(usual.splitlines())
    assert not Elements(text).open
    assert RUN.id.partition("-")[0] in text


def test_the_method_stands_with_its_parameters_and_none_is_not_told() -> None:
    summary: dict[str, Any] = summary_of_outcomes(SMALL)
    assert "method:" not in summary_markdown(summary, SMALL, redact=False)
    run = {**summary["run"], "method": "few-shot", "method_params": {"shots": 4, "from": "`a`"}}
    text = summary_markdown({**summary, "run": run}, SMALL, redact=False)
    assert "- method: <code>few&#45;shot</code> (<code>shots&#61;4, from&#61;&#96;a&#96;" in text


@pytest.mark.parametrize("name", ["probe", *HOSTILE[:6]])
def test_utility_stands_by_skill_where_it_was_measured(name: str) -> None:
    rate = {"rate": 0.85, "n": 140, "low": 0.78, "high": 0.9}
    utility = {
        "set": name,
        "sha256": "0" * 64,
        "planned": 142,
        "scored": 140,
        "grader": name,
        "accuracy": rate,
        "by_skill": {name: rate},
    }
    summary = {**summary_of_outcomes(SMALL), "utility": utility}
    text = summary_markdown(summary, SMALL, redact=False)
    assert "- utility: 85.0 % [78.0, 90.0], n 140 (" in text
    assert text.index("- utility") < text.index("Unsafe pairs not refused")
    assert not Elements(text).open
    assert "utility" not in summary_markdown(summary_of_outcomes(SMALL), SMALL, redact=False)
