"""Which cases of a run people are asked to label: at random within each of the judge's verdicts."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from vscbench.calibration.labelled_case import stratum_of
from vscbench.errors import UsageError
from vscbench.records import Outcome

# A pair label and a verdict.
Stratum = tuple[str, str]
FEW: Final = 5
LEAST: Final = 2


def draw_sample(outcomes: Iterable[Outcome], size: int, seed: int) -> list[Outcome]:
    """Draw cases that a judge read, in an order that tells nothing of their verdicts.

    A stratum is a pair label and a verdict. Within one, every case has the same probability to be
    drawn: the number drawn over the number there. The draw depends on the cases' ids, their
    verdicts and the seed alone, and a smaller sample is part of a larger one of the same seed.
    A ``size`` beyond the number of cases draws all.

    Raises:
        UsageError: a judge read none, or the sample is too small for the number of strata.
    """
    strata: defaultdict[Stratum, list[tuple[str, Outcome]]] = defaultdict(list)
    for outcome in outcomes:
        verdict = stratum_of(outcome)
        if verdict is not None:
            place = _place(seed, outcome)
            strata[outcome.pair.label.value, verdict].append((place, outcome))
    if not strata:
        raise UsageError("no response of this run was judged, so there is nothing to label")
    sizes = {stratum: len(cases) for stratum, cases in strata.items()}
    _check(size, sizes)
    drawn: list[tuple[str, Outcome]] = []
    for stratum, number in allocate(sizes, size).items():
        drawn += sorted(strata[stratum], key=_place_of)[:number]
    return [outcome for _, outcome in sorted(drawn, key=_place_of)]


def allocate(sizes: Mapping[Stratum, int], size: int) -> dict[Stratum, int]:
    """Say how many cases each stratum gives to a sample.

    First five of each, or all there are, in turn. The others go where the square root of a
    stratum's size, divided by one more than what it has given, is largest. That lies between
    equal numbers, which serve small strata, and numbers in proportion, which serve the whole
    (power allocation, Bankier 1988, https://doi.org/10.1080/00031305.1988.10475556). A larger
    sample takes no stratum less.

    Args:
        sizes: how many cases each stratum has.
        size: of the sample.
    """
    given = Counter(dict.fromkeys(sorted(sizes), 0))

    def turn(stratum: Stratum) -> tuple[bool, float, Stratum]:
        has = given[stratum]
        few = has < FEW
        return not few, float(has) if few else -math.sqrt(sizes[stratum]) / (has + 1), stratum

    for _ in range(min(size, sum(sizes.values()))):
        given[min((each for each in sizes if given[each] < sizes[each]), key=turn)] += 1
    return dict(given)


def _check(size: int, sizes: Mapping[Stratum, int]) -> None:
    least = sum(min(LEAST, count) for count in sizes.values())
    if size < least:
        raise UsageError(
            f"--sample {size}: too few for {len(sizes)} strata (pair label and verdict); "
            f"ask for at least {least}, better 100 or more"
        )


def _place(seed: int, outcome: Outcome) -> str:
    said = "\x1f".join(("label", str(seed), outcome.pair.id, str(outcome.epoch)))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _place_of(drawn: tuple[str, Outcome]) -> str:
    return drawn[0]
