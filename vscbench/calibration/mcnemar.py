"""McNemar's exact test: of the pairs that changed, as many got better as worse."""

import math


def mcnemar_p(worse: int, better: int) -> float:
    """Compute the two-sided p of the exact test, which knows of no clusters.

    Under the null hypothesis each discordant pair went either way with probability one half, so
    the smaller count is binomial (McNemar 1947, https://doi.org/10.1007/BF02295996; the exact
    form, https://en.wikipedia.org/wiki/McNemar%27s_test). Where pairs come in clusters that
    change together it finds differences that are none.

    Args:
        worse: pairs that were right before and are wrong now.
        better: pairs that were wrong before and are right now.
    """
    discordant = worse + better
    tail = sum(math.comb(discordant, count) for count in range(min(worse, better) + 1))
    return min(1.0, 2 * tail / (1 << discordant))
