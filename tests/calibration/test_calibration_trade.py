from collections.abc import Sequence
from dataclasses import replace

import numpy
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from written_runs import WRONG, contrast_pairs, outcomes_of, wrong

from vscbench.calibration.accuracy import GradedAnswer
from vscbench.calibration.paired_units import match
from vscbench.calibration.scoring import Policy
from vscbench.calibration.trade import Measured, Trade, mean_difference, number_of_tests, trades
from vscbench.records import Label, Outcome, Pair

PAIRS = contrast_pairs(60)
POLICY = Policy()


def right_but(share: int, label: Label, pairs: Sequence[Pair] = PAIRS) -> list[str]:
    """Name every ``share``-th pair of a label."""
    return [pair.id for pair in pairs if pair.label is label][::share]


def run(*lost: str, pairs: Sequence[Pair] = PAIRS) -> list[Outcome]:
    return outcomes_of(pairs, wrong(pairs, *lost))


def answers(right: int, of: int = 100) -> list[GradedAnswer]:
    return [GradedAnswer(f"q-{n}", 1, "counting", f"q-{n}", n < right) for n in range(of)]


HALF_SAFE, HALF_UNSAFE = right_but(2, Label.SAFE), right_but(2, Label.UNSAFE)
NONE = Measured(run(*HALF_UNSAFE), answers(90))


def trade(method: Measured, baseline: Measured = NONE) -> Trade:
    return trades(baseline, {"method": method}, POLICY)["method"]


def test_every_measure_is_compared_pair_by_pair_with_none() -> None:
    found = trade(Measured(run(*HALF_SAFE), answers(70)))
    assert list(found.changes) == [
        "sra_u", "sra_s", "contrast", "d_prime", "criterion", "utility",
    ]  # fmt: skip
    differences = {name: change.difference.value for name, change in found.changes.items()}
    assert differences["sra_u"] == 0.5
    assert differences["sra_s"] == -0.5
    assert differences["contrast"] == 0
    assert differences["utility"] == pytest.approx(-0.2)
    assert found.changes["criterion"].fell
    assert found.changes["utility"].fell
    assert found.changes["utility"].n == 100
    assert (found.n_pairs, found.left_out) == (120, 0)


def test_the_tests_are_those_of_statsmodels_where_each_pair_is_a_cluster() -> None:
    single = [replace(pair, cluster_id=pair.id, contrast_id=None) for pair in PAIRS]
    lost = right_but(5, Label.UNSAFE, single)
    found = trade(
        Measured(run(*lost, pairs=single), answers(82)),
        Measured(run(*HALF_UNSAFE, pairs=single), answers(90)),
    )
    better = len(set(HALF_UNSAFE) - set(lost))
    worse = len(set(lost) - set(HALF_UNSAFE))
    expected = mcnemar([[0, worse], [better, 0]], exact=True).pvalue
    assert found.changes["sra_u"].p == pytest.approx(expected)
    assert found.changes["utility"].p == pytest.approx(
        mcnemar([[82, 8], [0, 10]], exact=True).pvalue
    )
    assert found.changes["sra_u"].test == "mcnemar"


def test_holm_goes_over_every_test_of_every_method_as_statsmodels_has_it() -> None:
    methods = {
        name: Measured(run(*HALF_UNSAFE[:kept], *HALF_SAFE[:lost]), answers(right))
        for name, kept, lost, right in (("a", 20, 4, 84), ("b", 25, 0, 90), ("c", 0, 30, 40))
    }
    found = trades(NONE, methods, POLICY)
    every = [change for each in found.values() for change in each.changes.values()]
    assert number_of_tests(found) == len(every) == 18
    expected = multipletests([change.p for change in every], method="holm")[1]
    assert [change.p_holm for change in every] == pytest.approx(list(expected))


def test_a_method_alone_is_held_to_a_lower_bar_than_one_of_many() -> None:
    weak = Measured(run(*HALF_UNSAFE[7:]))
    one = trades(NONE, {"weak": weak}, POLICY)["weak"].changes["sra_u"]
    same = {str(number): Measured(NONE.outcomes) for number in range(8)}
    many = trades(NONE, {"weak": weak, **same}, POLICY)["weak"].changes["sra_u"]
    assert one.p == many.p
    assert one.p_holm < many.p_holm


@pytest.mark.parametrize("place", ["baseline", "method"])
def test_utility_is_compared_only_where_both_measured_it(place: str) -> None:
    bare = Measured(NONE.outcomes)
    found = trade(bare) if place == "method" else trade(NONE, bare)
    assert "utility" not in found.changes
    assert len(found.changes) == 5


def test_a_question_that_one_run_could_not_grade_is_in_no_difference() -> None:
    failed = [replace(each, correct=None) for each in answers(90)[:30]]
    found = trade(Measured(NONE.outcomes, [*failed, *answers(90)[30:]]))
    assert found.changes["utility"].n == 70
    assert found.changes["utility"].difference.value == 0


def test_without_both_labels_there_is_no_mean_and_no_d_prime() -> None:
    unsafe = [pair for pair in PAIRS if pair.label is Label.UNSAFE]
    found = trade(Measured(run(pairs=unsafe)), Measured(run(*HALF_UNSAFE, pairs=unsafe)))
    assert list(found.changes) == ["sra_u"]
    assert found.mean.value is None


def test_runs_without_a_common_pair_have_nothing_to_trade() -> None:
    other = contrast_pairs(5)
    found = trade(Measured(run(pairs=[replace(pair, id=f"x{pair.id}") for pair in other])))
    assert not found.changes
    assert (found.n_pairs, found.only_before, found.only_after) == (0, 120, 10)


def mean_of(before: Sequence[Outcome], after: Sequence[Outcome]) -> tuple[float, float, float]:
    found = mean_difference(match(before, after, POLICY).units)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return found.value, found.low, found.high


def test_the_mean_weighs_both_labels_alike() -> None:
    pairs = [pair for pair in PAIRS if pair.label is Label.UNSAFE or pair.id < "safe-010"]
    value, low, high = mean_of(run(*HALF_UNSAFE, pairs=pairs), run("safe-001", pairs=pairs))
    assert value == pytest.approx((0.5 - 0.1) / 2)
    assert -1 <= low < value < high <= 1


def test_labels_that_change_against_each_other_leave_the_mean_surer() -> None:
    half = [f"{number:03d}" for number in range(0, 60, 2)]
    other = [f"{number:03d}" for number in range(1, 60, 2)]
    before = run(*(f"unsafe-{number}" for number in half))
    # Where the unsafe side gets right the safe one goes wrong; else it is another cluster's.
    against = run(*(f"safe-{number}" for number in half))
    apart = run(*(f"safe-{number}" for number in other))
    surer, wider = mean_of(before, against), mean_of(before, apart)
    assert surer[0] == wider[0] == 0
    assert surer[2] - surer[1] < wider[2] - wider[1]


def test_the_interval_of_the_mean_holds_the_truth() -> None:
    random = numpy.random.default_rng(20260102)
    pairs = contrast_pairs(75, per_cluster=3)
    chances = {Label.UNSAFE: (0.5, 0.7), Label.SAFE: (0.9, 0.8)}
    held = 0
    for _ in range(200):
        leans = {pair.cluster_id: random.random() for pair in pairs}
        lost: list[list[str]] = [[], []]
        for pair in pairs:
            for place, chance in enumerate(chances[pair.label]):
                lean = leans[pair.cluster_id] if random.random() < 0.3 else random.random()
                lost[place] += [pair.id] if lean > chance else []
        _, low, high = mean_of(*(run(*each, pairs=pairs) for each in lost))
        held += low <= 0.05 <= high
    # 200 draws: a share of .95 is known to .0154; z = 3.2.
    assert held / 200 > 0.9


def test_scoring_is_the_same_for_all_whatever_a_run_says() -> None:
    kinds = {pair.id: WRONG[pair.label] for pair in PAIRS}
    found = trade(Measured(outcomes_of(PAIRS, kinds)), Measured(outcomes_of(PAIRS, kinds)))
    assert found.changes["sra_u"].before.value == found.changes["sra_u"].after.value == 0
