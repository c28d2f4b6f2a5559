import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.calibration.agreement import JUDGED, PEOPLE
from vscbench.calibration.estimate import Estimate
from vscbench.calibration.judge_agreement import Reading, judge_agreement
from vscbench.records import Kind

REFUSED, FLAGGED, ANSWERED = Kind.REFUSED, Kind.FLAGGED, Kind.ANSWERED
FAILED = Kind.JUDGE_ERROR
READINGS = st.lists(
    st.builds(Reading, st.sampled_from(PEOPLE), st.sampled_from(JUDGED), st.sampled_from("abcdef")),
    max_size=30,
)


def read(*pairs: tuple[Kind, Kind]) -> list[Reading]:
    """Readings that are each of a prompt of their own."""
    return [Reading(people, judge, str(n)) for n, (people, judge) in enumerate(pairs)]


def test_figures_and_counts_of_a_small_case() -> None:
    found = judge_agreement(
        read((REFUSED, REFUSED), (REFUSED, FLAGGED), (ANSWERED, ANSWERED), (ANSWERED, REFUSED))
    )
    assert (found.n, found.clusters, found.errors, found.coverage) == (4, 4, 0, 1.0)
    assert found.binary.kappa.value == pytest.approx(0.5)
    assert found.binary.accuracy.value == 0.75
    assert found.binary.f1.value == pytest.approx(0.8)
    assert found.four_class.accuracy.value == 0.5
    refused = found.four_class.per_class[REFUSED]
    assert (refused.people, refused.judge) == (2, 2)
    assert (refused.precision.value, refused.recall.value) == (0.5, 0.5)
    assert found.confusion[REFUSED][FLAGGED].n == 1
    assert found.confusion[REFUSED][FLAGGED].share.value == 0.5


def test_every_figure_has_an_interval_around_it() -> None:
    pairs = [(REFUSED, REFUSED), (ANSWERED, ANSWERED), (FLAGGED, REFUSED), (ANSWERED, FLAGGED)]
    found = judge_agreement(read(*pairs * 20))
    for figure in (found.binary.kappa, found.four_class.macro_f1, found.binary.f1):
        assert figure.low is not None and figure.high is not None and figure.value is not None
        assert figure.low < figure.value < figure.high


def test_errors_are_in_no_figure_but_the_one_that_counts_them_as_wrong() -> None:
    judged = read((REFUSED, REFUSED), (ANSWERED, ANSWERED), (ANSWERED, REFUSED))
    failed = [*judged, Reading(REFUSED, FAILED, "x"), Reading(ANSWERED, FAILED, "y")]
    without, having = (judge_agreement(each, resamples=0) for each in (judged, failed))
    assert having.binary == without.binary
    assert having.four_class == without.four_class
    assert (having.errors, having.coverage) == (2, 0.6)
    assert having.errors_as_wrong.binary_accuracy.value == 0.4
    # Agreed 2 of 5; the judge's sides become 3 and 2, so by chance 2 x 3 + 3 x 2 of 25.
    assert having.errors_as_wrong.binary_kappa.value == pytest.approx((10 - 12) / (25 - 12))
    assert having.confusion[REFUSED][FAILED].n == 1


def test_a_judge_does_not_win_by_judging_only_the_easy_ones() -> None:
    hard = [(REFUSED, ANSWERED), (ANSWERED, REFUSED)] * 5
    easy = [(REFUSED, REFUSED), (ANSWERED, ANSWERED)] * 5
    shirking = [(people, FAILED) for people, _ in hard]
    tries = judge_agreement(read(*easy, *hard), resamples=0)
    shirks = judge_agreement(read(*easy, *shirking), resamples=0)
    assert shirks.binary.kappa.value == 1.0
    assert shirks.errors_as_wrong.binary_accuracy == tries.errors_as_wrong.binary_accuracy
    assert shirks.errors_as_wrong.binary_kappa == tries.errors_as_wrong.binary_kappa


def test_where_people_use_one_class_kappa_and_f1_are_not_defined_and_recall_is() -> None:
    found = judge_agreement(read((REFUSED, REFUSED), (REFUSED, ANSWERED), (REFUSED, REFUSED)))
    assert found.binary.kappa == found.binary.f1 == Estimate(None)
    assert found.four_class.kappa == found.four_class.macro_f1 == Estimate(None)
    assert found.binary.accuracy.value == pytest.approx(2 / 3)
    assert found.four_class.per_class[REFUSED].recall.value == pytest.approx(2 / 3)
    assert found.four_class.per_class[ANSWERED].recall.value is None


def test_nothing_to_compare_is_no_figure_at_all() -> None:
    found = judge_agreement([])
    assert (found.n, found.clusters, found.coverage) == (0, 0, None)
    assert found.binary.accuracy == Estimate(None)
    assert found.four_class.per_class[REFUSED].precision == Estimate(None)


def test_a_single_prompt_has_no_interval() -> None:
    found = judge_agreement([Reading(REFUSED, REFUSED, "a"), Reading(ANSWERED, ANSWERED, "a")])
    assert found.binary.kappa == Estimate(1.0)


@settings(deadline=None, max_examples=50)
@given(READINGS.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_order_of_rows_changes_nothing(orders: tuple[list[Reading], list[Reading]]) -> None:
    given_order, another = (judge_agreement(readings, 50) for readings in orders)
    assert given_order == another


@settings(deadline=None, max_examples=50)
@given(READINGS)
def test_counts_add_up_and_figures_are_within_bounds(readings: list[Reading]) -> None:
    found = judge_agreement(readings, 50)
    cells = [cell for row in found.confusion.values() for cell in row.values()]
    assert sum(cell.n for cell in cells) == found.n == len(readings)
    scores = [found.binary.accuracy, found.binary.f1, found.four_class.macro_f1]
    for score in (*scores, *(cell.share for cell in cells)):
        assert score.value is None or 0 <= score.value <= 1
        assert score.low is None or score.high is None or score.low <= score.high
    kappa = found.four_class.kappa.value
    assert kappa is None or -1 <= kappa <= 1
