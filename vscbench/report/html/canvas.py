"""A quiet canvas for the page's figures: matplotlib, drawn to static SVG, the same each time."""

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vscbench.records import Kind
from vscbench.report.html.svg import embedded_svg
from vscbench.report.html.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Stand-ins: each is a variable of the page's style sheet, so that figures follow light and dark.
INK: Final = "#100001"
MUTED: Final = "#100002"
LINE: Final = "#100003"
UNSAFE: Final = "#100004"
SAFE: Final = "#100005"
PAPER: Final = "#100006"
UTILITY: Final = "#100007"
KINDS: Final = {kind: f"#2000{number:02x}" for number, kind in enumerate(Kind, start=1)}
VARIABLES: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    UNSAFE: "var(--unsafe)",
    SAFE: "var(--safe)",
    PAPER: "var(--card)",
    UTILITY: "var(--utility)",
    **{colour: f"var(--{kind})" for kind, colour in KINDS.items()},
}
POINTS: Final = 72
WIDTH: Final = 390
FONT: Final = 11
SMALL: Final = FONT - 1
FITS: Final = 24  # characters beside or below axes
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text, in the reader's own font
    "svg.hashsalt": "vscbench",  # ids come out the same each time
    "path.simplify": False,
    "font.size": FONT,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the page; ``svg`` is an element, ``caption`` says how to read it."""

    name: str
    title: str
    caption: str
    svg: str


Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Axes on a sheet: left, bottom, right and top margin in points, and what paints them."""

    box: Box
    paint: "Callable[[Axes], None]"


def draw(  # noqa: PLR0913 - each is a part of one picture
    name: str,
    *,
    title: str,
    caption: str,
    description: str,
    height: float,
    box: Box,
    paint: "Callable[[Axes], None]",
) -> Figure:
    """Draw one figure.

    Args:
        name: unique in the page, fit for an id.
        title: what it shows.
        caption: how to read it.
        description: what can be seen in it, for those who do not see it.
        height: in points; the width is always ``WIDTH``.
        box: left, bottom, right and top margin of the axes, in points.
        paint: draws into the axes.
    """
    svg = embedded_svg(
        painted(WIDTH, height, [Panel(box, paint)]),
        name=name,
        title=title,
        description=shown(description),
        colours=VARIABLES,
    )
    return Figure(name, title, caption, svg)


def painted(width: float, height: float, panels: Sequence[Panel]) -> str:
    """Paint panels onto a sheet, and return it as matplotlib writes SVG; colours are stand-ins.

    Args:
        width: of the sheet, in points.
        height: of the sheet, in points.
        panels: what is on it.
    """
    # Imported here: matplotlib takes half a second, and only the end of a run draws.
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Sheet

    written = io.StringIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A glyph that matplotlib's font lacks is drawn by the reader's font.
        warnings.simplefilter("ignore")
        matplotlib.rcdefaults()  # a person's own style does not show on the page
        matplotlib.rcParams.update(_SETTINGS)
        sheet = Sheet(figsize=(width / POINTS, height / POINTS))
        FigureCanvasSVG(sheet)
        for panel in panels:
            left, bottom, right, top = panel.box
            across, up = width - left - right, height - bottom - top
            axes = sheet.add_axes((left / width, bottom / height, across / width, up / height))
            _quieten(axes)
            panel.paint(axes)
        sheet.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return written.getvalue()


def percent_axis(axes: "Axes", *, along: str, start: float = 0.0) -> None:
    """Let an axis run from a share to 100 percent, with faint lines across."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    span = 1 - start
    ticks = [start + span * quarter / 4 for quarter in range(5)]
    axis.set_ticks(ticks, labels=[f"{round(tick * 100, 1):g}" for tick in ticks])
    axis.grid(visible=True, color=LINE, linewidth=0.8)
    set_limits = axes.set_xlim if along == "x" else axes.set_ylim
    set_limits(start - 0.02 * span, 1 + 0.02 * span)


def write(
    axes: "Axes", x: float, y: float, text: str, *, longest: int = FITS, **style: object
) -> None:
    """Write text that may come from anywhere: it is no formula, and shows what is in it."""
    axes.text(x, y, _label(text, longest), parse_math=False, **style)  # type: ignore[arg-type]


def name_rows(axes: "Axes", places: Sequence[float], names: Sequence[str]) -> None:
    """Write names left of the axes, one a row."""
    across = axes.get_yaxis_transform()
    for place, name in zip(places, names, strict=True):
        write(axes, -0.03, place, name, transform=across, ha="right", va="center", color=INK)


def _label(text: str, longest: int) -> str:
    plain = shown(text).replace("\n", " ").replace("\t", " ")
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def _quieten(axes: "Axes") -> None:
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelcolor=MUTED, pad=6)
    for side in axes.spines.values():
        side.set_visible(False)
