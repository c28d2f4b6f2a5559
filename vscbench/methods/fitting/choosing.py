"""How far activations are pushed: a curve over alpha, and the point of it that is taken."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

# Of the share of incoherent outputs, above that of the model as it is.
MOST_MORE_INCOHERENT: Final = 0.10
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class AlphaPoint:
    """What the model does at one alpha, on pairs that the directions were not made from.

    Rates are shares from 0 to 1, ``None`` where no pair of that label was scored.
    ``incoherent`` is the share of outputs that are no longer language; ``scored`` counts the
    outputs that are in the rates.
    """

    alpha: float
    sra_unsafe: float | None
    sra_safe: float | None
    d_prime: float | None
    criterion: float | None
    incoherent: float
    scored: int

    @property
    def mean(self) -> float | None:
        """The mean of the two rates; ``None`` where one is missing."""
        if self.sra_unsafe is None or self.sra_safe is None:
            return None
        return (self.sra_unsafe + self.sra_safe) / 2

    def pack(self) -> dict[str, Any]:
        """Write it as JSON can hold it."""
        return {**asdict(self), "mean": self.mean}


def unpack_point(said: Mapping[str, Any]) -> AlphaPoint:
    """Read what ``AlphaPoint.pack`` wrote.

    Raises:
        ValueError: it is something else.
    """
    return AlphaPoint(
        alpha=_number(said, "alpha"),
        sra_unsafe=_number_or_none(said, "sra_unsafe"),
        sra_safe=_number_or_none(said, "sra_safe"),
        d_prime=_number_or_none(said, "d_prime"),
        criterion=_number_or_none(said, "criterion"),
        incoherent=_number(said, "incoherent"),
        scored=int(_number(said, "scored")),
    )


def _number_or_none(said: Mapping[str, Any], name: str) -> float | None:
    return None if said.get(name) is None else _number(said, name)


def _number(said: Mapping[str, Any], name: str) -> float:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} of a point of the curve is no number")
    return float(value)


def choose_alpha(curve: Sequence[AlphaPoint]) -> AlphaPoint:
    """Choose the point with the highest mean of SRA_u and SRA_s that is still language.

    Only those count whose share of incoherent outputs is at most 10 points above that at alpha 0.
    Of several the smallest alpha is taken: what is no better is not worth a harder push.

    Args:
        curve: with a point at alpha 0.

    Raises:
        ValueError: there is no point at alpha 0.
    """
    unrevised = [point for point in curve if point.alpha == 0]
    if not unrevised:
        raise ValueError("a curve without alpha 0 says nothing of what a revision changes")
    most = unrevised[0].incoherent + MOST_MORE_INCOHERENT + ROUNDING
    allowed = [point for point in curve if point.incoherent <= most and point.mean is not None]
    return max(
        allowed or unrevised,
        key=lambda point: (round(point.mean or 0.0, 9), -abs(point.alpha), point.alpha),
    )
