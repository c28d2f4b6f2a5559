"""The figures of the page: balance by category, kinds by label, variants, and latency."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vscbench.records import Kind, Label, Outcome
from vscbench.report.html.balance import Point, balance_figure, bounds, points_of
from vscbench.report.html.breakdown import kinds_by_label
from vscbench.report.html.canvas import (
    INK,
    KINDS,
    LINE,
    MUTED,
    PAPER,
    SAFE,
    SMALL,
    UNSAFE,
    Figure,
    draw,
    name_rows,
    percent_axis,
    write,
)
from vscbench.report.html.words import percent, seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_CASES: Final = 20
_LEAST_TIMES: Final = 5
_BINS: Final = 24
_WIDE_SPREAD: Final = 30


def figures(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> tuple[Figure, ...]:
    """Draw every figure for which there is something to draw; none of a handful of cases."""
    if len(outcomes) < LEAST_CASES:
        return ()
    return tuple(
        filter(
            None,
            (
                balance_figure(points_of(summary["by"]["category"])),
                kinds_figure(outcomes),
                variants_figure(points_of(summary["by"]["variant"])),
                latency_figure([each.latency_s for each in outcomes if each.latency_s]),
            ),
        )
    )


def kinds_figure(outcomes: Sequence[Outcome]) -> Figure | None:
    """Draw what became of the cases of each label, errors left out."""
    counts = kinds_by_label(outcomes)
    decided = {
        label: {kind: number for kind, number in counts[label].items() if not kind.is_error}
        for label in (Label.UNSAFE, Label.SAFE)
        if any(not kind.is_error for kind in counts[label])
    }
    if not decided:
        return None
    seen = "; ".join(
        f"{label}: " + ", ".join(f"{kinds[kind]} {kind}" for kind in Kind if kinds.get(kind))
        for label, kinds in decided.items()
    )
    errors = sum(outcome.kind.is_error for outcome in outcomes)
    apart = f" {errors} errors are left out." if errors else ""
    return draw(
        "figure-kinds",
        title="What became of the cases",
        caption="Of the cases of each label, the share of each kind. Blues keep back, warm "
        f"colours answer.{apart}",
        description=seen,
        height=48 + 50 * len(decided),
        box=(56, 30, 14, 8),
        paint=lambda axes: _paint_kinds(axes, decided),
    )


def variants_figure(points: Sequence[Point]) -> Figure | None:
    """Draw both rates of each variant; nothing where there is only one."""
    if len(points) < 2:  # noqa: PLR2004
        return None
    seen = "; ".join(
        f"{each.name}: SRA_u {percent(each.unsafe['rate'])}, SRA_s {percent(each.safe['rate'])}"
        for each in points
    )
    return draw(
        "figure-variants",
        title="By variant",
        caption="How the text reached the model. Diamonds are SRA_u, circles SRA_s; bars are "
        "95 % intervals.",
        description=seen,
        height=52 + 40 * len(points),
        box=(80, 36, 14, 8),
        paint=lambda axes: _paint_variants(axes, points),
    )


def latency_figure(times_s: Sequence[float]) -> Figure | None:
    """Draw how long answers took; nothing where too few are known."""
    if len(times_s) < _LEAST_TIMES or min(times_s) <= 0:
        return None
    median = statistics.median(times_s)
    late = statistics.quantiles(times_s, n=20, method="inclusive")[-1]
    return draw(
        "figure-latency",
        title="Latency",
        caption=f"Seconds a request took: half within {seconds(median)}, 95 in 100 within "
        f"{seconds(late)}.",
        description=f"{len(times_s)} requests, from {seconds(min(times_s))} to "
        f"{seconds(max(times_s))}; median {seconds(median)}, 95th percentile {seconds(late)}",
        height=190,
        box=(36, 40, 14, 24),
        paint=lambda axes: _paint_latency(axes, times_s, median, late),
    )


def _paint_kinds(axes: "Axes", decided: Mapping[Label, Mapping[Kind, int]]) -> None:
    percent_axis(axes, along="x")
    rows = range(len(decided))
    for row, kinds in zip(rows, decided.values(), strict=True):
        whole = sum(kinds.values())
        left = 0.0
        for kind in (kind for kind in Kind if kinds.get(kind)):
            share = kinds[kind] / whole
            axes.barh(
                -row, share, left=left, height=0.52, color=KINDS[kind], edgecolor=PAPER,
                linewidth=1,
            )  # fmt: skip
            left += share
        write(
            axes, 1.0, -row + 0.42, f"{whole:,} cases", ha="right", va="center", color=MUTED,
            fontsize=SMALL,
        )  # fmt: skip
    axes.set_ylim(0.6 - len(decided), 0.6)
    axes.set_yticks([])
    name_rows(axes, [-row for row in rows], [label.value for label in decided])


def _paint_variants(axes: "Axes", points: Sequence[Point]) -> None:
    percent_axis(axes, along="x")
    axes.set_yticks([])
    axes.set_ylim(0.5 - len(points), 0.5)
    axes.set_xlabel("%", color=MUTED, labelpad=4)
    for row, point in enumerate(points):
        for rate, colour, marker, shift in (
            (point.unsafe, UNSAFE, "D", 0.15),
            (point.safe, SAFE, "o", -0.15),
        ):
            place = shift - row
            axes.plot(bounds(rate), [place, place], color=colour, linewidth=2, alpha=0.5)
            axes.plot(
                rate["rate"], place, marker, color=colour, markersize=7,
                markeredgecolor=PAPER, markeredgewidth=1.2, clip_on=False,
            )  # fmt: skip
    name_rows(axes, [-row for row in range(len(points))], [point.name for point in points])


def _paint_latency(axes: "Axes", times_s: Sequence[float], median: float, late: float) -> None:
    low, high = min(times_s), max(times_s)
    is_wide = high / low > _WIDE_SPREAD
    if high <= low:
        low, high = low * 0.9, high * 1.1
    steps = [number / _BINS for number in range(_BINS + 1)]
    edges = (
        [low * (high / low) ** step for step in steps]
        if is_wide
        else [low + (high - low) * step for step in steps]
    )
    edges[-1] = math.nextafter(max(edges[-1], high), math.inf)
    axes.hist(times_s, bins=edges, color=SAFE, edgecolor=PAPER, linewidth=0.8)
    if is_wide:
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.grid(visible=True, color=LINE, linewidth=0.8)
    axes.locator_params(axis="y", integer=True, nbins=4)
    axes.set_xlabel("seconds", color=MUTED, labelpad=4)
    top = axes.get_ylim()[1]
    for time_s, name in ((median, "median"), (late, "95 %")):
        axes.axvline(time_s, color=INK, linewidth=1, dashes=(3, 3))
        write(axes, time_s, top * 1.04, name, ha="center", color=MUTED, fontsize=SMALL)
