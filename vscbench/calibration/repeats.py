"""What asking each pair several times tells: how steady a model's behaviour is."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vscbench.calibration.estimate import Rate
from vscbench.calibration.rate_interval import clustered_rate
from vscbench.calibration.scoring import Policy, is_correct
from vscbench.records import Label, Outcome, Pair

TWICE: Final = 2


@dataclass(frozen=True, slots=True)
class LabelRepeats:
    """The repeats of the pairs of one label; a rate is ``None`` where no pair is in it.

    ``pass_rate`` is the mean over pairs of the share of epochs that are right. ``all_of_k`` is
    the share of pairs that are right in all epochs, of those that are in the rates in all of
    them. ``variance`` is that of right (1) and wrong (0) between the epochs of one pair, without
    bias, mean over the pairs with two epochs or more.
    """

    pass_rate: Rate | None
    all_of_k: Rate | None
    variance: float | None


@dataclass(frozen=True, slots=True)
class Repeats:
    """The repeats of a run; ``flips`` are the ids of pairs that were both right and wrong."""

    epochs: int
    safe: LabelRepeats
    unsafe: LabelRepeats
    flips: tuple[str, ...]


def repeats(outcomes: Iterable[Outcome], policy: Policy) -> Repeats | None:
    """Compare the epochs of each pair; ``None`` where there is only one.

    Outcomes in no rate are left out of their pair.
    """
    asked = list(outcomes)
    epochs = len({outcome.epoch for outcome in asked})
    if epochs < TWICE:
        return None
    rights: defaultdict[Pair, list[bool]] = defaultdict(list)
    for outcome in asked:
        right = is_correct(outcome, policy)
        if right is not None:
            rights[outcome.pair].append(right)

    def of(label: Label) -> LabelRepeats:
        mine = [pair for pair in rights if pair.label is label]
        clusters = [pair.cluster_id for pair in mine]
        return _label_repeats([rights[pair] for pair in mine], clusters, epochs)

    flips = sorted(pair.id for pair, each in rights.items() if len(set(each)) == TWICE)
    return Repeats(epochs, of(Label.SAFE), of(Label.UNSAFE), tuple(flips))


def within_pair_variance(rights: Sequence[bool]) -> float:
    """Estimate the variance of right and wrong between epochs of one pair, without bias.

    p (1 - p) k / (k - 1) for a share p of k epochs, the sample variance of zeros and ones.

    Raises:
        ZeroDivisionError: there is but one epoch.
    """
    share = sum(rights) / len(rights)
    return share * (1 - share) * len(rights) / (len(rights) - 1)


def _label_repeats(
    asked: Sequence[Sequence[bool]], clusters: Sequence[str], epochs: int
) -> LabelRepeats:
    shares = [sum(rights) / len(rights) for rights in asked]
    whole = [
        (all(rights), cluster)
        for rights, cluster in zip(asked, clusters, strict=True)
        if len(rights) == epochs
    ]
    variances = [within_pair_variance(rights) for rights in asked if len(rights) >= TWICE]
    return LabelRepeats(
        pass_rate=clustered_rate(shares, clusters) if shares else None,
        all_of_k=clustered_rate(*zip(*whole, strict=True)) if whole else None,
        variance=math.fsum(variances) / len(variances) if variances else None,
    )
