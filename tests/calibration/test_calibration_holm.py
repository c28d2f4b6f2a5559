import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.calibration.holm import holm_adjusted

FAMILY = st.lists(st.floats(0, 1), min_size=1, max_size=12)


# Few, because statsmodels collects all garbage of the process each time.
@pytest.mark.parametrize(
    "family",
    [
        [0.04, 0.001, 0.03, 0.04, 0.2, 0.011, 0.5, 0.0004],
        [0.02, 0.02, 1.0, 0.0, 0.3, 0.02],
        [0.7, 0.6, 0.2, 0.013, 0.0125, 0.012, 0.9, 0.45, 0.31, 0.05, 0.049, 1e-9],
    ],
)
def test_adjusted_p_is_that_of_statsmodels(family: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    adjusted = holm_adjusted({str(place): p for place, p in enumerate(family)})
    assert list(adjusted.values()) == pytest.approx(multipletests(family, method="holm")[1])


@given(FAMILY)
def test_adjusted_p_are_in_the_order_of_p_and_at_most_those_of_bonferroni(
    family: list[float],
) -> None:
    adjusted = [*holm_adjusted({str(place): p for place, p in enumerate(family)}).values()]
    in_order = sorted(zip(family, adjusted, strict=True))
    assert [each for _, each in in_order] == sorted(adjusted)
    for p, each in in_order:
        assert p <= each <= min(1.0, p * len(family))
    assert adjusted[family.index(min(family))] == pytest.approx(min(1.0, min(family) * len(family)))


def test_the_smallest_counts_as_often_as_there_are_tests() -> None:
    assert holm_adjusted({"a": 0.03, "b": 0.01}) == {"a": 0.03, "b": 0.02}
    assert holm_adjusted({"a": 0.04, "b": 0.03}) == {"a": 0.06, "b": 0.06}
    assert holm_adjusted({}) == {}
