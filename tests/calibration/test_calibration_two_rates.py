import math
from typing import TYPE_CHECKING

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.calibration.two_rates import bounds_of_sum, negated

if TYPE_CHECKING:
    from vscbench.calibration.two_rates import Bounded

NUMBER = st.floats(-3, 3)
DISTANCE = st.floats(0, 2)
CORRELATION = st.floats(-1, 1)


def both_ways(value: float, below: float, above: float) -> "Bounded":
    return numpy.asarray(value), numpy.asarray(value - below), numpy.asarray(value + above)


@given(NUMBER, DISTANCE, NUMBER, DISTANCE, CORRELATION)
def test_even_intervals_add_up_as_standard_errors_do(
    first: float, here: float, second: float, there: float, together: float
) -> None:
    total, low, high = bounds_of_sum(
        both_ways(first, here, here), both_ways(second, there, there), numpy.asarray(together)
    )
    spread = math.sqrt(max(0.0, here**2 + there**2 + 2 * together * here * there))
    assert float(total) == pytest.approx(first + second)
    assert float(high - total) == pytest.approx(spread, abs=1e-6)
    assert float(total - low) == pytest.approx(spread, abs=1e-6)


@given(NUMBER, st.tuples(DISTANCE, DISTANCE), NUMBER, st.tuples(DISTANCE, DISTANCE))
def test_a_difference_takes_the_far_end_of_what_is_subtracted(
    first: float, here: tuple[float, float], second: float, there: tuple[float, float]
) -> None:
    (below, above), (under, over) = here, there
    minus = negated(both_ways(second, under, over))
    value, low, high = bounds_of_sum(both_ways(first, below, above), minus, numpy.asarray(0.0))
    assert float(value) == pytest.approx(first - second)
    assert float(value - low) == pytest.approx(math.hypot(below, over))
    assert float(high - value) == pytest.approx(math.hypot(above, under))


@given(CORRELATION)
def test_what_one_number_leaves_open_the_sum_leaves_open(together: float) -> None:
    opened = both_ways(1.0, 0.5, math.inf)
    bounded = both_ways(0.0, 0.5, 0.5)
    _, low, high = bounds_of_sum(opened, bounded, numpy.asarray(together))
    assert math.isfinite(float(low))
    assert float(high) == math.inf
