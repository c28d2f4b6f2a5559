"""The interval of a sum of two numbers, from the interval of each (MOVER)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Numbers = NDArray[numpy.float64]
    # A number, and the lower and upper end of its interval; infinite where it is not bounded.
    Bounded = tuple[Numbers, Numbers, Numbers]


def bounds_of_sum(first: "Bounded", second: "Bounded", correlation: "Numbers") -> "Bounded":
    """Add two numbers, with the interval that their own intervals and correlation give.

    Method of variance estimates recovery: Zou and Donner 2008, https://doi.org/10.1002/sim.3095,
    and with dependence Zou 2007, https://doi.org/10.1037/1082-989X.12.4.399. The distance from a
    number to an end of its interval stands for its standard error towards that end, so that a
    skewed interval stays skewed.
    """
    total = first[0] + second[0]
    low = total - _distance(first[0] - first[1], second[0] - second[1], correlation)
    high = total + _distance(first[2] - first[0], second[2] - second[0], correlation)
    return total, low, high


def negated(number: "Bounded") -> "Bounded":
    """Turn the sign of a number, so that a sum becomes a difference."""
    return -number[0], -number[2], -number[1]


def _distance(first: "Numbers", second: "Numbers", correlation: "Numbers") -> "Numbers":
    import numpy

    bounded = numpy.isfinite(first) & numpy.isfinite(second)
    here, there = numpy.where(bounded, first, 0.0), numpy.where(bounded, second, 0.0)
    # As sum of squares and product, but written so that rounding cannot make it negative.
    squared = (here - there) ** 2 + 2 * (1 + correlation) * here * there
    distance: Numbers = numpy.where(bounded, numpy.sqrt(squared), numpy.inf)
    return distance
