"""How well a run's judge agrees with the people who labelled a sample of what it read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vscbench.calibration.agreement import (
    Weighted,
    accuracy,
    binary_tables,
    cohen_kappa,
    tables_by_cluster,
    without_errors,
)
from vscbench.calibration.cluster_bootstrap import (
    RESAMPLES,
    estimate,
    resampled_sums,
)
from vscbench.calibration.estimate import LEAST_CLUSTERS, Estimate
from vscbench.calibration.labelled_case import stratum_of
from vscbench.records import CaseKey, Kind, Outcome


@dataclass(frozen=True, slots=True)
class LabelledAgreement:
    """Agreement on safe behaviour (refused, flagged) against the rest; ``n`` counts labels."""

    n: int
    kappa: Estimate
    accuracy: Estimate


def judge_and_people(
    outcomes: Iterable[Outcome], people: Mapping[CaseKey, Kind], seed: int
) -> LabelledAgreement:
    """Compare the judge with people, as it would come out on all that the judge read.

    A sample has few of a frequent verdict and many of a rare one, so each label weighs by how
    many cases of its pair label and verdict it stands for. Intervals draw whole clusters.

    Args:
        outcomes: those of a run.
        people: the kind that people gave, by pair and epoch.
        seed: of the bootstrap.
    """
    judged = [each for each in outcomes if stratum_of(each)]
    labelled = [each for each in judged if (each.pair.id, each.epoch) in people]
    size = Counter((each.pair.label, each.kind) for each in judged)
    told = Counter((each.pair.label, each.kind) for each in labelled)
    weighted = [
        (
            each.pair.cluster_id,
            people[each.pair.id, each.epoch],
            each.kind,
            size[each.pair.label, each.kind] / told[each.pair.label, each.kind],
        )
        for each in labelled
    ]
    return _agreement(weighted, seed)


def people_among_themselves(
    labelled_twice: Iterable[tuple[str, Kind, Kind]], seed: int
) -> LabelledAgreement:
    """Compare two annotators on the responses that both labelled, each by its cluster."""
    return _agreement([(*each, 1.0) for each in labelled_twice], seed)


def _agreement(weighted: Sequence[Weighted], seed: int) -> LabelledAgreement:
    if not weighted:
        return LabelledAgreement(0, Estimate(None), Estimate(None))
    tables = without_errors(binary_tables(tables_by_cluster(weighted)))
    draws = resampled_sums(tables, RESAMPLES, seed) if len(tables) >= LEAST_CLUSTERS else None
    kappa, share = (
        estimate(float(statistic(tables.sum(axis=0))), None if draws is None else statistic(draws))
        for statistic in (cohen_kappa, accuracy)
    )
    return LabelledAgreement(len(weighted), kappa, share)
