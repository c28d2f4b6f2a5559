"""A number with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval; ``None`` where it is not defined or not known."""

    value: float | None
    low: float | None = None
    high: float | None = None
