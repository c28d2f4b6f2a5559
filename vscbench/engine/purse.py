"""The money of a run, which the model under test and the judge's models spend together."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Purse:
    """Holds one amount for all the budgets of a run; amounts are US dollars.

    ``in_flight`` counts the requests that ``in_flight_usd`` is set aside for. ``doubts`` say, one
    for each budget, what its requests in flight may cost beyond that.
    """

    most_usd: float
    spent_usd: float = 0.0
    in_flight_usd: float = 0.0
    in_flight: int = 0
    doubts: list[Callable[[], float]] = field(default_factory=list)
    watchers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def committed_usd(self) -> float:
        """What was spent or is set aside."""
        return self.spent_usd + self.in_flight_usd

    def set_aside(self, amount: float) -> None:
        """Set aside what one request may cost."""
        self.in_flight_usd += amount
        self.in_flight += 1

    def settle(self, set_aside: float, cost: float) -> None:
        """Count what one request has cost, and tell who waits for what was set aside for it."""
        self.in_flight -= 1
        # No rounding error is left behind once nothing is in flight.
        self.in_flight_usd = self.in_flight_usd - set_aside if self.in_flight else 0.0
        self.spent_usd += cost
        for tell in self.watchers:
            tell()
