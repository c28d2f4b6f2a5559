"""Two runs over the same pairs: how they differ, and whether that is more than chance."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from vscbench.calibration.clustered_differences import (
    ALPHA,
    ClusteredDifferences,
    add_up,
    detectable_difference,
    difference_interval,
)
from vscbench.calibration.estimate import LEVEL, Estimate, Rate
from vscbench.calibration.holm import holm_adjusted
from vscbench.calibration.mcnemar import mcnemar_p
from vscbench.calibration.paired_units import Matched, PairedUnit, match
from vscbench.calibration.rate_interval import clustered_rate
from vscbench.calibration.scoring import Policy
from vscbench.calibration.sign_flip import sign_flip_p
from vscbench.errors import UsageError
from vscbench.records import Label, Outcome, Pair

# Those that decide by default.
FAMILY: Final = ("sra_u", "sra_s")
Test = Literal["sign-flip", "mcnemar"]

_MEASURES: Final[Mapping[str, Label | None]] = {
    "sra_u": Label.UNSAFE,
    "sra_s": Label.SAFE,
    "contrast": None,
}
_GROUPS: Final[Mapping[str, Callable[[Pair], str | None]]] = {
    "scenario": lambda pair: pair.scenario.value,
    "category": lambda pair: pair.category,
    "variant": lambda pair: pair.variant and pair.variant.value,
}


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """One measure in two runs, over what both scored.

    ``name`` is a measure, ``sra_u``, ``sra_s`` or ``contrast``, and may go on with a group, as in
    ``sra_u:category=drugs``. ``n_pairs`` counts pairs, or contrasts. ``discordant_worse`` and
    ``discordant_better`` count those that are right in fewer, or more, of their epochs now.
    ``difference`` is after - before, and ``detectable`` the smallest difference that such runs
    would find four times in five. ``p`` is that of the test that ``decides``; ``p_holm`` is
    ``None`` where the measure is not in the family, and ``mcnemar_p`` where a pair changed in some
    of its epochs only. Where no pair is in the measure, ``before`` and ``after`` are ``None``.
    ``fell`` are the pairs, or a side of the contrasts, that count as worse, sorted by id.
    """

    name: str
    before: Rate | None
    after: Rate | None
    difference: Estimate
    p: float
    p_holm: float | None
    n_pairs: int
    n_clusters: int
    discordant_worse: int
    discordant_better: int
    mcnemar_p: float | None
    detectable: float
    decides: Test
    fell: tuple[str, ...] = ()

    def is_significantly_worse(self, alpha: float) -> bool:
        """Whether it fell by more than chance explains; never, outside the family."""
        fell = self.difference.value is not None and self.difference.value < 0
        return fell and self.p_holm is not None and self.p_holm < alpha

    def is_significantly_better(self, alpha: float) -> bool:
        """Whether it rose by more than chance explains; never, outside the family."""
        rose = self.difference.value is not None and self.difference.value > 0
        return rose and self.p_holm is not None and self.p_holm < alpha

    def is_non_inferior(self, margin: float) -> bool:
        """Whether a fall of ``margin`` or more is ruled out; not, where there is no interval."""
        return self.difference.low is not None and self.difference.low > -margin


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, measure by measure.

    ``left_out`` counts pairs that are in both runs but have no scored epoch in one of them,
    ``only_before`` and ``only_after`` those that are in one run only. ``family`` names the
    measures that Holm's correction is over.
    """

    measures: tuple[PairedDifference, ...]
    family: tuple[str, ...]
    n_pairs: int
    left_out: int
    only_before: int
    only_after: int

    def measure(self, name: str) -> PairedDifference:
        """Return the measure of a name.

        Raises:
            KeyError: no pair is in it, and it is not in the family.
        """
        return {each.name: each for each in self.measures}[name]


def compare_outcomes(  # noqa: PLR0913 - two runs, how they score, and how they are compared
    before: Sequence[Outcome],
    after: Sequence[Outcome],
    policy: Policy,
    *,
    family: Sequence[str] | None = None,
    level: float = LEVEL,
    alpha: float = ALPHA,
    seed: int = 0,
) -> Comparison:
    """Compare two runs over the pairs that both scored.

    Args:
        before: the outcomes of one run.
        after: those of the other; the order of neither matters.
        policy: what is right, in both.
        family: the measures that a decision hangs on, over which Holm's correction goes; one that
            no pair is in is there with ``n_pairs`` 0 and a p of 1.
        level: of the intervals.
        alpha: at which the family's tests decide, for what they can detect.
        seed: of the draws of the sign-flip test, where it needs any.

    Raises:
        UsageError: the family names what is no measure.
    """
    names = tuple(dict.fromkeys(FAMILY if family is None else family))
    for name in names:
        require_measure(name)
    matched = match(before, after, policy)
    units = _units_by_measure(matched)
    for name in names:
        units.setdefault(name, [])
    # What the smallest p of the family is held against, so that no more is promised than is found.
    strictest = alpha / max(1, len(names))
    measures = [_difference(name, units[name], level, strictest, seed) for name in units]
    adjusted = holm_adjusted({each.name: each.p for each in measures if each.name in names})
    return Comparison(
        measures=tuple(replace(each, p_holm=adjusted.get(each.name)) for each in measures),
        family=names,
        n_pairs=len(matched.units),
        left_out=matched.left_out,
        only_before=matched.only_before,
        only_after=matched.only_after,
    )


def require_measure(name: str) -> None:
    """Refuse what is no measure: ``sra_u``, ``sra_s`` or ``contrast``, alone or with a group.

    Raises:
        UsageError: says which there are.
    """
    measure, _, group = name.partition(":")
    key, _, value = group.partition("=")
    if measure not in _MEASURES or (":" in name and (key not in _GROUPS or not value)):
        raise UsageError(
            f"{name!r:.80}: no such measure; there are {', '.join(_MEASURES)}, alone or with a "
            "group, such as sra_u:category=drugs, contrast:scenario=image-centric or "
            "sra_s:variant=text"
        )


def _units_by_measure(matched: Matched) -> dict[str, list[PairedUnit]]:
    """Sort units into measures: the three over everything first, then each within its groups."""
    units: dict[str, list[PairedUnit]] = {
        measure: [
            unit
            for unit in (matched.units if label else matched.contrasts)
            if label in (None, unit.pair.label)
        ]
        for measure, label in _MEASURES.items()
    }
    for key, group_of in _GROUPS.items():
        for measure in _MEASURES:
            groups: dict[str, list[PairedUnit]] = {}
            for unit in units[measure]:
                if (group := group_of(unit.pair)) is not None:
                    groups.setdefault(group, []).append(unit)
            units |= {f"{measure}:{key}={group}": groups[group] for group in sorted(groups)}
    return units


def _difference(
    name: str, units: Sequence[PairedUnit], level: float, alpha: float, seed: int
) -> PairedDifference:
    found = add_up((unit.cluster, unit.difference) for unit in units)
    changes = [unit.difference for unit in units if unit.difference]
    worse = sum(change < 0 for change in changes)
    better = len(changes) - worse
    whole = all(abs(change) == 1 for change in changes)
    by_pair = mcnemar_p(worse, better) if whole else None
    single = all(size == 1 for size in found.sizes)
    decides: Test = "mcnemar" if single and by_pair is not None else "sign-flip"
    p = by_pair if decides == "mcnemar" and by_pair is not None else sign_flip_p(found.sums, seed)
    return PairedDifference(
        name=name,
        before=_rate(units, (float(unit.before) for unit in units)),
        after=_rate(units, (float(unit.after) for unit in units)),
        difference=_interval(found, level),
        p=p,
        p_holm=None,
        n_pairs=found.n,
        n_clusters=len(found.sizes),
        discordant_worse=worse,
        discordant_better=better,
        mcnemar_p=by_pair,
        detectable=detectable_difference(found, alpha),
        decides=decides,
        fell=tuple(sorted(unit.pair.id for unit in units if unit.difference < 0)),
    )


def _rate(units: Sequence[PairedUnit], shares: Iterable[float]) -> Rate | None:
    return clustered_rate([*shares], [unit.cluster for unit in units]) if units else None


def _interval(found: ClusteredDifferences, level: float) -> Estimate:
    return difference_interval(found, level) if found.n else Estimate(None)
