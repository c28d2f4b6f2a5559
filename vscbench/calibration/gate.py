"""What a team asks of a model before it ships: minima, a baseline, and what it accepts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from vscbench.calibration.paired import FAMILY

ALPHA: Final = 0.05
BASELINE_COVERAGE: Final = 0.9


class Measure(StrEnum):
    """What a gate can ask a minimum of."""

    SRA_U = "sra_u"
    SRA_S = "sra_s"
    CONTRAST = "contrast"


class Bound(StrEnum):
    """What has to reach a minimum: the rate itself, or the lower end of its interval."""

    RATE = "rate"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least, from 0 to 1, that a measure may be; over all pairs or those of one category."""

    measure: Measure
    at_least: float
    on: Bound = Bound.RATE
    category: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineRules:
    """How a run may differ from an earlier one.

    ``not_worse`` names measures that must not be significantly worse, over which Holm's correction
    goes at ``alpha``. ``coverage`` is the least share of the run's pairs that the baseline has to
    have scored. ``margin`` says how much lower, in shares from 0 to 1, a measure may be, at
    worst, by the interval of the difference.
    """

    not_worse: tuple[str, ...] = FAMILY
    margin: Mapping[str, float] = field(default_factory=dict)
    alpha: float = ALPHA
    coverage: float = BASELINE_COVERAGE

    @property
    def names(self) -> tuple[str, ...]:
        """Every measure there is a rule for."""
        return tuple(dict.fromkeys((*self.not_worse, *self.margin)))


@dataclass(frozen=True, slots=True)
class Waiver:
    """A case that the team accepts as it is, and leaves out of the gate's rates, up to a day.

    ``case`` is the id of a pair; a waiver is good on the day ``until`` itself.
    """

    case: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Gate:
    """All that is asked. ``source`` says where it is written, for the person who reads it."""

    source: str
    coverage: float = 1.0
    minima: tuple[Minimum, ...] = ()
    baseline: BaselineRules | None = None
    waivers: tuple[Waiver, ...] = ()
