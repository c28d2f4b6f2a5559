import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from vscbench.calibration.mcnemar import mcnemar_p

COUNT = st.integers(0, 400)


@given(COUNT, COUNT)
def test_p_is_that_of_two_independent_implementations(worse: int, better: int) -> None:
    found = mcnemar_p(worse, better)
    assert found == pytest.approx(mcnemar([[7, worse], [better, 7]], exact=True).pvalue)
    if worse + better:
        assert found == pytest.approx(binomtest(worse, worse + better, 0.5).pvalue)


def test_nothing_changed_is_no_sign_of_anything() -> None:
    assert mcnemar_p(0, 0) == 1.0


def test_thousands_of_changes_do_not_overflow() -> None:
    assert mcnemar_p(3600, 0) == pytest.approx(2 / 2.0**1000 / 2.0**1000 / 2.0**1000, abs=1e-300)
    assert mcnemar_p(1800, 1800) == 1.0
