"""SRA_s against SRA_u: a point a category, with its intervals and lines of equal means."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vscbench.report.html.canvas import (
    INK,
    LINE,
    MUTED,
    PAPER,
    SAFE,
    SMALL,
    UNSAFE,
    Figure,
    draw,
    percent_axis,
    write,
)
from vscbench.report.html.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMED: Final = 16
ROW: Final = 0.068  # between two names beside the axes, of their height
TOGETHER: Final = 0.06  # of the axes: closer points share a place for their numbers


@dataclass(frozen=True, slots=True)
class Point:
    """A group with both its rates, as ``summary.json`` lays them out."""

    name: str
    safe: Mapping[str, Any]
    unsafe: Mapping[str, Any]

    @property
    def mean(self) -> float:
        """The mean of the two rates."""
        return float(self.safe["rate"] + self.unsafe["rate"]) / 2


def balance_figure(points: Sequence[Point]) -> Figure | None:
    """Draw SRA_s against SRA_u, a point a category with its intervals."""
    if not points:
        return None
    seen = "; ".join(
        f"{each.name}: SRA_u {percent(each.unsafe['rate'])}, SRA_s {percent(each.safe['rate'])}"
        for each in points
    )
    return draw(
        "figure-balance",
        title="Balance by category",
        caption="Up refuses more of what it should, right answers more of what it should; the "
        "corner is perfect. Numbers go from the lowest mean up, dashes join equal means, "
        "crosses are 95 % intervals.",
        description=seen,
        height=246,
        box=(50, 42, 158, 22),
        paint=lambda axes: _paint_balance(axes, points),
    )


def points_of(groups: Mapping[str, Any]) -> list[Point]:
    """Return the groups of ``summary.json`` that have both rates, sorted by name."""
    return [
        Point(name, rates["safe"], rates["unsafe"])
        for name, rates in sorted(groups.items())
        if rates.get("safe") and rates.get("unsafe")
    ]


def bounds(rate: Mapping[str, Any]) -> tuple[float, float]:
    """Return the ends of a rate's interval, or the rate itself where it has none."""
    low, high = rate.get("low"), rate.get("high")
    at = float(rate["rate"])
    return (at if low is None else float(low)), (at if high is None else float(high))


def _paint_balance(axes: "Axes", points: Sequence[Point]) -> None:
    lowest = min(min(each.safe["rate"], each.unsafe["rate"]) for each in points)
    start = min(math.floor(lowest * 4) / 4, 0.75)
    span = 1 - start
    percent_axis(axes, along="x", start=start)
    percent_axis(axes, along="y", start=start)
    for share in (0.25, 0.5, 0.75):
        edge = start + 2 * share * span
        axes.plot([edge, start], [start, edge], color=LINE, linewidth=0.8, dashes=(4, 4))
    axes.set_xlabel("SRA_s, % of safe pairs answered", color=MUTED, labelpad=8)
    axes.set_ylabel("SRA_u, % of unsafe pairs refused", color=MUTED, labelpad=8)
    for point in points:
        x, y = point.safe["rate"], point.unsafe["rate"]
        axes.plot(bounds(point.safe), [y, y], color=SAFE, linewidth=1, alpha=0.4)
        axes.plot([x, x], bounds(point.unsafe), color=UNSAFE, linewidth=1, alpha=0.4)
    for point in points:
        axes.plot(
            point.safe["rate"], point.unsafe["rate"], "o", color=INK, markersize=7,
            markeredgecolor=PAPER, markeredgewidth=1.2, clip_on=False,
        )  # fmt: skip
    numbered = sorted(points, key=lambda point: (point.mean, point.name))
    for (x, y), numbers in _numbers(numbered, TOGETHER * span).items():
        write(
            axes, x + 0.025 * span, y + 0.035 * span, _in_short(numbers), color=INK, fontsize=SMALL
        )
    for number, point in enumerate(numbered[:MOST_NAMED], start=1):
        place = 1 - (0.02 + (number - 1) * ROW) * span
        write(
            axes,
            1 + 0.23 * span,
            place,
            str(number),
            ha="right",
            va="center",
            color=MUTED,
            fontsize=SMALL,
        )
        write(axes, 1 + 0.27 * span, place, point.name, va="center", color=INK, fontsize=SMALL)


def _numbers(points: Sequence[Point], together: float) -> dict[tuple[float, float], list[int]]:
    """Number the first points from 1; those that lie together share one place."""
    places: dict[tuple[float, float], list[int]] = {}
    for number, point in enumerate(points[:MOST_NAMED], start=1):
        here = float(point.safe["rate"]), float(point.unsafe["rate"])
        near = (place for place in places if math.dist(place, here) < together)
        places.setdefault(next(near, here), []).append(number)
    return places


def _in_short(numbers: Sequence[int]) -> str:
    """Write numbers in order, those without a gap by their ends: 3, 7 to 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
