"""Quantiles of Student's t distribution, by scipy."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: int) -> float:
    """Return the value that t stays below with a probability above 0 and below 1.

    Raises:
        ValueError: less than one degree of freedom, or another probability.
    """
    # Imported here: it takes a third of a second, and only a run's end needs it.
    from scipy.special import stdtrit

    if degrees < 1 or not 0 < probability < 1:
        raise ValueError(f"no t quantile at {probability} with {degrees} degrees of freedom")
    return float(stdtrit(degrees, probability))
