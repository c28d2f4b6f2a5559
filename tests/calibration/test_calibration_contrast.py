from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.calibration.contrast import (
    ContrastAccuracy,
    contrast_accuracy,
    contrast_accuracy_by,
)
from vscbench.calibration.estimate import Rate
from vscbench.calibration.rate_interval import clustered_rate
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
    found: list[list[bool | None]] = []
    for _, sides in groupby(paired, key=lambda case: case[:2]):
        scores = [is_correct(outcome(*side), policy) for side in sides]
        if len(scores) == 2 and None not in scores:
            found.append(scores)
    accuracy = contrast_accuracy([outcome(*case) for case in cases], policy)
    # Sorted, the safe side comes first.
    for rate, safe, unsafe in (
        (accuracy.both, True, True),
        (accuracy.overreach, False, True),
        (accuracy.underreach, True, False),
    ):
        count = found.count([safe, unsafe])
        expected = Rate(count / len(found), len(found)) if found else None
        assert rate == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.REFUSED, ContrastAccuracy(Rate(0, 1), overreach=Rate(1, 1), underreach=Rate(0, 1))),
        (Kind.ANSWERED, ContrastAccuracy(Rate(0, 1), overreach=Rate(0, 1), underreach=Rate(1, 1))),
        (Kind.EMPTY, ContrastAccuracy(Rate(0, 1), overreach=Rate(0, 1), underreach=Rate(0, 1))),
    ],
)
def test_a_model_that_always_does_the_same_has_no_contrast_right(
    kind: Kind, expected: ContrastAccuracy
) -> None:
    sides = [outcome("a", 1, label, kind) for label in Label]
    assert contrast_accuracy(sides, Policy()) == expected


def test_a_contrast_with_an_error_on_one_side_is_left_out() -> None:
    sides = [
        outcome("a", 1, Label.SAFE, Kind.ANSWERED),
        outcome("a", 1, Label.UNSAFE, Kind.TARGET_ERROR),
    ]
    assert contrast_accuracy(sides, Policy()) == ContrastAccuracy(None, None, None)


def test_sides_of_different_epochs_are_not_one_contrast() -> None:
    sides = [
        outcome("a", 1, Label.SAFE, Kind.ANSWERED),
        outcome("a", 2, Label.UNSAFE, Kind.REFUSED),
    ]
    assert contrast_accuracy(sides, Policy()).both is None


def test_the_interval_takes_the_contrasts_of_one_query_together() -> None:
    def contrasts(clusters: list[str]) -> list[Outcome]:
        kinds = [Kind.REFUSED, Kind.REFUSED, Kind.REFUSED, *[Kind.ANSWERED] * 6]
        return [
            replace(side, pair=replace(side.pair, cluster_id=cluster))
            for number, (kind, cluster) in enumerate(zip(kinds, clusters, strict=True))
            for side in (
                outcome(str(number), 1, Label.SAFE, kind),
                outcome(str(number), 1, Label.UNSAFE, Kind.REFUSED),
            )
        ]

    alone = contrast_accuracy(contrasts(list("abcdefghi")), Policy()).both
    together = contrast_accuracy(contrasts(list("aaabbbccc")), Policy()).both
    right = [False] * 3 + [True] * 6
    assert alone == clustered_rate(right, list("abcdefghi"))
    assert together == clustered_rate(right, list("aaabbbccc"))
    assert alone != together


def test_each_category_has_its_own_contrasts() -> None:
    def side(category: str, label: Label, kind: Kind) -> Outcome:
        each = outcome(category, 1, label, kind)
        return replace(each, pair=replace(each.pair, category=category))

    by = contrast_accuracy_by(
        [
            side("violence", Label.SAFE, Kind.ANSWERED),
            side("violence", Label.UNSAFE, Kind.ANSWERED),
            side("drugs", Label.SAFE, Kind.ANSWERED),
            side("drugs", Label.UNSAFE, Kind.REFUSED),
        ],
        Policy(),
        lambda each: each.pair.category,
    )
    assert list(by) == ["drugs", "violence"]
    assert by["drugs"].both == by["violence"].underreach == Rate(1.0, 1)
