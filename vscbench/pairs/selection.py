"""Which pairs of a set a run asks: filters, and a stratified sample that keeps contrasts whole."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from vscbench.errors import UsageError
from vscbench.pairs.split import DEFAULT_SPLIT_SEED, Split, half
from vscbench.records import Label, Pair, Scenario, Variant

Unit = tuple[Pair, ...]
Stratum = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the ``--vsc-*`` options ask for; an empty filter lets everything through.

    ``split`` is the half of the whole set, by clusters, that the others choose from.
    """

    scenarios: Collection[Scenario] = ()
    categories: Collection[str] = ()
    variants: Collection[Variant] = ()
    labels: Collection[Label] = ()
    sample: int | None = None
    seed: int = 0
    split: Split | None = None
    split_seed: int = DEFAULT_SPLIT_SEED


def select(pairs: Sequence[Pair], wanted: Selection) -> tuple[Pair, ...]:
    """Return the wanted pairs, sorted by id.

    A variant filter concerns text-centric pairs, so it also leaves image-centric ones out.
    A half is one of the whole set, whatever the filters are. A sample is drawn from what the half
    and the filters leave.

    Raises:
        UsageError: a category is not in the set, nothing is left, or the sample is larger than
            the number of pairs that can be asked (those with a query), or it is one pair and
            there are only contrasts.
    """
    known = {pair.category for pair in pairs}
    unknown = sorted(set(wanted.categories) - known)
    if unknown:
        raise UsageError(
            f"--vsc-category: no category {unknown[0]!r} in these pairs; "
            f"there are {', '.join(sorted(known))}"
        )
    offered = pairs if wanted.split is None else half(pairs, wanted.split, wanted.split_seed)
    kept = [pair for pair in offered if _passes(pair, wanted)]
    if not kept:
        raise UsageError("the --vsc-* filters leave no pair; widen or drop one of them")
    if wanted.sample is not None:
        kept = _whole_sample(kept, wanted.sample, wanted.seed)
    return tuple(sorted(kept, key=lambda pair: pair.id))


def sample(pairs: Iterable[Pair], size: int, seed: int) -> list[Pair]:
    """Draw ``size`` pairs that have a query, in proportion from every stratum.

    A stratum is a scenario, category and variant. A contrast is drawn whole, or not at all.
    The draw depends on the pairs and the seed alone, and a smaller sample is, but for the
    parity of single pairs, the beginning of a larger one. An odd ``size`` without a single
    pair to fill it gives one pair less.
    """
    asked = sorted((pair for pair in pairs if pair.query), key=lambda pair: pair.id)
    drawn: list[Unit] = []
    passed: list[Unit] = []
    left = size
    for unit in _spread(_units(asked), seed):
        if len(unit) <= left:
            drawn.append(unit)
            left -= len(unit)
        else:
            passed.append(unit)
        if not left:
            break
    if left:
        drawn = _swap_single_for_contrast(drawn, passed, left)
    return [pair for unit in drawn for pair in unit]


def _whole_sample(pairs: Sequence[Pair], size: int, seed: int) -> list[Pair]:
    available = sum(bool(pair.query) for pair in pairs)
    if not available:
        raise UsageError(
            f"--vsc-sample {size}: none of the pairs here can be asked, for none has a query; "
            "widen or drop one of the --vsc-* filters"
        )
    if size > available:
        counted = "pair" if available == 1 else "pairs"
        raise UsageError(
            f"--vsc-sample {size}: only {available} {counted} can be asked here; "
            f"ask for at most {available}, or leave it out"
        )
    drawn = sample(pairs, size, seed)
    if not drawn:
        raise UsageError(
            f"--vsc-sample {size}: a contrast is two pairs that are drawn together, and there are "
            "only contrasts here; ask for an even number"
        )
    return drawn


def _passes(pair: Pair, wanted: Selection) -> bool:
    return (
        (not wanted.scenarios or pair.scenario in wanted.scenarios)
        and (not wanted.categories or pair.category in wanted.categories)
        and (not wanted.variants or pair.variant in wanted.variants)
        and (not wanted.labels or pair.label in wanted.labels)
    )


def _units(pairs: Iterable[Pair]) -> list[Unit]:
    """Group pairs into what is drawn together: contrasts, and pairs without one."""
    groups: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[f"contrast {pair.contrast_id}" if pair.contrast_id else pair.id].append(pair)
    return [tuple(group) for group in groups.values()]


def _spread(units: Iterable[Unit], seed: int) -> Iterator[Unit]:
    """Order units so that every beginning is spread over scenarios, categories and variants.

    Each time the stratum comes next whose margins lack most pairs to their share.
    """
    strata = _strata(units, seed)
    size: Counter[Stratum] = Counter()
    for stratum, members in strata.items():
        for margin in _margins(stratum):
            size[margin] += sum(map(len, members))
    total = size[()]
    tie = {stratum: _draw(seed, *stratum) for stratum in strata}
    given: Counter[Stratum] = Counter()

    def lacks(stratum: Stratum) -> tuple[float, str]:
        due = given[()] + 1
        missing = (due * size[each] / total - given[each] for each in _margins(stratum))
        return sum(missing), tie[stratum]

    while strata:
        stratum = max(strata, key=lacks)
        unit = strata[stratum].pop()
        given.update(dict.fromkeys(_margins(stratum), len(unit)))
        if not strata[stratum]:
            del strata[stratum]
        yield unit


def _strata(units: Iterable[Unit], seed: int) -> dict[Stratum, list[Unit]]:
    """Group units by stratum, each in an order of its own that the seed gives."""
    strata: defaultdict[Stratum, list[Unit]] = defaultdict(list)
    for unit in units:
        first = unit[0]
        # Contrasts and single pairs apart, or a stratum of both would get too many of one.
        stratum = (first.scenario, first.category, first.variant or "", str(len(unit)))
        strata[stratum].append(unit)
    for members in strata.values():
        members.sort(key=lambda unit: _draw(seed, unit[0].id))
    return dict(strata)


def _margins(stratum: Stratum) -> tuple[Stratum, ...]:
    scenario, category, variant, _ = stratum
    return (
        (),
        ("scenario", scenario),
        ("category", scenario, category),
        ("variant", variant),
        stratum,
    )


def _swap_single_for_contrast(drawn: list[Unit], passed: list[Unit], left: int) -> list[Unit]:
    """Fill a last gap of one: the last single pair drawn gives way to a contrast."""
    spare = next((unit for unit in passed if len(unit) == left + 1), None)
    single = next((unit for unit in reversed(drawn) if len(unit) == 1), None)
    if spare is None or single is None:
        return drawn
    return [unit for unit in drawn if unit is not single] + [spare]


def _draw(seed: int, *names: str) -> str:
    return hashlib.sha256("\x1f".join((str(seed), *names)).encode()).hexdigest()
