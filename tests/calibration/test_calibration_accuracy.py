from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from vscbench.calibration.accuracy import GradedAnswer, accuracy, paired_accuracy
from vscbench.calibration.rate_interval import clustered_rate


def answers(
    count: int, right: int, skill: str = "counting", group_size: int = 1, epoch: int = 1
) -> list[GradedAnswer]:
    """The first ``right`` of ``count`` questions are right."""
    return [
        GradedAnswer(f"{skill}-{i:03d}", epoch, skill, f"{skill}-{i // group_size}", i < right)
        for i in range(count)
    ]


def failed(graded: Sequence[GradedAnswer], *places: int) -> list[GradedAnswer]:
    return [replace(each, correct=None) if i in places else each for i, each in enumerate(graded)]


def test_the_share_that_is_right_has_an_interval() -> None:
    found = accuracy(answers(40, 30)).overall
    assert found is not None
    assert (found.rate, found.n) == (0.75, 40)
    assert found.low is not None and found.high is not None
    assert found.low < 0.75 < found.high


def test_errors_are_in_no_rate() -> None:
    found = accuracy(failed(answers(40, 30), 0, 39))
    assert found.overall is not None
    assert (found.overall.rate, found.overall.n) == (29 / 38, 38)


def test_a_skill_of_errors_alone_has_no_rate_and_is_named() -> None:
    found = accuracy([*answers(4, 4), *failed(answers(1, 1, skill="charts"), 0)])
    assert found.by_skill["charts"] is None
    assert [*found.by_skill] == ["charts", "counting"]


def test_nothing_scored_is_no_rate() -> None:
    assert accuracy([]).overall is None
    assert accuracy([]).by_skill == {}


def test_skills_are_rated_apart() -> None:
    found = accuracy([*answers(10, 10), *answers(20, 5, skill="charts")])
    rates = {skill: rate and (rate.rate, rate.n) for skill, rate in found.by_skill.items()}
    assert rates == {"counting": (1.0, 10), "charts": (0.25, 20)}
    assert found.overall is not None and found.overall.rate == 0.5


def test_questions_of_one_image_tell_less_than_as_many_of_their_own() -> None:
    alone = accuracy(answers(40, 20)).overall
    grouped = accuracy(answers(40, 20, group_size=4)).overall
    assert alone is not None and grouped is not None
    assert alone.low is not None and grouped.low is not None
    assert grouped.rate == alone.rate
    assert grouped.low < alone.low - 0.03


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_it_is_the_clustered_rate_of_right_and_wrong(cases: list[tuple[bool, int]]) -> None:
    graded = [
        GradedAnswer(f"q{i}", 1, "s", f"g{group}", right) for i, (right, group) in enumerate(cases)
    ]
    expected = clustered_rate([float(right) for right, _ in cases], [f"g{g}" for _, g in cases])
    assert accuracy(graded).overall == expected


def test_a_run_does_not_differ_from_itself() -> None:
    found = paired_accuracy(answers(40, 30), answers(40, 30)).overall
    assert (found.difference.value, found.p) == (0.0, 1.0)
    assert found.name == "utility"


def test_ten_of_forty_questions_lost_are_told_with_their_names() -> None:
    found = paired_accuracy(answers(40, 40), answers(40, 30)).overall
    assert found.difference.value == -0.25
    assert (found.discordant_worse, found.discordant_better) == (10, 0)
    assert found.p == pytest.approx(binomtest(0, 10).pvalue)
    assert found.fell == tuple(f"counting-{i:03d}" for i in range(30, 40))
    assert found.difference.high is not None and found.difference.high < 0


def test_questions_of_one_image_that_fall_together_are_one_event() -> None:
    before, after = answers(40, 40, group_size=5), answers(40, 30, group_size=5)
    found = paired_accuracy(before, after).overall
    assert found.mcnemar_p is not None and found.mcnemar_p < 0.01
    assert found.decides == "sign-flip"
    assert found.p > 0.3


def test_a_question_that_failed_in_one_run_is_left_out_of_both() -> None:
    found = paired_accuracy(failed(answers(10, 10), 0), failed(answers(10, 9), 9))
    assert found.overall.n_pairs == 8
    assert found.overall.difference.value == 0.0
    assert found.left_out == 2


def test_an_epoch_that_failed_in_one_run_is_left_out_of_both() -> None:
    """Else a question that is right in half of its epochs would seem to change."""
    steady = [*answers(1, 1, epoch=1), *answers(1, 0, epoch=2), *answers(5, 5, skill="charts")]
    found = paired_accuracy(steady, failed(steady, 1))
    assert found.overall.difference.value == 0.0
    assert found.overall.n_pairs == 6


def test_questions_of_one_run_alone_are_counted() -> None:
    found = paired_accuracy(answers(10, 10), answers(7, 7))
    assert (found.only_before, found.only_after) == (3, 0)
    assert found.overall.n_pairs == 7


def test_skills_are_compared_apart() -> None:
    before = [*answers(10, 10), *answers(10, 10, skill="charts")]
    after = [*answers(10, 10), *answers(10, 4, skill="charts")]
    found = paired_accuracy(before, after)
    assert [*found.by_skill] == ["charts", "counting"]
    assert found.by_skill["charts"].difference.value == -0.6
    assert found.by_skill["charts"].name == "utility:skill=charts"
    assert found.by_skill["counting"].difference.value == 0.0


def test_runs_with_nothing_in_common_have_no_difference() -> None:
    found = paired_accuracy(answers(3, 3), answers(3, 3, skill="charts"))
    assert found.overall.difference.value is None
    assert (found.overall.p, found.overall.n_pairs) == (1.0, 0)
    assert found.by_skill == {}
