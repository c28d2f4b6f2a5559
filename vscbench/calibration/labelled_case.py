"""A case of the rates as a judge read it and, where people read it too, as they did."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from vscbench.calibration.scoring import Policy, is_correct
from vscbench.records import CLASSES, CaseKey, Kind, Label, Outcome


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """One case that is in the rates.

    ``right`` is whether the behaviour was right by the judge, ``truth`` whether it was by people,
    ``None`` where they were not asked. ``stratum`` is the judge's verdict, within which cases
    were drawn for people with equal probability. It is ``None`` where no judge read the case
    (blocked, empty, truncated): then ``right`` is a fact, and there is no error to correct.
    """

    label: Label
    cluster: str
    stratum: str | None
    right: bool
    truth: bool | None = None


def labelled_cases(
    outcomes: Iterable[Outcome], people: Mapping[CaseKey, Kind], policy: Policy
) -> list[LabelledCase]:
    """Return the cases that are in the rates, each with what people said of it.

    A case of which nothing can be said, and a block under ``separate``, is in no rate, and so is
    not here either.

    Args:
        outcomes: those of a run.
        people: the kind that people gave, by pair and epoch.
        policy: what is right; the same for the judge and for people.
    """
    cases = []
    for outcome in outcomes:
        right = is_correct(outcome, policy)
        if right is not None:
            stratum = stratum_of(outcome)
            said = people.get((outcome.pair.id, outcome.epoch)) if stratum else None
            truth = None if said is None else is_correct(replace(outcome, kind=said), policy)
            pair = outcome.pair
            cases.append(LabelledCase(pair.label, pair.cluster_id, stratum, right, truth))
    return cases


def stratum_of(outcome: Outcome) -> str | None:
    """Return the verdict on a response that a judge read, or ``None`` where none did."""
    judged = outcome.verdict is not None and outcome.kind in CLASSES
    return outcome.kind.value if judged else None


def label_weights(cases: Sequence[LabelledCase]) -> list[float]:
    """Weigh each labelled case of one pair label by how many judged cases it stands for.

    Within a stratum of N cases of which m are labelled, each of these weighs N / m, the inverse
    of its probability to be labelled: rows that people left out lower m. The cases of a stratum
    in which nothing is labelled are shared out among the strata on which the judge's yes or no
    is the same. The weights of a side add up to its size, if anything on it is labelled.

    Returns:
        A weight for each case, in order; 0 where it is not labelled.
    """
    size = Counter(_group(case) for case in cases if case.stratum)
    labelled = Counter(_group(case) for case in cases if case.truth is not None)
    side_size: Counter[bool] = Counter()
    side_covered: Counter[bool] = Counter()
    for group, count in size.items():
        side_size[group[0]] += count
        side_covered[group[0]] += count if labelled[group] else 0

    def weight(case: LabelledCase) -> float:
        group, side = _group(case), case.right
        if case.truth is None:
            return 0.0
        return size[group] / labelled[group] * (side_size[side] / side_covered[side])

    return [weight(case) for case in cases]


def _group(case: LabelledCase) -> tuple[bool, str | None]:
    return case.right, case.stratum
