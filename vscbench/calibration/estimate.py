"""A number with its interval."""

from dataclasses import dataclass
from typing import Final

# Of every interval there is, and the fewest clusters that tell how much a number varies.
LEVEL: Final = 0.95
LEAST_CLUSTERS: Final = 2


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
