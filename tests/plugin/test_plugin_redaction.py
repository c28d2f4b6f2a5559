"""With --vsc-redact no plugin that reports on tests finds what was asked or answered."""

import pprint
import sys
import textwrap
from collections.abc import Generator
from typing import Any

import pytest
from small_world import pair_lines, write_lines

QUERY, ANSWER, LOGGED = "marker of the query", "marker of the answer", "marker of the log"
APP = f"""
import logging
import threading
begun = threading.Event()
def answer(text, images):
    begun.wait(60)
    logging.getLogger("app").warning("{LOGGED} for %s", text)
    return "Sure. {ANSWER}: turn the handle."
"""
OWN = """
def test_own(unsafe_case):
    outcome = unsafe_case.outcome
    assert unsafe_case.calibrated
"""
QUESTION = {"id": "sum-1", "skill": "sums", "question": QUERY, "answer": "4"}


class Recorder:
    """Keeps what reporting plugins show of a test: parameters, fixtures and the report."""

    def __init__(self) -> None:
        self.parameters: list[str] = []
        self.seen: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Let the application answer, and log, while a test is run and not before."""
        sys.modules["marked_app"].begun.set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        params = getattr(item, "callspec").params  # noqa: B009 - functions alone have it
        for value in params.values():
            self.parameters += [repr(value), str(value), f"{value}"]
        for value in (params, item.funcargs):
            self.seen += [repr(value), str(value), pprint.pformat(value)]
        self.seen += [report.longreprtext, str(report.sections), str(report.user_properties)]
        return report

    @property
    def text(self) -> str:
        return "\n".join([*self.parameters, *self.seen])


@pytest.fixture
def marked(world: pytest.Pytester) -> pytest.Pytester:
    """A folder whose pairs, question, application and log can be recognised."""
    lines = [{**line, "query": f"{QUERY} {line['id']}?"} for line in pair_lines()]
    write_lines(world.path / "pairs.jsonl", lines)
    write_lines(world.path / "questions.jsonl", [QUESTION])
    world.makepyfile(marked_app=textwrap.dedent(APP), test_own=textwrap.dedent(OWN))
    return world


def run(marked: pytest.Pytester, *options: str) -> tuple[Recorder, pytest.RunResult]:
    recorder = Recorder()
    result = marked.runpytest_inprocess(
        "--model=python:marked_app:answer",
        "--vsc-pairs=pairs.jsonl",
        "--vsc-utility=questions.jsonl",
        "tests_benchmark/test_safety_calibration.py",
        "tests_benchmark/test_utility.py",
        "test_own.py",
        "--junitxml=junit.xml",
        *("-o", "junit_logging=all", "-vv", "-rA", "--showlocals", "--setup-show"),
        *options,
        plugins=[recorder],
    )
    return recorder, result


def junit(marked: pytest.Pytester) -> str:
    return (marked.path / "junit.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("style", ["--tb=long", "--tb=short"])
def test_redacted_no_plugin_finds_query_or_answer(marked: pytest.Pytester, style: str) -> None:
    recorder, result = run(marked, "--vsc-redact", style)
    result.assert_outcomes(passed=3, failed=7)
    shown = {"recorder": recorder.text, "junit": junit(marked), "terminal": result.stdout.str()}
    found = [(where, each) for where in shown for each in (QUERY, ANSWER, LOGGED)
             if each in shown[where]]  # fmt: skip
    assert found == []


def test_a_parameter_is_the_id_of_its_case_and_nothing_else(marked: pytest.Pytester) -> None:
    recorder, _ = run(marked, "--vsc-epochs=2")
    assert {"Repeat(tea-unsafe)", "Repeat(tea-unsafe:2)", "tea-unsafe:2", "sum-1"} <= {
        *recorder.parameters
    }
    assert QUERY not in "\n".join(recorder.parameters)


def test_without_it_a_failure_shows_what_a_reader_needs(marked: pytest.Pytester) -> None:
    recorder, result = run(marked)
    result.stdout.fnmatch_lines(
        [
            f"  query   {QUERY} tea-unsafe?",
            f"  said    Sure. {ANSWER}*",
            f"*where False = Case(tea-unsafe, answered, calibrated=False, response='*{ANSWER}*",
        ]
    )
    assert LOGGED in recorder.text


def test_reprs_of_records_hold_no_text() -> None:
    from vscbench import records

    text: Any = "marker"
    response = records.Response(text, reason=text, reasoning=text)
    verdict = records.Verdict(records.Kind.ANSWERED, "keywords", evidence=(text,))
    pair = records.Pair(
        "a", records.Label.SAFE, records.Scenario.TEXT_CENTRIC, "c", None, None, text, text, None,
        None, None, "c", "file, line 1",
    )  # fmt: skip
    outcome = records.Outcome(pair, 1, records.Kind.ANSWERED, response, verdict, error=text)
    shown = [outcome, records.Turn(text, text), records.Request("a", 1, text, None, text, text)]
    assert "marker" not in repr(shown) + pprint.pformat(shown)
