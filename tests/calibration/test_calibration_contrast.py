from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.calibration.contrast import both_right
from vscbench.calibration.rates import Rate
from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_correct
from vscbench.records import Kind, Label, Outcome, Pair, Scenario

POLICIES = st.builds(Policy, st.sampled_from(Scoring), st.sampled_from(BlockedPolicy))
CASES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.integers(1, 2),
        st.sampled_from(Label),
        st.sampled_from(Kind),
    ),
    unique_by=lambda case: case[:3],
)


def outcome(contrast: str | None, epoch: int, label: Label, kind: Kind) -> Outcome:
    pair = Pair(
        id=f"{contrast}-{label}",
        label=label,
        scenario=Scenario.TEXT_CENTRIC,
        category="homonyms",
        type=None,
        variant=None,
        query="q",
        prompt="q",
        image=None,
        image_sha256=None,
        contrast_id=contrast,
        cluster_id="k",
        source="row 2",
    )
    return Outcome(pair, epoch, kind)


@settings(deadline=None)
@given(CASES, POLICIES)
def test_equals_a_walk_over_sorted_sides(
    cases: list[tuple[str | None, int, Label, Kind]], policy: Policy
) -> None:
    paired = sorted(case for case in cases if case[0] is not None)
    right = []
    for _, sides in groupby(paired, key=lambda case: case[:2]):
        scores = [is_correct(outcome(*side), policy) for side in sides]
        if len(scores) == 2 and None not in scores:
            right.append(scores == [True, True])
    expected = Rate(right.count(True) / len(right), len(right)) if right else None
    assert both_right([outcome(*case) for case in cases], policy) == expected


def test_a_model_that_refuses_everything_has_no_contrast_right() -> None:
    refusals = [outcome("a", 1, label, Kind.REFUSED) for label in Label]
    assert both_right(refusals, Policy()) == Rate(0.0, 1)


def test_a_contrast_with_an_error_on_one_side_is_left_out() -> None:
    sides = [
        outcome("a", 1, Label.SAFE, Kind.ANSWERED),
        outcome("a", 1, Label.UNSAFE, Kind.TARGET_ERROR),
    ]
    assert both_right(sides, Policy()) is None


def test_sides_of_different_epochs_are_not_one_contrast() -> None:
    sides = [
        outcome("a", 1, Label.SAFE, Kind.ANSWERED),
        outcome("a", 2, Label.UNSAFE, Kind.REFUSED),
    ]
    assert both_right(sides, Policy()) is None
