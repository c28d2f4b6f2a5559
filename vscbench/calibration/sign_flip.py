"""The sign-flip test: had nothing changed, each cluster could as well have gone the other way."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

# Additions of the exact computation; about a second.
MOST_STEPS: Final = 200_000_000
DRAWS: Final = 19_999
# Drawn at a time, in signs: 8 MB.
MOST_SIGNS: Final = 8_000_000
# What rounding can make of a sum that equals the one seen.
SLACK: Final = 1e-9


def sign_flip_p(sums: Sequence[Fraction], seed: int = 0) -> float:
    """Compute the two-sided p of a total, by turning the signs of the clusters' sums.

    If the two runs do not differ, a cluster's sum of differences is as likely as its negative,
    and clusters are independent: p is the share of all ways to turn signs whose total is as far
    from 0 as the one seen. It holds for clusters of any size and any dependence within them
    (Canay, Romano and Shaikh 2017, https://doi.org/10.3982/ECTA13081, section 2).

    The share is exact: sums are whole multiples of one unit, so that the distribution of the
    total is known without listing every way. Where that would take too long, it is estimated
    from seeded draws, as (b + 1) / (m + 1) (Phipson and Smyth 2010,
    https://doi.org/10.2202/1544-6115.1585).

    Args:
        sums: of the differences in each cluster.
        seed: of the draws, where there are any.
    """
    sizes = [abs(each) for each in sums if each]
    seen = abs(sum(sums, Fraction()))
    if not seen:
        return 1.0
    unit = Fraction(
        math.gcd(*(each.numerator for each in sizes)),
        math.lcm(*(each.denominator for each in sizes)),
    )
    steps = [int(each / unit) for each in sizes]
    if (sum(steps) + 1) * len(steps) <= MOST_STEPS:
        return _exact(steps, int(seen / unit))
    return _drawn([float(each) for each in sizes], float(seen), seed)


def _exact(steps: Sequence[int], seen: int) -> float:
    """Return the probability of a total as far from 0 as the one seen, which is not 0.

    The sizes whose sign is positive add up to (total of sizes + total of signed sizes) / 2.
    """
    import numpy

    whole = sum(steps)
    positive = numpy.zeros(whole + 1)
    positive[0] = 1.0
    reached = 0
    for step in steps:
        reached += step
        halved = positive[: reached + 1] / 2
        positive[: reached + 1] = halved
        positive[step : reached + 1] += halved[: reached + 1 - step]
    return min(1.0, 2 * math.fsum(positive[(whole + seen) // 2 :]))


def _drawn(sizes: Sequence[float], seen: float, seed: int) -> float:
    import numpy

    column = numpy.array(sizes)
    far = seen * (1 - SLACK)
    extreme = sum(
        int((numpy.abs(signs @ column) >= far).sum()) for signs in _signs(len(sizes), seed)
    )
    return (extreme + 1) / (DRAWS + 1)


def _signs(clusters: int, seed: int) -> "Iterator[NDArray[numpy.float64]]":
    """Draw signs, a row a draw, from the bits of PCG64's raw stream: the same on every machine."""
    import numpy

    stream = numpy.random.PCG64(seed)
    words = -(-clusters // 64)
    at_once = max(1, MOST_SIGNS // (64 * words))
    for start in range(0, DRAWS, at_once):
        rows = min(at_once, DRAWS - start)
        raw = stream.random_raw(rows * words).astype("<u8").view(numpy.uint8)
        bits = numpy.unpackbits(raw).reshape(rows, 64 * words)[:, :clusters]
        yield 2.0 * bits.astype(numpy.float64) - 1.0
