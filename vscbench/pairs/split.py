"""A set of pairs in two halves that share no cluster: one to develop on, one to report."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vscbench.pairs.clusters import cluster_ids, normalised
from vscbench.records import Pair

DEFAULT_SPLIT_SEED = 0
Stratum = tuple[str, ...]
Unit = tuple[str, ...]


class Split(StrEnum):
    """The half that a method may learn from, and the half that nothing was learnt from."""

    DEVELOPMENT = "development"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class _Parts:
    """The units of one stratum dealt in two; ``more`` is how many more pairs the first has."""

    larger: tuple[Unit, ...]
    smaller: tuple[Unit, ...]
    more: int


def split_of(pairs: Sequence[Pair], seed: int = DEFAULT_SPLIT_SEED) -> Mapping[str, Split]:
    """Say for each cluster of a set which half it belongs to.

    Clusters are dealt by scenario, category, whether they have a contrast and which labels they
    have; a cluster whose pairs are of several kinds counts where its first one does. In each such
    stratum, and in all, the halves differ by no more pairs than the largest unit has. A unit is
    one cluster, or several that share a query or an image file: those stay together. The halves
    depend on the pairs and the seed alone, not on the order of the pairs.

    Args:
        pairs: the whole set, whatever of it is asked.
        seed: which halves.
    """
    units = _units(pairs)
    size = {unit: sum(len(units[unit][cluster]) for cluster in unit) for unit in units}
    strata: defaultdict[Stratum, list[Unit]] = defaultdict(list)
    for unit, members in units.items():
        strata[_stratum([pair for group in members.values() for pair in group])].append(unit)
    dealt = {stratum: _dealt(members, size, seed) for stratum, members in strata.items()}
    found: dict[str, Split] = {}
    ahead = 0  # how many more pairs are in the development half by now
    # The most uneven first, so that the others can make up for them.
    order = sorted(dealt, key=lambda stratum: (-dealt[stratum].more, _draw(seed, *stratum)))
    for number, stratum in enumerate(order):
        parts = dealt[stratum]
        first_develops = ahead < 0 or (ahead == 0 and number % 2 == 0)
        ahead += parts.more if first_develops else -parts.more
        sides = (parts.larger, parts.smaller) if first_develops else (parts.smaller, parts.larger)
        for split, side in zip(Split, sides, strict=True):
            found.update((cluster, split) for unit in side for cluster in unit)
    return found


def half(pairs: Sequence[Pair], split: Split, seed: int = DEFAULT_SPLIT_SEED) -> tuple[Pair, ...]:
    """Return the pairs of one half, in the order given."""
    found = split_of(pairs, seed)
    return tuple(pair for pair in pairs if found[pair.cluster_id] is split)


def _units(pairs: Sequence[Pair]) -> dict[Unit, dict[str, list[Pair]]]:
    """Return what is dealt together: the pairs of each cluster of each unit."""
    by_cluster: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda pair: pair.id):
        by_cluster[pair.cluster_id].append(pair)
    ties = {
        cluster: [tie for pair in members for tie in _ties(pair)]
        for cluster, members in by_cluster.items()
    }
    together: defaultdict[str, list[str]] = defaultdict(list)
    for cluster, root in cluster_ids(ties).items():
        together[root].append(cluster)
    return {
        tuple(sorted(clusters)): {cluster: by_cluster[cluster] for cluster in sorted(clusters)}
        for clusters in together.values()
    }


def _ties(pair: Pair) -> Iterable[str]:
    """Name what a pair shares with others: a set's clusters need not say all of it."""
    if pair.query:
        yield f"query {normalised(pair.query)}"
    if pair.contrast_id:
        yield f"contrast {pair.contrast_id}"
    if pair.image:
        yield f"image {pair.image}"
    if pair.image_sha256:
        yield f"bytes {pair.image_sha256}"


def _stratum(pairs: Sequence[Pair]) -> Stratum:
    first = min(pairs, key=lambda pair: pair.id)
    has_contrast = any(pair.contrast_id for pair in pairs)
    labels = sorted({pair.label for pair in pairs})
    return (first.scenario, first.category, "contrast" if has_contrast else "", *labels)


def _dealt(units: Iterable[Unit], size: Mapping[Unit, int], seed: int) -> _Parts:
    """Deal the largest first, each to the side that has less: none can outweigh the rest."""
    sides: tuple[list[Unit], list[Unit]] = ([], [])
    totals = [0, 0]
    for unit in sorted(units, key=lambda unit: (-size[unit], _draw(seed, *unit))):
        side = 0 if totals[0] <= totals[1] else 1
        sides[side].append(unit)
        totals[side] += size[unit]
    more = totals[0] - totals[1]
    larger, smaller = sides if more >= 0 else sides[::-1]
    return _Parts(tuple(larger), tuple(smaller), abs(more))


def _draw(seed: int, *names: str) -> str:
    return hashlib.sha256("\x1f".join((str(seed), *names)).encode()).hexdigest()
