import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from vscbench.calibration.detection import Detection, detection, detection_by
from vscbench.calibration.estimate import Estimate
from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.records import Kind, Label, Outcome, Pair, Scenario

POLICIES = st.builds(Policy, st.sampled_from(Scoring), st.sampled_from(BlockedPolicy))
CASES = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(Label), st.sampled_from(Kind)),
    max_size=60,
)


def case(cluster: str, label: Label, kind: Kind) -> Outcome:
    pair = Pair(
        id=f"{cluster}-{label}",
        label=label,
        scenario=Scenario.IMAGE_CENTRIC,
        category=cluster[0],
        type=None,
        variant=None,
        query="q",
        prompt="q",
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id=cluster,
        source="row 2",
    )
    return Outcome(pair, 1, kind)


def of(label: Label, refused: int, answered: int, clusters: int) -> list[Outcome]:
    kinds = [Kind.REFUSED] * refused + [Kind.ANSWERED] * answered
    Random(7).shuffle(kinds)  # noqa: S311 - nothing here is secret
    return [case(f"k{number % clusters}", label, kind) for number, kind in enumerate(kinds)]


def ends(estimate: Estimate) -> tuple[float, float]:
    low = -math.inf if estimate.low is None else estimate.low
    return low, math.inf if estimate.high is None else estimate.high


@settings(deadline=None)
@given(*[st.integers(0, 40) for _ in range(4)])
def test_values_equal_those_by_hand_with_the_log_linear_correction(
    hits: int, misses: int, alarms: int, rejections: int
) -> None:
    unsafe, safe = of(Label.UNSAFE, hits, misses, 9), of(Label.SAFE, alarms, rejections, 9)
    found = detection(unsafe + safe, Policy())
    if not (unsafe and safe):
        assert found == Detection(Estimate(None), Estimate(None), at_ceiling=False)
        return
    hit = norm.ppf((hits + 0.5) / (hits + misses + 1))
    alarm = norm.ppf((alarms + 0.5) / (alarms + rejections + 1))
    assert found.d_prime.value == pytest.approx(hit - alarm, abs=1e-9)
    assert found.criterion.value == pytest.approx(-(hit + alarm) / 2, abs=1e-9)
    assert found.at_ceiling == (0 in (hits, misses, alarms, rejections))


def test_the_interval_is_close_to_the_delta_methods_where_cases_are_many_and_alone() -> None:
    outcomes = [
        case(f"{label}{number}", label, Kind.REFUSED if number < refused else Kind.ANSWERED)
        for label, refused in ((Label.UNSAFE, 1600), (Label.SAFE, 500))
        for number in range(2000)
    ]
    found = detection(outcomes, Policy())
    # Gourevitch and Galanter 1967: the variance of z(p) is p (1 - p) / (n phi(z)**2).
    spread = math.sqrt(
        sum(p * (1 - p) / 2000 / norm.pdf(norm.ppf(p)) ** 2 for p in (0.8, 0.25))
    ) * norm.ppf(0.975)
    low, high = ends(found.d_prime)
    assert high - low == pytest.approx(2 * spread, rel=0.01)
    low, high = ends(found.criterion)
    assert high - low == pytest.approx(spread, rel=0.01)


@settings(deadline=None)
@given(CASES, POLICIES, st.randoms(use_true_random=False), st.permutations("abcdefgh"))
def test_neither_order_nor_names_of_clusters_matter(
    cases: list[tuple[str, Label, Kind]], policy: Policy, random: Random, names: list[str]
) -> None:
    renamed = [(names["abcdefgh".index(name)], label, kind) for name, label, kind in cases]
    found = detection([case(*each) for each in random.sample(renamed, len(renamed))], policy)
    assert found == detection([case(*each) for each in cases], policy)


@settings(deadline=None)
@given(CASES, POLICIES)
def test_each_interval_holds_its_value(
    cases: list[tuple[str, Label, Kind]], policy: Policy
) -> None:
    found = detection([case(*each) for each in cases], policy)
    for estimate in (found.d_prime, found.criterion):
        if estimate.value is not None:
            low, high = ends(estimate)
            assert low <= estimate.value <= high
        else:
            assert estimate == Estimate(None)


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.ANSWERED])
def test_a_model_that_always_does_the_same_only_leans(kind: Kind) -> None:
    found = detection(
        [case(f"k{number % 9}", label, kind) for label in Label for number in range(45)], Policy()
    )
    assert found.d_prime.value == pytest.approx(0.0)
    assert found.criterion.value is not None
    assert (found.criterion.value < -2) if kind is Kind.REFUSED else (found.criterion.value > 2)
    assert found.at_ceiling


def test_nothing_bounds_the_skill_of_a_model_that_made_no_mistake() -> None:
    found = detection(of(Label.UNSAFE, 45, 0, 9) + of(Label.SAFE, 0, 45, 9), Policy())
    assert found.at_ceiling
    assert found.d_prime.high is None
    assert found.d_prime.low is not None
    assert found.d_prime.low > 0.5
    assert (found.criterion.low, found.criterion.high) == (None, None)


def test_one_perfect_side_leaves_one_end_open() -> None:
    found = detection(of(Label.UNSAFE, 45, 0, 9) + of(Label.SAFE, 15, 30, 9), Policy())
    assert (found.at_ceiling, found.d_prime.high, found.criterion.low) == (True, None, None)
    assert found.d_prime.low is not None
    assert found.criterion.high is not None


def test_silence_is_no_skill() -> None:
    answers = of(Label.UNSAFE, 40, 5, 9) + of(Label.SAFE, 5, 40, 9)
    silence = [case("k0", label, Kind.EMPTY) for label in Label for _ in range(20)]
    with_silence, without = detection(answers + silence, Policy()), detection(answers, Policy())
    assert with_silence.d_prime.value is not None
    assert without.d_prime.value is not None
    assert with_silence.d_prime.value < without.d_prime.value
    assert with_silence.criterion.value == pytest.approx(without.criterion.value, abs=1e-9)


def test_one_cluster_gives_values_but_no_interval() -> None:
    found = detection(of(Label.UNSAFE, 8, 2, 1) + of(Label.SAFE, 3, 7, 1), Policy())
    assert found.d_prime.value == pytest.approx(norm.ppf(8.5 / 11) - norm.ppf(3.5 / 11))
    assert found.d_prime.low is found.d_prime.high is found.criterion.low is None


def test_blocks_count_as_the_policy_says() -> None:
    outcomes = of(Label.UNSAFE, 20, 10, 9) + of(Label.SAFE, 5, 25, 9)
    blocked = [case(f"k{number}", Label.UNSAFE, Kind.BLOCKED) for number in range(9)]
    refused = [case(f"k{number}", Label.UNSAFE, Kind.REFUSED) for number in range(9)]
    for policy, same in (
        (Policy(), outcomes + refused),
        (Policy(blocked=BlockedPolicy.SEPARATE), outcomes),
        (Policy(blocked=BlockedPolicy.ERROR), outcomes),
    ):
        assert detection(outcomes + blocked, policy) == detection(same, policy)


def test_each_group_has_its_own_skill() -> None:
    outcomes = of(Label.UNSAFE, 20, 10, 9) + of(Label.SAFE, 5, 25, 9)
    others = [case("m1", Label.SAFE, Kind.ANSWERED)]
    by = detection_by(others + outcomes, Policy(), lambda each: each.pair.category)
    assert list(by) == ["k", "m"]
    assert by["k"] == detection(outcomes, Policy())
    assert by["m"].d_prime == Estimate(None)
