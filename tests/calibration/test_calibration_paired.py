from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from small_pairs import make_pair
from written_runs import contrast_pairs, made, outcomes_of, wrong

from vscbench.calibration.paired import Comparison, PairedDifference, compare_outcomes
from vscbench.calibration.rates import safety_response_accuracy
from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_correct
from vscbench.errors import UsageError
from vscbench.records import Kind, Label, Outcome, Pair

POLICY = Policy()
PAIRS = contrast_pairs(40)
UNSAFE = [pair.id for pair in PAIRS if pair.label is Label.UNSAFE]
SAFE = [pair.id for pair in PAIRS if pair.label is Label.SAFE]


def compared(before: Sequence[Outcome], after: Sequence[Outcome]) -> Comparison:
    return compare_outcomes(before, after, POLICY)


def after_falling(*names: str, pairs: Sequence[Pair] = PAIRS) -> Comparison:
    return compared(outcomes_of(pairs), outcomes_of(pairs, wrong(pairs, *names)))


def test_a_run_does_not_differ_from_itself() -> None:
    comparison = after_falling()
    for name in ("sra_u", "sra_s", "contrast"):
        measure = comparison.measure(name)
        assert measure.difference.value == 0
        assert measure.p == 1.0
        assert (measure.discordant_worse, measure.discordant_better) == (0, 0)
        assert not measure.is_significantly_worse(0.05)
        assert not measure.is_significantly_better(0.05)


def test_no_change_in_few_pairs_does_not_prove_that_nothing_got_worse() -> None:
    """Not significant is not safe: the interval is as wide as so few pairs leave it."""
    measure = after_falling().measure("sra_u")
    assert measure.difference.low is not None
    assert -0.12 < measure.difference.low < -0.08
    assert not measure.is_non_inferior(0.05)
    assert measure.is_non_inferior(0.15)
    assert 0.15 < measure.detectable < 0.25


def test_ten_refusals_lost_of_forty_are_a_regression_of_one_label_only() -> None:
    comparison = after_falling(*UNSAFE[:10])
    unsafe, safe = comparison.measure("sra_u"), comparison.measure("sra_s")
    assert unsafe.before is not None and unsafe.after is not None
    assert (unsafe.before.rate, unsafe.after.rate) == (1.0, 0.75)
    assert unsafe.difference.value == -0.25
    assert (unsafe.discordant_worse, unsafe.discordant_better) == (10, 0)
    assert unsafe.p == pytest.approx(binomtest(0, 10).pvalue)
    assert unsafe.p_holm == 2 * unsafe.p
    assert unsafe.is_significantly_worse(0.05)
    assert not safe.is_significantly_worse(0.05)
    assert comparison.measure("contrast").discordant_worse == 10


def test_a_rise_is_significant_and_is_no_regression() -> None:
    before = outcomes_of(PAIRS, wrong(PAIRS, *SAFE[:12]))
    measure = compared(before, outcomes_of(PAIRS)).measure("sra_s")
    assert measure.is_significantly_better(0.05)
    assert not measure.is_significantly_worse(0.05)
    assert measure.is_non_inferior(0.01)


def test_pairs_of_one_cluster_that_fall_together_are_one_event() -> None:
    """McNemar finds a change in two clusters of five; the test that decides does not."""
    pairs = contrast_pairs(40, per_cluster=5)
    lost = [pair.id for pair in pairs if pair.label is Label.UNSAFE][:10]
    measure = after_falling(*lost, pairs=pairs).measure("sra_u")
    assert measure.decides == "sign-flip"
    assert measure.n_clusters == 8
    assert measure.mcnemar_p is not None and measure.mcnemar_p < 0.01
    assert measure.p == 0.5
    assert not measure.is_significantly_worse(0.05)


def test_mcnemar_decides_where_every_cluster_is_single() -> None:
    measure = after_falling(*UNSAFE[:7]).measure("sra_u")
    assert measure.decides == "mcnemar"
    assert measure.p == measure.mcnemar_p == 2 / 2**7


def test_two_pairs_are_one_cluster_if_they_are_in_either_run() -> None:
    apart = [replace(pair, cluster_id=pair.id) for pair in PAIRS]
    comparison = compared(outcomes_of(apart), outcomes_of(contrast_pairs(40, per_cluster=4)))
    assert comparison.measure("sra_u").n_clusters == 10


def test_epochs_are_averaged_within_a_pair_and_need_not_be_as_many() -> None:
    pairs = contrast_pairs(20)
    lost = [pair.id for pair in pairs if pair.label is Label.UNSAFE][:6]
    before = outcomes_of(pairs)
    thrice = [
        outcome
        for epoch in (1, 2, 3)
        for outcome in outcomes_of(pairs, wrong(pairs, *lost) if epoch == 2 else None, epoch)
    ]
    measure = compared(before, thrice).measure("sra_u")
    assert measure.n_pairs == 20
    assert measure.difference.value == pytest.approx(-6 / 3 / 20)
    assert measure.discordant_worse == 6
    assert measure.mcnemar_p is None
    assert measure.decides == "sign-flip"
    assert measure.p == 2 / 2**6


def test_only_pairs_that_both_runs_scored_are_compared_and_the_others_are_told() -> None:
    dead = dict.fromkeys(UNSAFE[:3], Kind.TARGET_ERROR)
    before = outcomes_of(PAIRS[2:], dead)
    after = outcomes_of(PAIRS[:-4], wrong(PAIRS, UNSAFE[10]))
    comparison = compared(before, after)
    assert (comparison.only_before, comparison.only_after) == (4, 2)
    assert comparison.left_out == 2
    assert comparison.n_pairs == 80 - 2 - 4 - 2
    # An error is not a refusal lost, nor one won.
    assert comparison.measure("sra_u").discordant_worse == 1
    assert comparison.measure("sra_u").discordant_better == 0


def test_an_epoch_that_failed_leaves_the_others_of_its_pair() -> None:
    failed = outcomes_of(PAIRS, dict.fromkeys(UNSAFE, Kind.TARGET_ERROR), epoch=1)
    comparison = compared(outcomes_of(PAIRS), [*failed, *outcomes_of(PAIRS, epoch=2)])
    assert comparison.left_out == 0
    assert comparison.measure("sra_u").difference.value == 0


def test_a_pair_whose_label_changed_is_not_the_same_pair() -> None:
    pair = make_pair("a", Label.UNSAFE)
    comparison = compared(
        [made(pair, Kind.REFUSED)], [made(replace(pair, label=Label.SAFE), Kind.REFUSED)]
    )
    assert (comparison.n_pairs, comparison.only_before, comparison.only_after) == (0, 1, 1)


def test_blocks_apart_from_the_rates_are_not_compared() -> None:
    blocked = outcomes_of(PAIRS, dict.fromkeys(UNSAFE[:5], Kind.BLOCKED))
    policy = Policy(Scoring.PAPER, BlockedPolicy.SEPARATE)
    assert compare_outcomes(outcomes_of(PAIRS), blocked, policy).left_out == 5
    assert compare_outcomes(outcomes_of(PAIRS), blocked, POLICY).left_out == 0


def test_a_contrast_is_lost_with_either_side() -> None:
    comparison = after_falling(UNSAFE[0], SAFE[0], SAFE[1])
    contrast = comparison.measure("contrast")
    assert contrast.n_pairs == 40
    assert contrast.discordant_worse == 2
    assert contrast.difference.value == -2 / 40


def test_measures_within_a_category_hold_its_pairs_alone() -> None:
    comparison = after_falling(UNSAFE[0], UNSAFE[2])
    within = comparison.measure("sra_u:category=category-0")
    assert (within.n_pairs, within.discordant_worse) == (20, 2)
    assert comparison.measure("sra_u:category=category-1").discordant_worse == 0
    assert comparison.measure("contrast:category=category-0").discordant_worse == 2
    assert comparison.measure("sra_s:variant=text").n_pairs == 40


def test_holm_goes_over_the_family_that_is_named_and_nothing_else_decides() -> None:
    before, after = outcomes_of(PAIRS), outcomes_of(PAIRS, wrong(PAIRS, *UNSAFE[:7]))
    family = ["sra_u", "sra_s", "contrast", "sra_u:category=category-0"]
    comparison = compare_outcomes(before, after, POLICY, family=family)
    assert comparison.family == tuple(family)
    assert comparison.measure("sra_u").p_holm == 4 * 2 / 2**7
    alone = compare_outcomes(before, after, POLICY, family=["sra_u"])
    assert alone.measure("sra_u").p_holm == 2 / 2**7
    assert alone.measure("contrast").p_holm is None
    assert not alone.measure("contrast").is_significantly_worse(0.05)


def test_a_measure_of_the_family_that_no_pair_is_in_is_there_and_says_nothing() -> None:
    outcomes = outcomes_of([pair for pair in PAIRS if pair.label is Label.SAFE])
    absent = compared(outcomes, outcomes).measure("sra_u")
    assert absent.n_pairs == 0
    assert absent.before is None and absent.after is None
    assert absent.difference.value is None
    assert not absent.is_significantly_worse(0.05)
    assert not absent.is_non_inferior(0.5)


@pytest.mark.parametrize("name", ["sra", "sra_u:", "sra_u:category=", "sra_u:row=3", ""])
def test_what_is_no_measure_is_named(name: str) -> None:
    with pytest.raises(UsageError, match="no such measure; there are sra_u, sra_s, contrast"):
        compare_outcomes([], [], POLICY, family=[name])


def test_one_cluster_is_too_few_to_say_anything() -> None:
    pairs = contrast_pairs(10, per_cluster=10)
    measure = after_falling(*[pair.id for pair in pairs], pairs=pairs).measure("sra_u")
    assert measure.difference.value == -1
    assert measure.difference.low is None
    assert measure.p == measure.detectable == 1.0
    assert not measure.is_non_inferior(1.0)


KINDS = st.lists(st.sampled_from(Kind), min_size=24, max_size=24)
SOME = contrast_pairs(12, per_cluster=2)


def run_of(kinds: Sequence[Kind]) -> list[Outcome]:
    return [made(pair, kind) for pair, kind in zip(SOME, kinds, strict=True)]


@settings(max_examples=50)
@given(KINDS, KINDS)
def test_the_difference_is_that_of_the_rates_over_the_pairs_that_both_scored(
    before: list[Kind], after: list[Kind]
) -> None:
    old, new = run_of(before), run_of(after)
    both = [
        (one, other)
        for one, other in zip(old, new, strict=True)
        if None not in (is_correct(one, POLICY), is_correct(other, POLICY))
    ]
    was = safety_response_accuracy([one for one, _ in both], POLICY)
    now = safety_response_accuracy([other for _, other in both], POLICY)
    comparison = compared(old, new)
    for name, first, second in (
        ("sra_u", was.unsafe, now.unsafe),
        ("sra_s", was.safe, now.safe),
    ):
        measure = comparison.measure(name)
        assert (first is None) is (measure.before is None)
        if first is not None and second is not None:
            assert measure.difference.value == pytest.approx(second.rate - first.rate)
            assert measure.before is not None and measure.before.rate == pytest.approx(first.rate)


def p_by_every_way(measure: PairedDifference, old: list[Outcome], new: list[Outcome]) -> float:
    """Swap the two runs cluster by cluster, in every way, and look at the difference."""
    clusters: dict[str, int] = {}
    for one, other in zip(old, new, strict=True):
        right = is_correct(one, POLICY), is_correct(other, POLICY)
        if one.pair.label is Label.UNSAFE and None not in right:
            name = one.pair.cluster_id
            clusters[name] = clusters.get(name, 0) + bool(right[1]) - bool(right[0])
    sums = [*clusters.values()]
    ways = [*product((1, -1), repeat=len(sums))]
    totals = [abs(sum(sign * each for sign, each in zip(way, sums, strict=True))) for way in ways]
    return sum(total >= abs(sum(sums)) for total in totals) / len(ways)


@settings(max_examples=50)
@given(KINDS, KINDS)
def test_p_is_that_of_swapping_the_runs_cluster_by_cluster(
    before: list[Kind], after: list[Kind]
) -> None:
    old, new = run_of(before), run_of(after)
    measure = compared(old, new).measure("sra_u")
    if measure.n_pairs:
        assert measure.p == pytest.approx(p_by_every_way(measure, old, new))


@settings(max_examples=50)
@given(KINDS, KINDS, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_changes_nothing(
    before: list[Kind], after: list[Kind], chance: Random
) -> None:
    old, new = run_of(before), run_of(after)
    straight = compared(old, new)
    chance.shuffle(old)
    chance.shuffle(new)
    assert compared(old, new) == straight
