"""The figure of a trade: calibration above, helpfulness below, a place for each method.

In the manner of Figure 5 of the VSCBench paper (https://arxiv.org/abs/2505.20362).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vscbench.report.html.balance import bounds
from vscbench.report.html.canvas import (
    INK,
    LINE,
    MUTED,
    PAPER,
    POINTS,
    SAFE,
    SMALL,
    UNSAFE,
    UTILITY,
    VARIABLES,
    Figure,
    Panel,
    painted,
    percent_axis,
    write,
)
from vscbench.report.html.svg import embedded_svg
from vscbench.report.html.text import shown
from vscbench.report.trade_words import NAMES, has_utility, level_words, levels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Calibration and helpfulness by method"
CAPTION: Final = (
    "Above, how the model is calibrated with each method: diamonds are SRA_u, circles SRA_s, "
    "squares their mean. Below, the share of questions it answers rightly. Bars are 95 % "
    "intervals; dashes mark the mean, and the utility, without a method."
)
UNMEASURED: Final = "Utility was not measured (pytest -m utility)."
SERIES: Final = (
    ("SRA_u", "sra_u", UNSAFE, "D", -0.2),
    ("mean", "mean", INK, "s", 0.0),
    ("SRA_s", "sra_s", SAFE, "o", 0.2),
)
DRAWN: Final = ("sra_u", "sra_s", "mean", "utility")
LONGEST: Final = 24
# All in points.
LEFT: Final = 44
RIGHT: Final = 14
PLACE: Final = 66
NARROWEST: Final = 390
HEAD: Final = 30
NAME: Final = 18
UPPER: Final = 168
BETWEEN: Final = 34
LOWER: Final = 104
NOTE: Final = 26
STRAIGHT: Final = 28
CHARACTER: Final = 5.6
BOLD_CHARACTER: Final = 7.4
TILT: Final = 32
Fields = Mapping[str, Any]


def trade_figure(name: str, models: Sequence[Fields]) -> Figure:
    """Draw the methods of models for a page, a model above the other.

    Args:
        name: unique in the page, fit for an id.
        models: of a trade, one at least.
    """
    return Figure(name, TITLE, CAPTION, trade_element(name, models, VARIABLES))


def trade_element(name: str, models: Sequence[Fields], colours: Mapping[str, str]) -> str:
    """Draw the methods of models as an SVG element.

    Args:
        name: unique where it will stand, fit for an id.
        models: of a trade, one at least.
        colours: what stands there for each of the canvas's colours.
    """
    return embedded_svg(
        _drawn(models),
        name=name,
        title=TITLE,
        description=shown(_description(models)),
        colours=colours,
    )


def short(label: str) -> str:
    """Cut a label in its middle: its end tells parameters apart."""
    plain = " ".join(label.split())
    if len(plain) <= LONGEST:
        return plain
    kept = LONGEST // 2
    return f"{plain[: kept - 1]}…{plain[-kept:]}"


def _drawn(models: Sequence[Fields]) -> str:
    most = max(len(_runs(model)) for model in models)
    width = max(NARROWEST, LEFT + RIGHT + PLACE * most)
    named = NAME if len(models) > 1 else 0
    heights = [_height(model) + named for model in models]
    whole = sum(heights)
    panels: list[Panel] = []
    below = whole
    for model, height in zip(models, heights, strict=True):
        below -= height
        panels += _panels(model, below, whole, len(models) > 1)
    return painted(width, whole, panels)


def _panels(model: Fields, bottom: float, whole: float, is_named: bool) -> Iterator[Panel]:
    """Yield the panels of one model, whose part of the sheet begins at ``bottom``."""

    def panel(start: float, height: float, paint: "Callable[[Axes], None]") -> Panel:
        return Panel((LEFT, bottom + start, RIGHT, whole - bottom - start - height), paint)

    room = _label_room(model)
    name = model["model"] if is_named else None
    if not has_utility(model):
        yield panel(room + NOTE, UPPER, lambda axes: _paint_alone(axes, model, name))
        return
    yield panel(room + LOWER + BETWEEN, UPPER, lambda axes: _paint_upper(axes, model, name))
    yield panel(room, LOWER, lambda axes: _paint_lower(axes, model))


def _height(model: Fields) -> float:
    below = LOWER + BETWEEN if has_utility(model) else NOTE
    return _label_room(model) + below + UPPER + HEAD


def _label_room(model: Fields) -> float:
    """Return how high the labels under the axes are, in points."""
    return 26 + 0.56 * CHARACTER * _longest(model) if _is_tilted(model) else STRAIGHT


def _is_tilted(model: Fields) -> bool:
    place = max(PLACE, (NARROWEST - LEFT - RIGHT) / len(_runs(model)))
    return _longest(model) * CHARACTER > place - 6


def _longest(model: Fields) -> int:
    return max(len(short(run["label"])) for run in _runs(model))


def _runs(model: Fields) -> list[Fields]:
    return [model["baseline"], *model["methods"]]


def _paint_upper(axes: "Axes", model: Fields, name: str | None) -> None:
    _places(axes, model)
    _heading(axes, "Safety calibration, %")
    _legend(axes)
    if name is not None:
        longest = int(_width_of(axes) / BOLD_CHARACTER)
        write(axes, 0, _above(axes, 30), name, longest=longest, weight="bold", **_level(axes))
    _reference(axes, model, "mean")
    for _, measure, colour, shape, shift in SERIES:
        _series(axes, model, measure, colour, shape, shift)


def _paint_alone(axes: "Axes", model: Fields, name: str | None) -> None:
    """Paint calibration where there is nothing to paint below it, and say why."""
    _paint_upper(axes, model, name)
    _labels(axes, model)
    below = _label_room(model) + NOTE - 14
    level = -below / _height_of(axes)
    write(axes, 0, level, UNMEASURED, longest=len(UNMEASURED), **_level(axes, MUTED))


def _paint_lower(axes: "Axes", model: Fields) -> None:
    _places(axes, model)
    _heading(axes, "Helpfulness: questions answered rightly, %")
    _reference(axes, model, "utility")
    _series(axes, model, "utility", UTILITY, "o", 0.0)
    _labels(axes, model)


def _places(axes: "Axes", model: Fields) -> None:
    """Let methods run along x, a place each, and percent along y."""
    percent_axis(axes, along="y")
    runs = _runs(model)
    axes.set_xlim(-0.5, len(runs) - 0.5)
    axes.set_xticks([])
    # None stands apart from the methods.
    axes.axvline(0.5, color=LINE, linewidth=0.8)


def _heading(axes: "Axes", words: str) -> None:
    write(axes, 0, _above(axes, 10), words, longest=len(words), **_level(axes))


def _legend(axes: "Axes") -> None:
    """Say at the right of the heading which mark is which."""
    wide = _width_of(axes)
    style = {**_level(axes), "va": "center"}
    for place, (words, _, colour, shape, _) in enumerate(SERIES):
        x, y = 1 - (52 * (len(SERIES) - place) - 8) / wide, _above(axes, 14)
        axes.plot(x, y, shape, color=colour, markersize=6, transform=axes.transAxes, clip_on=False)
        write(axes, x + 7 / wide, y, words, fontsize=SMALL, **style)


def _reference(axes: "Axes", model: Fields, measure: str) -> None:
    """Mark what is had without a method."""
    level = levels_of(model["baseline"])[measure]
    if level is not None:
        axes.axhline(level["rate"], color=MUTED, linewidth=1, dashes=(4, 3))


def _series(  # noqa: PLR0913, PLR0917 - one measure, and how it looks
    axes: "Axes", model: Fields, measure: str, colour: str, shape: str, shift: float
) -> None:
    for place, run in enumerate(_runs(model)):
        rate = levels_of(run)[measure]
        if rate is None:
            continue
        x = place + shift
        axes.plot([x, x], bounds(rate), color=colour, linewidth=2, alpha=0.6)
        axes.plot(
            x, rate["rate"], shape, color=colour, markersize=6.5, markeredgecolor=PAPER,
            markeredgewidth=1, clip_on=False,
        )  # fmt: skip


def _labels(axes: "Axes", model: Fields) -> None:
    tilt: dict[str, Any] = (
        {"rotation": TILT, "ha": "right", "rotation_mode": "anchor"}
        if _is_tilted(model)
        else {"ha": "center"}
    )
    across = axes.get_xaxis_transform()
    for place, run in enumerate(_runs(model)):
        below = -9 / _height_of(axes)
        write(
            axes, place, below, short(run["label"]), transform=across, va="top", color=INK,
            fontsize=SMALL, **tilt,
        )  # fmt: skip


def _level(axes: "Axes", colour: str = INK) -> dict[str, Any]:
    return {"transform": axes.transAxes, "color": colour, "ha": "left", "va": "baseline"}


def _above(axes: "Axes", points: float) -> float:
    """Return where, in parts of the axes' height, a number of points above them is."""
    return 1 + points / _height_of(axes)


def _width_of(axes: "Axes") -> float:
    """Return the width of axes in points."""
    return float(axes.get_window_extent().width) * POINTS / axes.figure.dpi


def _height_of(axes: "Axes") -> float:
    """Return the height of axes in points."""
    return float(axes.get_window_extent().height) * POINTS / axes.figure.dpi


def _description(models: Sequence[Fields]) -> str:
    """Put the figure into words."""
    return "; ".join(
        f"{model['model']}, {run['label']}: "
        + ", ".join(
            f"{NAMES[measure]} {level_words(measure, level)} %"
            for measure, level in levels_of(run).items()
            if measure in DRAWN and level is not None
        )
        for model in models
        for run in _runs(model)
    )
