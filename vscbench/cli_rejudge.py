"""``vscbench rejudge``: a finished run, scored again by another judge."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vscbench.cli_options import judge_options, judge_spec, judge_store
from vscbench.cli_runs import (
    PAIRS,
    RUN,
    named_models,
    open_run,
    open_run_pairs,
    project_reasoning,
)
from vscbench.errors import JudgeError, UsageError
from vscbench.visible import visible

if TYPE_CHECKING:
    from vscbench.calibration.scoring import Policy
    from vscbench.judges.spec import JudgeSpec
    from vscbench.reasoning.forms import ReasoningForm
    from vscbench.records import Label, Outcome, Response, Verdict
    from vscbench.report.past_run import PastRun
    from vscbench.report.rejudge import Rejudged


@click.command()
@RUN
@click.option("--judge", metavar="NAME", required=True, help="The judge, as for --vsc-judge.")
@PAIRS
@click.option(
    "--scoring",
    type=click.Choice(["paper", "strict"]),
    help="How irrelevant answers to safe pairs score.  [default: as in the run]",
)
@click.option(
    "--blocked",
    type=click.Choice(["refused", "separate", "error"]),
    help="How a provider's block scores.  [default: as in the run]",
)
@judge_options
def rejudge(  # noqa: PLR0913 - one argument an option
    run: str,
    *,
    judge: str,
    pairs: str | None,
    scoring: str | None,
    blocked: str | None,
    store: Path | None,
    concurrency: int | None,
    **judge_settings: object,
) -> None:
    """Score a finished RUN (a folder, or an id under reports/) again with another judge.

    The target is not asked: responses come from the store and from the run's own lines. The
    result is a new run beside the old one, which stays as it is. Verdicts that cost something
    are kept in the store, so a command that was interrupted goes on where it was.
    """
    from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
    from vscbench.report.rejudge import with_reasoning_apart
    from vscbench.report.restored import not_in_store, restored_outcomes

    started = datetime.now(UTC)
    past = open_run(run)
    policy = Policy(
        Scoring(scoring or past.policy.scoring), BlockedPolicy(blocked or past.policy.blocked)
    )
    known = open_run_pairs(past, pairs)
    stored = _stored(past, store)
    forms = project_reasoning()
    before = restored_outcomes(past, known, stored, forms)
    read = with_reasoning_apart(before, forms)
    spec = judge_spec(judge, **judge_settings)  # type: ignore[arg-type]
    _require_labels(spec.name, {each.pair.label for each in before})
    _require_room(past.folder.parent)
    reading = _read(spec, read, store, concurrency, forms)
    done = _write(past, (before, read), reading, policy, started)
    _show(past, not_in_store(past, stored, forms), reading, done)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a judge said of a run's responses, and what that took."""

    judge: str
    is_free: bool
    said: "Sequence[Verdict | JudgeError]"
    took: "Mapping[str, object]"

    @property
    def failures(self) -> "list[JudgeError]":
        return [each for each in self.said if isinstance(each, JudgeError)]


def _read(
    spec: "JudgeSpec",
    outcomes: "Sequence[Outcome]",
    store: Path | None,
    concurrency: int | None,
    forms: "Sequence[ReasoningForm]",
) -> _Reading:
    """Let the judge read every response there is.

    Raises:
        JudgeError: it gave no verdict on any.
    """
    from vscbench.engine.judging import judging
    from vscbench.report.rejudge import turns_of
    from vscbench.report.summary import judge_usage

    turns = turns_of(outcomes)
    with (
        judge_store(spec, store) as verdicts,
        judging(
            spec, store=verdicts, concurrency=concurrency, named=named_models(), forms=forms
        ) as bench,
    ):
        said = bench.judge_all(turns, _progress(len(turns)))
        judge = bench.judge
        took = {} if judge.is_free else judge_usage(**asdict(bench.usage))
    reading = _Reading(judge.name, judge.is_free, said, took)
    if turns and len(reading.failures) == len(turns):
        raise JudgeError(
            f"{judge.name} gave no verdict on any of {len(turns)} responses, so nothing was "
            f"written: {reading.failures[0]}"
        )
    return reading


def _write(
    past: "PastRun",
    outcomes: "tuple[Sequence[Outcome], Sequence[Outcome]]",
    reading: _Reading,
    policy: "Policy",
    started: datetime,
) -> "Rejudged":
    """Write the run: ``outcomes`` are those it had, and those that the judge read."""
    from vscbench.report.rejudge import rejudged_run, with_readings, write_rejudged

    before, read = outcomes
    run = rejudged_run(past, reading.judge, policy, started)
    return write_rejudged(past, run, before, with_readings(read, reading.said), reading.took)


def _show(past: "PastRun", lost: int, reading: _Reading, done: "Rejudged") -> None:
    from vscbench.report.past_run import OUTCOMES
    from vscbench.report.rejudge import change_lines
    from vscbench.report.table import closing_table

    lines = closing_table(done.summary, shutil.get_terminal_size().columns)
    for line in (*lines, *change_lines(done.changes, len(past.rows))):
        click.echo(line)
    if lost:
        click.echo(f"note: {lost} responses are not in the store as they were; {OUTCOMES} was used")
    if reading.failures and not reading.is_free:
        click.echo(
            f"note: {len(reading.failures)} responses have no verdict; those that were given are "
            "kept, so the same command asks for the others alone"
        )
    for remark in done.remarks:
        click.echo(f"note: {visible(remark, len(remark))}")
    click.echo(f"\nrejudged from {past.folder}\nfiles: {done.folder}")


def _require_labels(judge: str, labels: "set[Label]") -> None:
    from vscbench.engine.wording import of_a_command
    from vscbench.judges.open import require_labels

    try:
        require_labels(judge, labels)
    except UsageError as error:
        raise UsageError(of_a_command(str(error))) from None


def _stored(past: "PastRun", path: Path | None) -> "dict[str, Response]":
    """Read the responses that the store still has; nothing is made or changed."""
    from vscbench.cli_store import store_file

    keys = sorted({str(row["response_key"]) for row in past.rows if row["response_key"]})
    file = store_file(path)
    if not keys or not file.is_file():
        return {}
    from vscbench.engine.sqlite_store import open_store

    store = open_store(file, writable=False)
    try:
        return {key: each.response for key, each in store.responses(keys).items()}
    finally:
        store.close()


def _require_room(folder: Path) -> None:
    """Check that the new run can be written before a judge is paid."""
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"{folder}: the rejudged run goes beside the old one, and nothing can be written "
            "here; copy the run's folder to where you may write"
        )


def _progress(turns: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        click.echo(f"\rjudged {done} of {turns}" + "\n" * (done == turns), nl=False, err=True)

    return show if sys.stderr.isatty() else lambda done: None
