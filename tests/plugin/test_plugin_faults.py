import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faulty_provider import FAULTS, Attempt, Sent, read_mix, running_provider, said_to
from small_world import summary_of

from benchmarks.faults import (
    CAUSE,
    KIND,
    Case,
    Measured,
    benchmark_options,
    causes_of,
    differences,
    make_pairs,
    rates_of,
    read_newest,
)

CONCURRENCY = 4
FAULTY = read_mix(
    "rate_limit=0.15,server_error=0.12,reset=0.12,broken_json=0.12,"
    "block=0.1,refusal=0.1,filter_400=0.1,empty=0.1,text_refusal=0.3"
)


def run(pytester: pytest.Pytester, url: str, *options: str, workers: int = 0) -> pytest.RunResult:
    limit = f"--vsc-concurrency={CONCURRENCY}"
    return pytester.runpytest(*benchmark_options(url, workers, limit, *options))


def test_every_kind_rate_and_cause_is_that_of_the_providers_own_log(
    pytester: pytest.Pytester,
) -> None:
    cases = make_pairs(pytester.path / "pairs", 40)
    with running_provider(pytester.path / "log", FAULTY) as provider:
        result = run(pytester, provider.url, "--vsc-retries=1")
    attempts = provider.attempts()
    measured = read_newest(pytester.path, result.stdout.str())
    assert differences(cases, attempts, measured, retries=1) == []
    assert max(attempt.in_flight for attempt in attempts) <= CONCURRENCY
    # Nothing above means much unless the provider did break in these ways.
    last = {attempt.text: attempt.sent for attempt in attempts}
    assert {*last.values()} > set(CAUSE) - {Sent.UNAUTHORIZED}
    assert {KIND[sent] for sent in last.values()} == set(KIND.values())


def test_without_retries_each_request_is_sent_once_and_a_fault_is_not_kept_as_an_answer(
    pytester: pytest.Pytester,
) -> None:
    cases = make_pairs(pytester.path / "pairs", 16)
    with running_provider(pytester.path / "log", FAULTY) as provider:
        result = run(pytester, provider.url, "--vsc-retries=0")
        first = provider.attempts()
        measured = read_newest(pytester.path, result.stdout.str())
        run(pytester, provider.url, "--vsc-retries=0")
    assert differences(cases, first, measured, retries=0) == []
    failed = {attempt.content for attempt in first if attempt.sent in FAULTS}
    assert 0 < len(failed) < len(cases) == len(first)
    assert {attempt.content for attempt in provider.attempts()[len(first) :]} == failed


def test_a_provider_that_says_when_to_come_back_is_left_alone_until_then(
    pytester: pytest.Pytester,
) -> None:
    make_pairs(pytester.path / "pairs", 8)
    retry_after_s = 2
    with running_provider(
        pytester.path / "log", {Sent.RATE_LIMIT: 0.4}, retry_after_s=retry_after_s
    ) as provider:
        run(pytester, provider.url, "--vsc-retries=2")
    asked = {(each.content, each.number): each for each in provider.attempts()}
    limited = [each for each in asked.values() if each.sent is Sent.RATE_LIMIT]
    again = [(each, asked.get((each.content, each.number + 1))) for each in limited]
    waited = [after.arrived - before.ended for before, after in again if after]
    assert waited
    assert min(waited) >= retry_after_s


def lines_about(cause: str, result: pytest.RunResult) -> list[str]:
    """What is said of a cause, but for the lines of single pairs."""
    lines = [*result.outlines, *result.errlines]
    return [line for line in lines if cause in line and "shelf-" not in line]


def ran_into_it(result: pytest.RunResult) -> int:
    """How many cases were reported as failed or as errors."""
    counts = result.parseoutcomes()
    return sum(counts.get(word, 0) for word in ("failed", "error", "errors"))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_provider_that_refuses_the_key_ends_the_run_early(
    pytester: pytest.Pytester, workers: int
) -> None:
    cases = make_pairs(pytester.path / "pairs", 60)
    with running_provider(pytester.path / "log", {Sent.UNAUTHORIZED: 1.0}) as provider:
        result = run(pytester, provider.url, workers=workers)
    attempts = provider.attempts()
    assert 1 <= len(attempts) <= 3 * CONCURRENCY
    assert len({attempt.content for attempt in attempts}) == len(attempts)
    assert result.ret not in {pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR}
    assert ran_into_it(result) < len(cases) // 2
    assert lines_about(CAUSE[Sent.UNAUTHORIZED], result)
    result.stdout.fnmatch_lines(["incomplete: 0 of 60*"])


def test_a_provider_that_is_down_ends_the_run_early(pytester: pytest.Pytester) -> None:
    cases = make_pairs(pytester.path / "pairs", 60)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = run(pytester, f"http://127.0.0.1:{port}/v1", "--vsc-retries=1")
    assert result.ret not in {pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR}
    assert ran_into_it(result) < len(cases) // 2
    assert lines_about(CAUSE[Sent.RESET], result)
    result.stdout.fnmatch_lines(["incomplete: 0 of 60*"])


def test_a_killed_worker_costs_nothing_that_was_answered(pytester: pytest.Pytester) -> None:
    cases = make_pairs(pytester.path / "pairs", 40)
    pytester.makeconftest(
        """
        import os, signal, pytest

        class Killer:
            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_call(self, item):
                if "shelf-00017" in item.name:
                    os.kill(os.getpid(), signal.SIGKILL)

        def pytest_configure(config):
            config.pluginmanager.register(Killer())
        """
    )
    with running_provider(pytester.path / "log", {}) as provider:
        result = run(pytester, provider.url, workers=1)
    attempts = provider.attempts()
    result.stdout.fnmatch_lines(["*crashed while running*shelf-00017*"])
    assert len(attempts) - len({attempt.content for attempt in attempts}) <= CONCURRENCY
    summary = summary_of(pytester.path)
    assert summary["counts"]["planned"] == len(cases)
    incomplete = any(line.startswith("incomplete: ") for line in result.outlines)
    assert summary["complete"] or incomplete


def attempt_for(case: Case, sent: Sent, number: int = 1) -> Attempt:
    content = f"content of {case.id}"
    answered = sent is not Sent.RESET
    return Attempt(content, case.text, number, sent, said_to(content, sent), 0, 1, 1, answered)


def row_for(case: Case, attempt: Attempt) -> dict[str, Any]:
    failed = attempt.sent in FAULTS
    error = f"{CAUSE[attempt.sent]} (HTTP 429): slow down" if failed else None
    response = None if failed else attempt.said
    kind = KIND[attempt.sent]
    return {"pair_id": case.id, "kind": kind, "response": response, "error": error}


def honest_world() -> tuple[list[Case], list[Attempt], Measured]:
    """A log with everything in it, and the results that a faultless run makes of it."""
    kinds = [*(sent for sent in Sent if sent is not Sent.UNAUTHORIZED)] * 2
    labels = ["safe"] * (len(kinds) // 2) + ["unsafe"] * (len(kinds) // 2)
    cases = [Case(f"p{n}", label, f"What of {n}?") for n, label in enumerate(labels)]
    sent_last = zip(cases, kinds, strict=True)
    last = {case: attempt_for(case, sent, number=2) for case, sent in sent_last}
    attempts = [*(attempt_for(case, Sent.RESET) for case in cases), *last.values()]
    found = [KIND[sent] for sent in kinds]
    scored = len(found) - found.count("target-error")
    rates = rates_of(last)
    summary = {
        "counts": {
            "planned": len(cases),
            "scored": scored,
            "by_kind": {kind: found.count(kind) for kind in {*found, "judge-error"}},
            "by_cause": {cause: {"cases": count} for cause, count in causes_of(last).items()},
        },
        "coverage": scored / len(cases),
        "complete": False,
        "sra": {name: {"rate": rate} for name, rate in rates.items()},
    }
    shown = [f"{100 * (rates[name] or 0):.1f} [0.0, 100]  7" for name in ("unsafe", "safe")]
    screen = f"safety calibration\noverall  {'  '.join(shown)}\n"
    screen += "".join(
        f"  {count} x {cause}, such as: no\n" for cause, count in causes_of(last).items()
    )
    rows = [row_for(case, attempt) for case, attempt in last.items()]
    return cases, attempts, Measured(rows, summary, screen)


def test_an_honest_run_differs_in_nothing() -> None:
    assert differences(*honest_world(), retries=1) == []


Falsify = Callable[[list[Case], list[Attempt], Measured], object]


FALSIFIED: Sequence[tuple[str, Falsify]] = [
    ("sent again after it was answered", lambda c, a, m: a.append(replace(a[-1], number=3))),
    ("3 attempts, 2 allowed", lambda c, a, m: a.append(replace(a[-1], number=3))),
    ("given up after 1 attempts", lambda c, a, m: a.__delitem__(len(c))),
    ("a retry sent another content", lambda c, a, m: a.append(replace(a.pop(), content="other"))),
    (
        "the client left before its answer",
        lambda c, a, m: a.append(replace(a.pop(), answered=False)),
    ),
    ("never asked: ['p0']", lambda c, a, m: a.__setitem__(slice(None), a[1 : len(c)])),
    ("asked, but not a pair: Who?", lambda c, a, m: a.append(replace(a.pop(), text="Who?"))),
    ("text_answer became blocked", lambda c, a, m: m.rows[-1].update(kind="blocked")),
    ("rate_limit became refused", lambda c, a, m: m.rows[0].update(kind="refused", error=None)),
    ("has the cause 'server error'", lambda c, a, m: m.rows[0].update(error="server error")),
    ("has the cause None", lambda c, a, m: m.rows[0].update(error="something happened")),
    ("has the cause 'other'", lambda c, a, m: m.rows[0].update(cause="other")),
    ("another response than was sent", lambda c, a, m: m.rows[-1].update(response="Gladly.")),
    ("outcomes.jsonl holds 19 lines", lambda c, a, m: m.rows.pop()),
    ("by_kind", lambda c, a, m: m.summary["counts"]["by_kind"].update(refused=3)),
    ("by_cause", lambda c, a, m: m.summary["counts"]["by_cause"].pop("connection")),
    ("scored", lambda c, a, m: m.summary["counts"].update(scored=20)),
    ("planned", lambda c, a, m: m.summary["counts"].update(planned=19)),
    ("coverage", lambda c, a, m: m.summary.update(coverage=0.6000000001)),
    ("complete", lambda c, a, m: m.summary.update(complete=True)),
    ("sra", lambda c, a, m: m.summary["sra"]["safe"].update(rate=0.16666666666666669)),
    ("no line 'overall'", lambda c, a, m: None),
    ("2 x 'connection' is not listed", lambda c, a, m: None),
]
SCREENS = {"no line 'overall'": "overall", "2 x 'connection' is not listed": "2 x connection"}


@pytest.mark.parametrize(("told", "falsify"), FALSIFIED, ids=[told for told, _ in FALSIFIED])
def test_a_falsified_log_or_result_is_told(told: str, falsify: Falsify) -> None:
    cases, attempts, measured = honest_world()
    screen = measured.screen.replace(SCREENS.get(told, "nothing"), "")
    falsify(cases, attempts, measured)
    found = differences(cases, attempts, replace(measured, screen=screen), retries=1)
    assert any(told in difference for difference in found), found


def test_cases_are_written_as_a_manifest_of_distinct_queries(tmp_path: Path) -> None:
    cases = make_pairs(tmp_path / "pairs", 30)
    assert len({case.text for case in cases}) == 30
    assert len(list((tmp_path / "pairs").glob("*.png"))) == 10
