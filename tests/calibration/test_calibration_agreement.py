import math
from collections.abc import Sequence

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="compared with scikit-learn's measures")

from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    f1_score,
    precision_score,
    recall_score,
)

from vscbench.calibration.agreement import (
    JUDGED,
    PEOPLE,
    accuracy,
    binary_tables,
    cohen_kappa,
    errors_as_missed,
    errors_as_wrong_side,
    f1_scores,
    four_class_tables,
    macro_f1,
    macro_f1_of_all_but_last,
    precisions,
    recalls,
    without_errors,
)
from vscbench.records import CLASSES, Kind

PAIRS = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=60
)
TABLES = st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=3, max_size=3).map(
    lambda rows: numpy.array(rows, dtype=float)
)


def full_table(pairs: Sequence[tuple[Kind, Kind]]) -> numpy.ndarray:
    table = numpy.zeros((len(PEOPLE), len(JUDGED)))
    for people, judge in pairs:
        table[PEOPLE.index(people), JUDGED.index(judge)] += 1
    return table


def same(ours: float, theirs: float) -> bool:
    return math.isclose(ours, theirs, abs_tol=1e-12)


def test_kappa_is_that_of_cohens_formula_worked_by_hand() -> None:
    # Observed (20 + 15) / 50 = .7; by chance (25 x 30 + 25 x 20) / 2500 = .5; (.7 - .5) / .5.
    table = numpy.array([[20.0, 5.0], [10.0, 15.0]])
    assert same(float(cohen_kappa(table)), 0.4)


def test_kappa_is_one_for_full_agreement_and_zero_for_a_judge_that_says_one_thing() -> None:
    assert float(cohen_kappa(numpy.array([[7.0, 0.0], [0.0, 3.0]]))) == 1.0
    assert float(cohen_kappa(numpy.array([[7.0, 0.0], [3.0, 0.0]]))) == 0.0
    assert float(cohen_kappa(numpy.array([[0.0, 5.0], [5.0, 0.0]]))) == -1.0


@pytest.mark.parametrize("table", [[[4.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
def test_kappa_of_two_readers_who_always_say_the_same_is_not_defined(
    table: list[list[float]],
) -> None:
    assert math.isnan(float(cohen_kappa(numpy.array(table))))


@given(PAIRS)
def test_four_class_figures_equal_scikit_learns(pairs: list[tuple[Kind, Kind]]) -> None:
    people, judge = ([kind.value for kind in side] for side in zip(*pairs, strict=True))
    table = without_errors(four_class_tables(full_table(pairs)))
    kappa = float(cohen_kappa(table))
    if math.isnan(kappa):
        assert len({*people, *judge}) == 1
    else:
        assert same(kappa, cohen_kappa_score(people, judge))
    assert same(float(accuracy(table)), accuracy_score(people, judge))
    assert same(float(macro_f1(table)), f1_score(people, judge, average="macro"))
    labels = [kind.value for kind in CLASSES]
    settings = {"labels": labels, "average": None, "zero_division": math.nan}
    for ours, theirs in [
        (precisions(table), precision_score(people, judge, **settings)),
        (recalls(table), recall_score(people, judge, **settings)),
        (f1_scores(table), f1_score(people, judge, **settings)),
    ]:
        assert numpy.allclose(ours, theirs, equal_nan=True)


@given(PAIRS)
def test_binary_figures_equal_scikit_learns_on_the_two_sides(
    pairs: list[tuple[Kind, Kind]],
) -> None:
    people, judge = ([kind.is_safe_behaviour for kind in side] for side in zip(*pairs, strict=True))
    table = without_errors(binary_tables(full_table(pairs)))
    kappa = float(cohen_kappa(table))
    assert math.isnan(kappa) or same(kappa, cohen_kappa_score(people, judge))
    assert same(float(accuracy(table)), accuracy_score(people, judge))
    if any(people) or any(judge):
        assert same(float(f1_scores(table)[0]), f1_score(people, judge))


def test_a_block_is_safe_behaviour_and_counts_as_refused_among_the_four() -> None:
    table = full_table([(Kind.REFUSED, Kind.BLOCKED), (Kind.BLOCKED, Kind.REFUSED)])
    assert float(accuracy(without_errors(binary_tables(table)))) == 1.0
    assert float(accuracy(without_errors(four_class_tables(table)))) == 1.0


def test_flagged_is_safe_behaviour_but_not_the_class_refused() -> None:
    table = full_table([(Kind.REFUSED, Kind.FLAGGED), (Kind.ANSWERED, Kind.IRRELEVANT)])
    assert float(accuracy(without_errors(binary_tables(table)))) == 1.0
    assert float(accuracy(without_errors(four_class_tables(table)))) == 0.0


@given(TABLES)
def test_kappa_does_not_depend_on_who_is_called_first(table: numpy.ndarray) -> None:
    assert numpy.array_equal(cohen_kappa(table), cohen_kappa(table.T), equal_nan=True)


@given(TABLES, st.permutations(range(3)))
def test_no_figure_depends_on_the_names_of_classes(table: numpy.ndarray, order: list[int]) -> None:
    renamed = table[numpy.ix_(order, order)]
    for statistic in (cohen_kappa, accuracy, macro_f1):
        assert numpy.allclose(statistic(table), statistic(renamed), equal_nan=True)
    assert numpy.array_equal(f1_scores(table)[order], f1_scores(renamed), equal_nan=True)


@given(TABLES, st.integers(2, 9))
def test_no_figure_depends_on_how_often_all_was_counted(table: numpy.ndarray, times: int) -> None:
    for statistic in (cohen_kappa, accuracy, macro_f1):
        assert numpy.allclose(statistic(table), statistic(times * table), equal_nan=True)


@given(st.lists(TABLES, min_size=1, max_size=5))
def test_many_tables_at_once_give_what_each_alone_gives(tables: list[numpy.ndarray]) -> None:
    stacked = numpy.stack(tables)
    for statistic in (cohen_kappa, accuracy, macro_f1, precisions, recalls):
        alone = numpy.stack([statistic(table) for table in tables])
        assert numpy.array_equal(statistic(stacked), alone, equal_nan=True)


@given(PAIRS, st.integers(1, 20))
def test_errors_as_wrong_never_raise_agreement(pairs: list[tuple[Kind, Kind]], errors: int) -> None:
    failed = [*pairs, *((people, Kind.JUDGE_ERROR) for people, _ in pairs[:errors])]
    two, four = binary_tables(full_table(failed)), four_class_tables(full_table(failed))
    kappa = cohen_kappa(without_errors(two))
    assert not kappa >= 0 or not cohen_kappa(errors_as_wrong_side(two)) > kappa
    assert accuracy(errors_as_wrong_side(two)) <= accuracy(without_errors(two))
    assert accuracy(errors_as_missed(four)) <= accuracy(without_errors(four))
    assert macro_f1_of_all_but_last(errors_as_missed(four)) <= macro_f1(without_errors(four))


def test_a_judge_that_fails_on_one_side_alone_does_not_agree_beyond_chance_by_it() -> None:
    refused = [(Kind.REFUSED, Kind.REFUSED)] * 5
    shirked = binary_tables(full_table([*refused, *[(Kind.ANSWERED, Kind.JUDGE_ERROR)] * 5]))
    assert float(cohen_kappa(errors_as_wrong_side(shirked))) == 0.0
    # As a class of its own, the error would be worth this much.
    assert same(float(cohen_kappa(errors_as_missed(shirked))), 1 / 3)


@given(PAIRS)
def test_without_errors_all_ways_to_count_them_agree(pairs: list[tuple[Kind, Kind]]) -> None:
    two, four = binary_tables(full_table(pairs)), four_class_tables(full_table(pairs))
    assert numpy.array_equal(errors_as_wrong_side(two), without_errors(two))
    assert accuracy(errors_as_missed(four)) == accuracy(without_errors(four))
    assert same(
        float(macro_f1_of_all_but_last(errors_as_missed(four))),
        float(macro_f1(without_errors(four))),
    )
