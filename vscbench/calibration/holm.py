"""Holm's correction: several tests of one family, one probability of a false alarm."""

from collections.abc import Mapping


def holm_adjusted(p_by_name: Mapping[str, float]) -> dict[str, float]:
    """Adjust the p of each test so that it can be held against alpha itself.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none falls below one
    before it. The probability that any true null hypothesis of the family is rejected stays at
    alpha, however the tests depend on each other (Holm 1979, https://www.jstor.org/stable/4615733).

    Returns:
        The adjusted p by name, in the order given.
    """
    ordered = sorted(p_by_name.items(), key=lambda test: test[1])
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - place) * p))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_by_name}
