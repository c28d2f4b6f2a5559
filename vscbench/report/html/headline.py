"""The first screen of the page: what a run measured, and whether that passed the gate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vscbench.records import NO_METHOD, Kind, Outcome
from vscbench.report.final_answers import final_answer_advice, without_final_answer
from vscbench.report.html.words import (
    count,
    dollars,
    interval,
    moment,
    params_in_words,
    percent,
    plural,
    span,
)

_BLOCKED_WORDS: Final = {
    "refused": "scored as refused",
    "separate": "in neither rate",
    "error": "counted as errors",
}
_MEASURES: Final = (
    ("unsafe", "SRA_u", "unsafe pairs refused, flagged or blocked"),
    ("safe", "SRA_s", "safe pairs answered"),
    ("mean", "Mean", "of both, each with equal weight"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rate and its interval as places on a line from 0 to 100."""

    at: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measure:
    """A rate of the run in words; ``bar`` is ``None`` where nothing was measured."""

    name: str
    about: str
    value: str
    interval: str | None
    n: int
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the gate; ``cases`` are ids of pairs that decided it."""

    name: str
    asked: str
    seen: str
    passed: bool
    why: str | None
    cases: tuple[str, ...]
    cases_left_out: int


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate said; ``passed`` is ``None`` where there was none."""

    passed: bool | None
    sentence: str
    source: str | None
    checks: tuple[Check, ...]
    waived: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A cause of errors, how many cases it took, and its most frequent message."""

    cause: str
    cases: int
    example: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what was planned could be scored."""

    share: str
    words: str
    is_complete: bool
    troubles: tuple[Trouble, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """All of the first screen; ``glance`` is the run in a line, ``facts`` are names and words.

    ``warning`` is what keeps the rates from saying anything of the model, or ``None``.
    """

    model: str
    run_id: str
    glance: tuple[str, ...]
    gate: Gate
    measures: tuple[Measure, ...]
    coverage: Coverage
    facts: tuple[tuple[str, str], ...]
    warning: str | None = None


def headline(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Headline:
    """Return the first screen of a run.

    Args:
        summary: the content of ``summary.json``.
        outcomes: the cases of the run.
    """
    run = summary["run"]
    return Headline(
        model=run["model"],
        run_id=run["id"],
        glance=tuple(_glance(summary, outcomes)),
        gate=_gate(summary),
        measures=tuple(_measures(summary)),
        coverage=_coverage(summary),
        facts=tuple(_facts(summary, outcomes)),
        warning=final_answer_advice(summary["counts"]["by_kind"], run["method"]),
    )


def measure(name: str, about: str, rate: Mapping[str, Any] | None) -> Measure:
    """Put a rate of ``summary.json`` into words."""
    if rate is None:
        return Measure(name, about, percent(None), None, 0, None)
    at, low, high = rate["rate"], rate.get("low"), rate.get("high")
    bar = Bar(at * 100, (at if low is None else low) * 100, (at if high is None else high) * 100)
    return Measure(name, about, percent(at), interval(rate), rate["n"], bar)


def _measures(summary: Mapping[str, Any]) -> Iterator[Measure]:
    for key, name, about in _MEASURES:
        yield measure(name, about, summary["sra"][key])
    both = summary["contrast"].get("both")
    if both:
        yield measure("Contrasts", "both sides right", both)


def _gate(summary: Mapping[str, Any]) -> Gate:
    said = summary.get("gate") or {}
    passed = said.get("passed")
    checks = tuple(_check(each) for each in said.get("checks", ()))
    waived = tuple(
        (str(each["case"]), str(each["reason"]), str(each["until"]))
        for each in said.get("waived", ())
    )
    return Gate(passed, _sentence(passed, checks), said.get("source"), checks, waived)


def _check(said: Mapping[str, Any]) -> Check:
    category = said.get("category")
    cases = tuple(map(str, said.get("cases", ())))
    total = said.get("cases_total", len(cases))
    return Check(
        name=_check_name(said, category),
        asked=str(said.get("asked", "")),
        seen=str(said.get("seen", "")),
        passed=bool(said.get("passed")),
        why=said.get("why"),
        cases=cases,
        cases_left_out=max(0, total - len(cases)),
    )


def _check_name(said: Mapping[str, Any], category: str | None) -> str:
    name, measured = str(said.get("name", "")), said.get("measure")
    words = name if measured in (None, name) else f"{name}: {measured}"
    return f"{words} in {category}" if category else words


def _sentence(passed: bool | None, checks: Sequence[Check]) -> str:
    if passed is None:
        return "No gate was set for this run; the numbers stand for themselves."
    failed = sum(not check.passed for check in checks)
    if failed:
        return f"{failed} of {plural(len(checks), 'check')} failed."
    return f"{plural(len(checks), 'check')}, all passed."


def _coverage(summary: Mapping[str, Any]) -> Coverage:
    counts = summary["counts"]
    scored, planned = counts["scored"], counts["planned"]
    return Coverage(
        share=percent(summary["coverage"]),
        words=f"{count(scored)} of {count(planned)} planned cases scored",
        is_complete=summary["complete"],
        troubles=tuple(
            Trouble(cause, said["cases"], said["example"])
            for cause, said in counts["by_cause"].items()
        ),
        remarks=tuple(_remarks(counts, summary["run"])),
    )


def _remarks(counts: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[str]:
    by_kind = counts["by_kind"]
    errors = sum(by_kind[kind] for kind in Kind if kind.is_error)
    yield f"{plural(errors, 'error')}, in neither rate" if errors else "no errors"
    blocked = by_kind[Kind.BLOCKED]
    if blocked:
        yield f"{plural(blocked, 'case')} blocked by the provider, {_BLOCKED_WORDS[run['blocked']]}"
    if without := without_final_answer(by_kind):
        yield f"no final answer: {without}"
    if counts["no_query"]:
        yield f"{plural(counts['no_query'], 'pair')} without a query, skipped"


def _glance(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Iterator[str]:
    run, usage = summary["run"], summary["usage"]
    yield _pairs(run, outcomes)
    yield f"judge {run['judge']}"
    yield _requests(usage)
    yield f"cost {_cost(usage)}"
    yield _when(run)


def _facts(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    run, usage = summary["run"], summary["usage"]
    yield "Model", run["model"]
    if run["served_models"]:
        yield "Served by", ", ".join(run["served_models"])
    if run["method"] != NO_METHOD:
        yield "Method", run["method"]
    if run.get("method_params"):
        yield "Method's parameters", params_in_words(run["method_params"])
    split = (run.get("selection") or {}).get("split")
    if split:
        yield "Split", split
    yield "Judge", run["judge"]
    yield "Scoring", f"{run['scoring']}; blocked {_BLOCKED_WORDS[run['blocked']]}"
    yield "Pairs", _pairs(run, outcomes)
    yield "Requests", _requests(usage)
    yield "Tokens", _tokens(usage)
    yield "Cost", _cost(usage)
    if usage.get("judge_requests"):
        yield "Judge's cost", _judge_cost(usage)
    yield "When", _when(run)
    if run.get("rejudged_from"):
        yield "Rejudged from", run["rejudged_from"]
    yield "vscbench", run["version"]


def _pairs(run: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    number = len({outcome.pair.id for outcome in outcomes})
    epochs = f", {run['epochs']} epochs" if run["epochs"] > 1 else ""
    return f"{run['pairs']}, {plural(number, 'pair')}{epochs}"


def _requests(usage: Mapping[str, Any]) -> str:
    cached = usage.get("cached")
    stored = f", {plural(cached, 'case')} from the store" if cached else ""
    return f"{count(usage['requests'])} sent{stored}"


def _tokens(usage: Mapping[str, Any]) -> str:
    if usage["prompt_tokens"] is None and usage["completion_tokens"] is None:
        return "not known"
    return f"{count(usage['prompt_tokens'])} in, {count(usage['completion_tokens'])} out"


def _cost(usage: Mapping[str, Any]) -> str:
    whole, spent = usage["cost_usd"], usage.get("spent_usd")
    if whole is None or spent is None or spent == whole:
        return dollars(whole if spent is None else spent)
    return f"{dollars(whole)}, {dollars(spent)} of it in this run"


def _judge_cost(usage: Mapping[str, Any]) -> str:
    return f"{dollars(usage.get('judge_cost_usd'))}, {count(usage['judge_requests'])} requests"


def _when(run: Mapping[str, Any]) -> str:
    took = span(run["started"], run["finished"])
    return moment(run["started"]) + (f", took {took}" if took else "")
