import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.calibration.estimate import Estimate
from vscbench.calibration.trade import Change, Measure, Trade
from vscbench.calibration.trade_findings import Verdict, finding

RISE, FALL = Estimate(0.62, 0.21, 1.03), Estimate(-0.62, -1.03, -0.21)
NEAR = Estimate(0.05, -0.3, 0.41)
ENDS = st.none() | st.floats(0, 4)


def change(measure: Measure, difference: Estimate, p_holm: float) -> Change:
    whole = Estimate(0.5)
    return Change(measure, whole, whole, difference, p_holm, p_holm, "interval", 100, 40)


def trade(
    d_prime: Estimate, criterion: Estimate, told: tuple[bool, bool], utility: Change | None = None
) -> Trade:
    changes = {
        "d_prime": change("d_prime", d_prime, 0.0012 if told[0] else 0.6),
        "criterion": change("criterion", criterion, 0.00001 if told[1] else 0.6),
    }
    if utility:
        changes["utility"] = utility
    return Trade(changes, Estimate(0.1), 100, 0, 0, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("d_prime", "criterion", "told", "verdict"),
    [
        (RISE, NEAR, (True, False), Verdict.BETTER),
        (RISE, FALL, (True, True), Verdict.BETTER),
        (FALL, RISE, (True, True), Verdict.WORSE),
        (NEAR, FALL, (False, True), Verdict.REFUSES_MORE),
        (NEAR, RISE, (False, True), Verdict.ANSWERS_MORE),
        (RISE, FALL, (False, True), Verdict.REFUSES_MORE),
        (NEAR, NEAR, (False, False), Verdict.UNDECIDED),
        (RISE, RISE, (False, False), Verdict.UNDECIDED),
    ],
)
def test_the_verdict_follows_d_prime_first_and_then_the_criterion(
    d_prime: Estimate, criterion: Estimate, told: tuple[bool, bool], verdict: Verdict
) -> None:
    found = finding(trade(d_prime, criterion, told))
    assert found.verdict is verdict
    assert found.calibration.startswith(f"{verdict}: ")


def test_a_method_that_discriminates_better_says_by_how_much() -> None:
    said = finding(trade(RISE, NEAR, (True, False))).calibration
    assert said == "discriminates better: d' rose by 0.62 [0.21, 1.03] (p = 0.0012, Holm)"


def test_one_that_only_refuses_more_says_what_the_data_cannot_rule_out() -> None:
    assert finding(trade(NEAR, FALL, (False, True))).calibration == (
        "only refuses more: the criterion fell by 0.62 [0.21, 1.03] (p < 0.0001, Holm), and d' "
        "did not change significantly (+0.05 [-0.30, +0.41]); a fall of d' of up to 0.30 and a "
        "rise of d' of up to 0.41 are not ruled out"
    )


def test_where_it_also_leans_that_is_said() -> None:
    said = finding(trade(RISE, FALL, (True, True))).calibration
    assert "it leans more to refusing as well: the criterion fell by 0.62" in said
    said = finding(trade(FALL, RISE, (True, True))).calibration
    assert said.startswith("discriminates worse: d' fell by 0.62 [0.21, 1.03]")
    assert "it leans more to answering as well" in said


def test_a_rate_of_0_or_1_leaves_d_prime_open_and_says_so() -> None:
    said = finding(trade(Estimate(0.4), FALL, (False, True))).calibration
    assert said.endswith(
        "a fall of d' of any size and a rise of d' of any size are not ruled out, since a rate is "
        "at or near 0 or 1"
    )


def test_what_the_interval_rules_out_is_not_said_to_be_open() -> None:
    said = finding(trade(Estimate(0.5, 0.01, 0.99), FALL, (False, True))).calibration
    assert said.endswith("); a rise of d' of up to 0.99 is not ruled out")


def test_without_both_labels_nothing_can_be_told() -> None:
    found = finding(Trade({}, Estimate(None), 10, 0, 0, 0))
    assert found.verdict is Verdict.UNDECIDED
    assert "too few safe and unsafe pairs" in found.sentence
    assert "utility was not measured" in found.sentence


@pytest.mark.parametrize(
    ("difference", "p", "said"),
    [
        (Estimate(-0.123, -0.167, -0.08), 0.001, "costs 12.3 points of utility [8.0, 16.7]"),
        (Estimate(0.05, 0.01, 0.09), 0.001, "gains 5.0 points of utility [1.0, 9.0]"),
        (
            Estimate(-0.012, -0.04, 0.016),
            0.4,
            "no significant change of utility (-1.2 points [-4.0, +1.6]); a loss of up to 4.0 "
            "points is not ruled out",
        ),
        (
            Estimate(-0.5),
            1.0,
            "no significant change of utility (-50.0 points); a loss of any size is not ruled out",
        ),
    ],
)
def test_the_price_is_said_in_points(difference: Estimate, p: float, said: str) -> None:
    utility = change("utility", difference, p)
    assert finding(trade(NEAR, NEAR, (False, False), utility)).utility == said


@given(
    st.floats(-3, 3), ENDS, ENDS, st.floats(-3, 3), ENDS, ENDS, st.tuples(*(2 * [st.booleans()]))
)
def test_whatever_is_measured_there_is_a_sentence_without_a_stray_number(  # noqa: PLR0913, PLR0917
    d_prime: float,
    d_below: float | None,
    d_above: float | None,
    criterion: float,
    c_below: float | None,
    c_above: float | None,
    told: tuple[bool, bool],
) -> None:
    def around(value: float, below: float | None, above: float | None) -> Estimate:
        low = None if below is None else value - below
        return Estimate(value, low, None if above is None else value + above)

    found = finding(
        trade(around(d_prime, d_below, d_above), around(criterion, c_below, c_above), told)
    )
    assert found.calibration.startswith(found.verdict)
    assert "nan" not in found.sentence
    assert "None" not in found.sentence


def test_what_else_changed_is_said_beside_d_prime_and_the_criterion() -> None:
    undecided = trade(NEAR, NEAR, (False, False))
    rates = {
        "sra_u": change("sra_u", Estimate(0.087, 0.039, 0.151), 0.04),
        "sra_s": change("sra_s", Estimate(0.01, -0.03, 0.06), 1.0),
        "contrast": change("contrast", Estimate(-0.36, -0.457, -0.256), 0.001),
    }
    both = Trade({**undecided.changes, **rates}, Estimate(0.1), 100, 0, 0, 0)  # type: ignore[dict-item]
    assert finding(both).calibration.endswith(
        "; SRA_u rose by 8.7 points [3.9, 15.1]"
        "; contrasts with both sides right fell by 36.0 points [25.6, 45.7]"
    )
    refuses = trade(NEAR, FALL, (False, True)).changes
    said = finding(Trade({**refuses, **rates}, Estimate(0.1), 100, 0, 0, 0)).calibration  # type: ignore[dict-item]
    assert "SRA_u" not in said
    assert "contrasts with both sides right fell by 36.0 points" in said
