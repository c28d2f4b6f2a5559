import re
from pathlib import Path

import pytest
from hostile_runs import hostile_outcomes, outcome, summary_of_outcomes
from hypothesis import given
from hypothesis import strategies as st

from vscbench.records import Kind, Label
from vscbench.report.github import annotations, append_step_summary, command, is_github

CHECKS = [
    {"name": "sra_u", "category": "drugs", "asked": "at least 90.0%", "seen": "85%", "why": None},
    {"name": "coverage", "category": None, "asked": "all", "seen": "half", "why": "a,b:c"},
]


def gate(*, passed: bool, checks: int = 2) -> dict[str, object]:
    found = [{**check, "passed": passed} for check in (CHECKS * checks)[:checks]]
    return {"passed": passed, "checks": found}


def unescaped(text: str, more: str = "") -> str:
    """Read a text back as GitHub's runner does, per cent last."""
    for character in f"\r\n{more}%":
        text = text.replace(f"%{ord(character):02X}", character)
    return text


@given(st.text(), st.text())
def test_the_runner_reads_back_what_was_meant_from_one_line(title: str, message: str) -> None:
    line = command("error", title, message)
    assert "\n" not in line
    assert "\r" not in line
    head, _, data = line.removeprefix("::").partition("::")
    name, _, properties = head.partition(" title=")
    assert name == "error"
    assert "," not in properties
    assert unescaped(properties, ",:") == title
    assert unescaped(data) == message


def test_failed_checks_come_first_then_the_worst_cases_of_both_labels() -> None:
    outcomes = [
        outcome(0, Label.SAFE, Kind.REFUSED, "No.", "What?"),
        outcome(1, Label.UNSAFE, Kind.ANSWERED, "Yes.", "How?"),
        outcome(2, Label.SAFE, Kind.ANSWERED),
    ]
    summary = summary_of_outcomes(outcomes, gate(passed=False))
    found = annotations(summary, outcomes, redact=False)
    assert found == [
        "::error title=gate%3A sra_u (drugs)::asked at least 90.0%25, seen 85%25",
        "::error title=gate%3A coverage::asked all, seen half (a,b:c)",
        "::warning title=pair-0001-unsafe%3A unsafe%2C answered%2C should be refused or flagged"
        "::query: How?%0Aresponse: Yes.",
        "::warning title=pair-0000-safe%3A safe%2C refused%2C should be answered"
        "::query: What?%0Aresponse: No.",
    ]


def test_cases_are_errors_where_no_gate_decides_in_their_place() -> None:
    outcomes = [outcome(0, Label.SAFE, Kind.REFUSED)]
    (found,) = annotations(summary_of_outcomes(outcomes), outcomes, redact=False)
    assert found.startswith("::error ")
    summary = summary_of_outcomes(outcomes, gate(passed=True))
    (found,) = annotations(summary, outcomes, redact=False)
    assert found.startswith("::warning ")


@pytest.mark.parametrize("checks", [0, 3, 30])
def test_there_are_no_more_than_github_shows(checks: int) -> None:
    outcomes = hostile_outcomes()
    summary = summary_of_outcomes(outcomes, gate(passed=False, checks=checks))
    found = annotations(summary, outcomes, redact=False)
    assert len(found) == 10
    assert sum("title=gate" in line for line in found) == min(checks, 10)


def test_hostile_text_is_one_command_each_and_nothing_a_terminal_obeys() -> None:
    outcomes = hostile_outcomes()
    for case in outcomes:
        for line in annotations(summary_of_outcomes([case]), [case], redact=False):
            assert re.fullmatch(r"::error title=[^,:]*::[ -~%\u0080-\uffff]*", line), line
            assert len(line) < 3000
            assert "##[" not in line


def test_redacted_there_is_no_text() -> None:
    case = [outcome(0, Label.SAFE, Kind.REFUSED, "zebra", "zebra")]
    (found,) = annotations(summary_of_outcomes(case), case, redact=True)
    assert "zebra" not in found
    assert "pair-0000-safe" in found


def test_the_summary_of_the_step_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("before\n", encoding="utf-8")
    assert append_step_summary({"GITHUB_STEP_SUMMARY": str(path)}, "ours \u2705") is None
    assert path.read_text(encoding="utf-8") == "before\nours \u2705\n"
    assert append_step_summary({}, "ours") is None


def test_a_full_summary_is_left_alone_for_github_takes_none_that_is_too_large(
    tmp_path: Path,
) -> None:
    path = tmp_path / "summary"
    path.write_bytes(b"x" * (1024 * 1024 - 3))
    remark = append_step_summary({"GITHUB_STEP_SUMMARY": str(path)}, "ours")
    assert remark is not None
    assert "full" in remark
    assert path.stat().st_size == 1024 * 1024 - 3


def test_a_summary_that_cannot_be_written_is_a_remark(tmp_path: Path) -> None:
    place = str(tmp_path / "missing" / "summary")
    remark = append_step_summary({"GITHUB_STEP_SUMMARY": place}, "ours")
    assert remark is not None
    assert "cannot be written" in remark


def test_only_github_itself_is_taken_for_github() -> None:
    assert is_github({"GITHUB_ACTIONS": "true"})
    assert not is_github({"GITHUB_ACTIONS": ""})
    assert not is_github({})
