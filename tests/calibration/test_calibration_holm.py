import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from vscbench.calibration.holm import holm_adjusted

FAMILY = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(FAMILY)
def test_adjusted_p_is_that_of_statsmodels(family: list[float]) -> None:
    adjusted = holm_adjusted({str(place): p for place, p in enumerate(family)})
    assert list(adjusted.values()) == pytest.approx(multipletests(family, method="holm")[1])


def test_the_smallest_counts_as_often_as_there_are_tests() -> None:
    assert holm_adjusted({"a": 0.03, "b": 0.01}) == {"a": 0.03, "b": 0.02}
    assert holm_adjusted({"a": 0.04, "b": 0.03}) == {"a": 0.06, "b": 0.06}
    assert holm_adjusted({}) == {}
