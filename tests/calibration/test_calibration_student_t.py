import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.calibration.student_t import t_quantile


@given(st.floats(0.001, 0.999))
def test_one_and_two_degrees_of_freedom_have_closed_forms(probability: float) -> None:
    cauchy = math.tan(math.pi * (probability - 0.5))
    assert t_quantile(probability, 1) == pytest.approx(cauchy, rel=1e-9, abs=1e-9)
    spread = 4 * probability * (1 - probability)
    two = 2 * (probability - 0.5) * math.sqrt(2 / spread)
    assert t_quantile(probability, 2) == pytest.approx(two, rel=1e-9, abs=1e-9)


@given(st.floats(0.001, 0.999))
def test_with_many_degrees_of_freedom_it_is_normal(probability: float) -> None:
    normal = NormalDist().inv_cdf(probability)
    assert t_quantile(probability, 10**7) == pytest.approx(normal, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("probability", "degrees"), [(0.975, 0), (0.0, 5), (1.0, 5)])
def test_what_has_no_quantile_is_an_error(probability: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="no t quantile"):
        t_quantile(probability, degrees)
