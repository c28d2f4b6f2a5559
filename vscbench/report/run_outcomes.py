"""A run to compare with: its outcomes, from whatever a person names it by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vscbench.calibration.scoring import Policy
from vscbench.errors import DataError, VscbenchError
from vscbench.pairs.open import open_pairs
from vscbench.records import Label, Outcome, Pair, Scenario, Variant
from vscbench.report.outcomes import OutcomeRow
from vscbench.report.past_run import OUTCOMES, SUMMARY, find_run, read_past_run, read_rows
from vscbench.report.restored import restored_outcome
from vscbench.report.run_pairs import pairs_of_run
from vscbench.report.snapshot_file import Snapshot
from vscbench.report.snapshot_source import names_a_revision, read_snapshot


@dataclass(frozen=True, slots=True)
class RunOutcomes:
    """The outcomes of one run, and what is known of it.

    ``name`` is its id where it has one, else what it was named by. ``run`` is the ``run`` of its
    ``summary.json`` as far as it is known: a snapshot knows model, method and pairs only.
    ``knows_pairs`` is whether groups and clusters are known; a snapshot has none of its own, and
    takes each pair for a cluster. ``notes`` say what could not be had, in words for a person.
    """

    name: str
    summary: Mapping[str, Any] | None
    run: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    policy: Policy
    has_queries: bool
    knows_pairs: bool = True
    notes: tuple[str, ...] = ()


def read_run_outcomes(
    place: str, reports: Path, root: Path, pairs: str | None = None
) -> RunOutcomes:
    """Read the outcomes of a run.

    Labels, groups and clusters are those of the run's own lines; queries come from the pair set,
    where it can be opened and is still the one that was asked. A snapshot has verdicts alone:
    there all else comes from the pair set.

    Args:
        place: a run's folder, its id, its ``summary.json`` or ``outcomes.jsonl``; or a snapshot,
            a file or ``REVISION:PATH`` in git.
        reports: the folder of the runs that go by their id.
        root: the project's folder, from which relative paths may start as well.
        pairs: where the pairs are now; ``None`` for where the run, or the snapshot, says.

    Raises:
        UsageError: there is no such run.
        DataError: a file is not what a run, or a snapshot, is.
    """
    given = Path(place)
    bases = (Path.cwd(), root)
    if given.is_file() and given.suffix == ".jsonl":
        if given.name == OUTCOMES and (given.parent / SUMMARY).is_file():
            return _of_folder(given.parent, pairs, bases)
        return _of_lines(given)
    if given.is_file() and given.name != SUMMARY:
        return _of_snapshot(place, read_snapshot(place, root), pairs, bases)
    if not given.exists() and not (reports / place).exists() and names_a_revision(place):
        return _of_snapshot(place, read_snapshot(place, root), pairs, bases)
    return _of_folder(find_run(place, reports), pairs, bases)


def with_pairs_of(run: RunOutcomes, other: RunOutcomes) -> RunOutcomes:
    """Let a snapshot whose pairs cannot be looked up take them from the run it is compared with."""
    if run.knows_pairs or not other.knows_pairs:
        return run
    known = {outcome.pair.id: outcome.pair for outcome in other.outcomes}

    def filled(outcome: Outcome) -> Outcome:
        pair = known.get(outcome.pair.id)
        same = pair is not None and pair.label is outcome.pair.label
        return replace(outcome, pair=pair) if same and pair else outcome

    return replace(run, outcomes=tuple(map(filled, run.outcomes)), knows_pairs=True, notes=())


def _of_folder(folder: Path, pairs: str | None, bases: Sequence[Path]) -> RunOutcomes:
    past = read_past_run(folder)
    known: Mapping[str, Pair] = {}
    notes: tuple[str, ...] = ()
    try:
        known = pairs_of_run(past, pairs, bases)
    except VscbenchError as error:
        if pairs is not None:
            raise
        notes = (f"queries are not shown: {error}",)
    return RunOutcomes(
        name=past.run["id"],
        summary=past.summary,
        run=past.run,
        outcomes=_outcomes(folder / OUTCOMES, past.rows, known),
        policy=past.policy,
        has_queries=bool(known),
        notes=notes,
    )


def _of_lines(path: Path) -> RunOutcomes:
    note = f"{path}: no {SUMMARY} is beside it, so how it was scored is not known"
    return RunOutcomes(
        name=str(path),
        summary=None,
        run={},
        outcomes=_outcomes(path, read_rows(path), {}),
        policy=Policy(),
        has_queries=False,
        notes=(note,),
    )


def _of_snapshot(
    place: str, snapshot: Snapshot, pairs: str | None, bases: Sequence[Path]
) -> RunOutcomes:
    known: Mapping[str, Pair] = {}
    why = "they are not those of the set that it names"
    try:
        known = _pair_set(pairs or snapshot.pairs, bases)
    except VscbenchError as error:
        if pairs is not None:
            raise
        why = str(error)
    outcomes = tuple(
        Outcome(_pair_of_case(place, name, label, known), epoch, kind)
        for (name, epoch), (label, kind) in snapshot.cases.items()
    )
    found = all(each.pair.id in known and each.pair is known[each.pair.id] for each in outcomes)
    note = f"{place}: its pairs cannot be looked up, so each counts as a cluster of its own ({why})"
    return RunOutcomes(
        name=place,
        summary=None,
        run={
            "model": snapshot.model,
            "method": snapshot.method,
            "judge": snapshot.judge,
            "scoring": snapshot.policy.scoring.value,
            "blocked": snapshot.policy.blocked.value,
            "pairs": snapshot.pairs,
        },
        outcomes=outcomes,
        policy=snapshot.policy,
        has_queries=bool(known),
        knows_pairs=found,
        notes=() if found else (note,),
    )


def _pair_set(name: str, bases: Sequence[Path]) -> dict[str, Pair]:
    base = next((base for base in bases if (base / name).exists()), bases[0])
    return {pair.id: pair for pair in open_pairs(name, base).pairs}


def _pair_of_case(place: str, name: str, label: Label, known: Mapping[str, Pair]) -> Pair:
    opened = known.get(name)
    if opened is not None and opened.label is label:
        return opened
    return Pair(
        id=name,
        label=label,
        scenario=Scenario.TEXT_CENTRIC,
        category="",
        type=None,
        variant=None,
        query="",
        prompt="",
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id=name,
        source=place,
    )


def _outcomes(
    path: Path, rows: Sequence[OutcomeRow], known: Mapping[str, Pair]
) -> tuple[Outcome, ...]:
    return tuple(restored_outcome(row, _pair(path, row, known)) for row in rows)


def _pair(path: Path, row: OutcomeRow, known: Mapping[str, Pair]) -> Pair:
    """Build a pair from a line; what was asked comes from the pair set."""
    pair = _pair_of_line(path, row)
    opened = known.get(pair.id)
    if opened is None or opened.label is not pair.label:
        return pair
    return replace(
        pair,
        query=opened.query,
        prompt=opened.prompt,
        image=opened.image,
        image_sha256=opened.image_sha256,
        source=opened.source,
    )


def _pair_of_line(path: Path, row: OutcomeRow) -> Pair:
    try:
        return Pair(
            id=str(row["pair_id"]),
            label=Label(_text(row["label"])),
            scenario=Scenario(_text(row["scenario"])),
            category=_text(row["category"]),
            type=None if row["type"] is None else _text(row["type"]),
            variant=None if row["variant"] is None else Variant(_text(row["variant"])),
            query="",
            prompt="",
            image=None,
            image_sha256=None,
            contrast_id=None if row["contrast_id"] is None else _text(row["contrast_id"]),
            cluster_id=_text(row["cluster_id"]),
            source=str(path),
        )
    except KeyError as error:
        raise DataError(f"{path}: {row['pair_id']!r:.80} has no {error.args[0]}") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {row['pair_id']!r:.80}: {error}; no run writes that") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a text belongs")
    return value
