"""A run of the past, scored again by another judge: the target is not asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import vscbench
from vscbench.calibration.scoring import Policy
from vscbench.engine.decide import kind_without_judge
from vscbench.errors import JudgeError
from vscbench.reasoning.forms import ReasoningForm
from vscbench.reasoning.responses import set_apart
from vscbench.records import Cause, Kind, Outcome, Turn, Verdict
from vscbench.report.files import write_whole
from vscbench.report.past_run import PastRun, new_run_id
from vscbench.report.run_files import write_numbers, write_reports
from vscbench.report.summary import Run, summarise
from vscbench.report.utility import UTILITY

_OF_A_JUDGE: Final = "judge_"


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A run after another judge: its new folder, its summary, and what changed.

    ``remarks`` say what of its files could not be written.
    """

    folder: Path
    summary: Mapping[str, Any]
    changes: Mapping[tuple[Kind, Kind], int]
    remarks: tuple[str, ...] = ()


def with_reasoning_apart(
    outcomes: Sequence[Outcome], forms: Sequence[ReasoningForm]
) -> list[Outcome]:
    """Return the outcomes with the reasoning set apart that a run left in the text of a response.

    A response whose reasoning was set apart in the run stays as it is.
    """
    return [_apart(each, forms) for each in outcomes]


def _apart(outcome: Outcome, forms: Sequence[ReasoningForm]) -> Outcome:
    if outcome.response is None or outcome.response.reasoning is not None:
        return outcome
    response = set_apart(outcome.response, forms)
    if kind_without_judge(response) is not Kind.NO_FINAL_ANSWER:
        return replace(outcome, response=response)
    return replace(
        outcome,
        response=response,
        kind=Kind.NO_FINAL_ANSWER,
        verdict=None,
        error=None,
        cause=None,
    )


def turns_of(outcomes: Sequence[Outcome]) -> list[Turn]:
    """Return what there is to judge, in the order of the outcomes that ``is_judged``."""
    return [
        Turn(each.pair.query, each.response.text, each.pair.image, each.response_key)
        for each in outcomes
        if each.response is not None and is_judged(each)
    ]


def is_judged(outcome: Outcome) -> bool:
    """Whether a judge is to read the response: there is one, with text, and no block."""
    return outcome.response is not None and kind_without_judge(outcome.response) is None


def with_readings(
    outcomes: Sequence[Outcome], readings: Sequence[Verdict | JudgeError]
) -> list[Outcome]:
    """Return the outcomes as another judge reads them.

    Args:
        outcomes: those of the run.
        readings: one for each that ``is_judged``, in order.
    """
    left = iter(readings)
    return [_with(each, next(left)) if is_judged(each) else each for each in outcomes]


def rejudged_run(past: PastRun, judge: str, policy: Policy, started: datetime) -> Run:
    """Describe a run as it is once another judge has read it.

    Args:
        past: the run that was judged again.
        judge: the judge's name.
        policy: the scoring.
        started: when this began, with its zone.
    """
    said = past.run
    return Run(
        id=new_run_id(started),
        model=said["model"],
        served_models=tuple(said["served_models"]),
        fingerprints=tuple(said["fingerprints"]),
        params=said["params"],
        method=said["method"],
        judge=judge,
        scoring=policy.scoring,
        blocked=policy.blocked,
        pairs=said["pairs"],
        pairs_sha256=said["pairs_sha256"],
        epochs=said["epochs"],
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        version=vscbench.__version__,
        selection=said.get("selection"),
        method_params=said.get("method_params"),
        rejudged_from=said["id"],
    )


def write_rejudged(
    past: PastRun,
    run: Run,
    before: Sequence[Outcome],
    after: Sequence[Outcome],
    judge_took: Mapping[str, object],
) -> Rejudged:
    """Write the files of the rejudged run into a new folder beside the old one.

    What was planned, what could not be asked and what the target took are those of the old run.

    Args:
        past: the run that was judged again.
        run: what it is now.
        before: its outcomes.
        after: the same, as the judge reads them now.
        judge_took: what judging them took (``judge_usage``); empty for a judge that is free.

    Raises:
        UsageError: a file cannot be written.
    """
    counts = past.summary["counts"]
    old_usage = past.summary["usage"]
    usage = {name: old_usage[name] for name in old_usage if not name.startswith(_OF_A_JUDGE)}
    summary = summarise(
        run, after, counts["planned"], counts["no_query"], usage={**usage, **judge_took}
    )
    summary["counts"] = _with_old_causes(summary["counts"], counts["by_cause"])
    folder = past.folder.parent / run.id
    summary |= _utility(past, folder)
    policy = Policy(run.scoring, run.blocked)
    write_numbers(folder, summary, after, policy, run.judge)
    remarks = tuple(write_reports(folder, summary, after, redact=False))
    return Rejudged(folder, summary, changes(before, after), remarks)


def _utility(past: PastRun, folder: Path) -> dict[str, object]:
    """Take over how questions of utility were graded, in which no judge has a part.

    Raises:
        UsageError: it cannot be written.
    """
    graded = past.folder / UTILITY
    if "utility" not in past.summary or not graded.is_file():
        return {}
    write_whole(folder / UTILITY, graded.read_text(encoding="utf-8"))
    return {"utility": past.summary["utility"]}


def changes(before: Sequence[Outcome], after: Sequence[Outcome]) -> Counter[tuple[Kind, Kind]]:
    """Count which kinds became which other ones."""
    both = zip(before, after, strict=True)
    return Counter((old.kind, new.kind) for old, new in both if old.kind is not new.kind)


def change_lines(changed: Mapping[tuple[Kind, Kind], int], cases: int) -> list[str]:
    """Say how many cases changed their kind, and from what to what, most frequent first."""
    ordered = sorted(changed.items(), key=lambda each: (-each[1], each[0]))
    total = sum(changed.values())
    return [
        f"{total} of {cases} cases changed their kind" + (":" if changed else ""),
        *(f"  {old} -> {new}: {count}" for (old, new), count in ordered),
    ]


def _with(outcome: Outcome, reading: Verdict | JudgeError) -> Outcome:
    if isinstance(reading, Verdict):
        return replace(outcome, kind=reading.kind, verdict=reading, error=None, cause=None)
    return replace(
        outcome, kind=Kind.JUDGE_ERROR, verdict=None, error=str(reading), cause=Cause.JUDGE
    )


def _with_old_causes(counts: object, old: Mapping[str, object]) -> object:
    """Keep why the target failed, which no line tells; why a judge failed is known anew."""
    if not isinstance(counts, dict):
        return counts
    judge = Cause.JUDGE.value
    new = {cause: said for cause, said in counts["by_cause"].items() if cause == judge}
    kept = {cause: said for cause, said in old.items() if cause != judge}
    return {**counts, "by_cause": dict(sorted({**kept, **new}.items()))}
