"""What two runs are compared by: pairs, and contrasts, that both runs scored."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vscbench.calibration.contrast import decided_contrasts
from vscbench.calibration.scoring import Policy, is_correct
from vscbench.records import Outcome, Pair


@dataclass(frozen=True, slots=True)
class PairedUnit:
    """A pair, or a contrast, with the share of its epochs that was right in each run.

    ``pair`` says which groups it belongs to; for a contrast it is one of its sides.
    """

    cluster: str
    pair: Pair
    before: Fraction
    after: Fraction

    @property
    def difference(self) -> Fraction:
        """How much better it is now, from -1 to 1."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Matched:
    """What two runs have in common, and what they do not.

    ``units`` are the pairs with a scored epoch in both runs, ``contrasts`` those with an epoch
    in both in which every side was scored; the numbers count pairs.
    """

    units: tuple[PairedUnit, ...]
    contrasts: tuple[PairedUnit, ...]
    left_out: int
    only_before: int
    only_after: int


def match(before: Sequence[Outcome], after: Sequence[Outcome], policy: Policy) -> Matched:
    """Match two runs by pair id; a pair whose label differs is not the same pair.

    Epochs are averaged within a pair first, so that the two runs may have as many as they like.
    Groups and clusters are those of the run after.
    """
    old, new = _pairs(before), _pairs(after)
    common = sorted(name for name in old if name in new and old[name].label is new[name].label)
    known = {name: new[name] for name in common}
    was, now = _pair_shares(before, policy), _pair_shares(after, policy)
    units = [
        PairedUnit(pair.cluster_id, pair, was[name], now[name])
        for name, pair in known.items()
        if name in was and name in now
    ]
    return Matched(
        units=tuple(units),
        contrasts=tuple(_contrasts(before, after, policy, known)),
        left_out=len(known) - len(units),
        only_before=len(old) - len(known),
        only_after=len(new) - len(known),
    )


def _pairs(outcomes: Iterable[Outcome]) -> dict[str, Pair]:
    return {outcome.pair.id: outcome.pair for outcome in outcomes}


def _pair_shares(outcomes: Iterable[Outcome], policy: Policy) -> dict[str, Fraction]:
    correct: defaultdict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        right = is_correct(outcome, policy)
        if right is not None:
            correct[outcome.pair.id].append(right)
    return _shares(correct)


def _contrasts(
    before: Sequence[Outcome],
    after: Sequence[Outcome],
    policy: Policy,
    known: Mapping[str, Pair],
) -> Iterator[PairedUnit]:
    """Yield the contrasts whose sides are pairs that both runs have."""
    was = _contrast_shares((each for each in before if each.pair.id in known), policy)
    now = _contrast_shares((each for each in after if each.pair.id in known), policy)
    sides: dict[str, Pair] = {}
    for pair in known.values():
        if pair.contrast_id is not None:
            sides.setdefault(pair.contrast_id, pair)
    for name, pair in sorted(sides.items()):
        if name in was and name in now:
            yield PairedUnit(pair.cluster_id, pair, was[name], now[name])


def _contrast_shares(outcomes: Iterable[Outcome], policy: Policy) -> dict[str, Fraction]:
    """Return the share of its epochs in which each contrast had both sides right."""
    correct: defaultdict[str, list[bool]] = defaultdict(list)
    for contrast in decided_contrasts(outcomes, policy):
        correct[contrast.name].append(all(contrast.right))
    return _shares(correct)


def _shares(correct: Mapping[str, Sequence[bool]]) -> dict[str, Fraction]:
    return {name: Fraction(sum(epochs), len(epochs)) for name, epochs in correct.items()}
