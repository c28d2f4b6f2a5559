"""The pairs of a past run, found again and known to be the same."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vscbench.errors import DataError, UsageError
from vscbench.pairs.open import open_pairs, pairs_sha256
from vscbench.pairs.selection import Selection, select
from vscbench.pairs.split import Split
from vscbench.records import Label, Pair, Scenario, Variant
from vscbench.report.past_run import PastRun


def pairs_of_run(past: PastRun, place: str | None, bases: Sequence[Path]) -> dict[str, Pair]:
    """Open the pairs that a run was asked, by id.

    Args:
        past: the run.
        place: where they are now, as ``--vsc-pairs`` would say; ``None`` for what the run says.
        bases: the folders from which a relative path may start; the first that has it is used.

    Raises:
        UsageError: nothing can be opened there.
        DataError: what is there is not what the run was asked.
    """
    name = place or past.run["pairs"]
    base = next((base for base in bases if (base / name).exists()), bases[0])
    try:
        found = open_pairs(name, base).pairs
    except UsageError as error:
        if place is not None:
            raise
        raise UsageError(
            f"{error}; say where the pairs of this run are now, with --pairs"
        ) from error
    digest = past.run.get("pairs_sha256")
    if digest is not None and all(
        pairs_sha256(each) != digest for each in _candidates(past, found)
    ):
        raise DataError(
            f"{name}: not the pairs of run {past.run['id']}: their digest differs from its "
            "pairs_sha256. They were changed since, or others lie there now: say where those of "
            "the run are, with --pairs"
        )
    return {pair.id: pair for pair in found}


def selection_fields(wanted: Selection) -> dict[str, object]:
    """Return the selection of a run as its summary holds it."""
    return {
        "scenario": sorted(wanted.scenarios),
        "category": sorted(wanted.categories),
        "variant": sorted(wanted.variants),
        "label": sorted(wanted.labels),
        "sample": wanted.sample,
        "seed": wanted.seed,
        "split": wanted.split,
        "split_seed": wanted.split_seed,
    }


def _candidates(past: PastRun, found: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    """Yield what the run may have selected; a run may have ended before it reached all of it."""
    said = past.run.get("selection")
    if isinstance(said, dict):
        yield _selected(found, said)
        return
    yield found
    ids = {row["pair_id"] for row in past.rows}
    reached = [pair for pair in found if pair.id in ids]
    yield reached
    # What filters select, pairs without a query among it.
    sorts = {_sort(pair) for pair in reached}
    yield [pair for pair in found if _sort(pair) in sorts]


def _selected(found: Sequence[Pair], said: Mapping[str, Any]) -> Sequence[Pair]:
    try:
        wanted = Selection(
            scenarios=[Scenario(each) for each in said["scenario"]],
            categories=[*said["category"]],
            variants=[Variant(each) for each in said["variant"]],
            labels=[Label(each) for each in said["label"]],
            sample=said["sample"],
            seed=said["seed"],
            split=Split(said["split"]) if said.get("split") else None,
            split_seed=said.get("split_seed", 0),
        )
        return select(found, wanted)
    except (KeyError, TypeError, ValueError, UsageError):
        return ()  # these pairs do not even have what the run selected


def _sort(pair: Pair) -> tuple[object, ...]:
    return pair.label, pair.scenario, pair.category, pair.variant
