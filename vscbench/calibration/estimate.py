"""A number with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval; ``None`` where it is not defined or not known."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of ``n`` cases, from 0 to 1, with its 95 % interval where there is one."""

    rate: float
    n: int
    low: float | None = None
    high: float | None = None
