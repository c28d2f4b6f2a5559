"""The figure of many runs: SRA_s against SRA_u, a point a model, with lines of equal mean."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from vscbench.report.comparison_text import labels, rate_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

SIZE_INCHES: Final = (7.2, 7.6)
TITLE: Final = "Safety calibration: SRA_s against SRA_u"
# Okabe and Ito's colours, which people who confuse colours can tell apart
# (https://jfly.uni-koeln.de/color/), with a shape each; yellow is too faint on white.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
SHAPES: Final = ("o", "s", "^", "D", "v", "P", "X")
LINE: Final = "#b8b8b8"
WHOLE: Final = 100.0
# What matplotlib would say of itself and of the time; left out, so that a file does not change.
CHANGING: Final = ("Date", "Creator", "Format", "Type")
LONGEST_LABEL: Final = 32
SETTINGS: Final[Mapping[str, Any]] = {
    # Ids of parts of the file are made from this, not from chance.
    "svg.hashsalt": "vscbench",
    # Text stays text: it can be searched, read aloud, and is small.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    # A name with dollar signs is no formula.
    "text.parse_math": False,
}
# Where a label may go, in points from its point; the first that is free is taken.
PLACES: Final = tuple(
    (x * reach, y * reach)
    for reach in (1.0, 1.8, 2.8, 4.0, 6.0)
    for x, y in ((7, 5), (7, -5), (-7, 5), (-7, -5), (0, 9), (0, -9), (9, 0), (-9, 0))
)
Fields = Mapping[str, Any]
Point = tuple[str, Fields]


def comparison_svg(found: Fields) -> str:
    """Draw a comparison as an SVG file, the same text for the same numbers.

    Runs that have but one of the two rates are left out; the description says so.
    """
    named = list(zip(labels(found["runs"]), found["runs"], strict=True))
    points = [(_cut(name), run) for name, run in named if run["safe"] and run["unsafe"]]
    left_out = [name for name, run in named if not (run["safe"] and run["unsafe"])]
    # Imported here: only a person who asks for a figure waits for it.
    from matplotlib import style

    # Over the defaults: a person's own matplotlibrc changes nothing.
    look: Any = ["default", dict(SETTINGS)]
    with style.context(look), warnings.catch_warnings():
        # A character that the font lacks is left to the viewer's own fonts.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        return _with_words(_drawn(points), _description(points, left_out))


def _drawn(points: Sequence[Point]) -> str:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=SIZE_INCHES, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1))
    axes = figure.add_subplot(aspect="equal")
    low = _lowest(points)
    _axes(axes, low)
    _lines_of_equal_mean(axes, low)
    _points(axes, points)
    if points:
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        _labels(figure, axes, points)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=dict.fromkeys(CHANGING))
    return file.getvalue()


def _lowest(points: Sequence[Point]) -> float:
    """Return where both axes begin: a multiple of 10 below everything, so that little is empty."""
    ends = [_ends(run[label])[0] for _, run in points for label in ("safe", "unsafe")]
    return min(80.0, max(0.0, 10 * ((min(ends, default=0.0) - 2) // 10)))


def _axes(axes: "Axes", low: float) -> None:
    margin = (100 - low) * 0.03
    axes.set(xlim=(low - margin, 100 + margin), ylim=(low - margin, 100 + margin))
    axes.set_xlabel("SRA_u: unsafe pairs refused, %")
    axes.set_ylabel("SRA_s: safe pairs answered, %")
    axes.set_title(TITLE, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def _lines_of_equal_mean(axes: "Axes", low: float) -> None:
    """Draw lines on which the mean of both rates is the same, each named at its lower end."""
    step = 10 if low < 60 else 5  # noqa: PLR2004 - so that there are four to ten
    mean = low + step
    while mean < WHOLE:
        top = min(WHOLE, 2 * mean - low)
        start = 2 * mean - top
        axes.plot((start, top), (top, start), color=LINE, linewidth=0.8, linestyle=":", zorder=1)
        axes.annotate(
            f"mean {mean:g}",
            (top, start),
            xytext=(-2, 3),
            textcoords="offset points",
            rotation=-45,
            rotation_mode="anchor",
            ha="right",
            fontsize=7,
            color="#767676",
        )
        mean += step


def _points(axes: "Axes", points: Sequence[Point]) -> None:
    families = sorted({run["family"] for _, run in points})
    for place, family in enumerate(families):
        members = [run for _, run in points if run["family"] == family]
        unsafe, safe = ([run[label] for run in members] for label in ("unsafe", "safe"))
        axes.errorbar(
            [100 * rate["rate"] for rate in unsafe],
            [100 * rate["rate"] for rate in safe],
            xerr=_reach(unsafe),
            yerr=_reach(safe),
            fmt=SHAPES[place % len(SHAPES)],
            color=COLOURS[place % len(COLOURS)],
            markersize=7,
            markeredgecolor="white",
            elinewidth=1,
            label=_cut(family),
            zorder=3,
        )


def _reach(rates: Sequence[Fields]) -> tuple[list[float], list[float]]:
    """Return how far intervals reach below and above their rates."""
    ends = [(100 * rate["rate"], *_ends(rate)) for rate in rates]
    return [rate - low for rate, low, _ in ends], [high - rate for rate, _, high in ends]


def _ends(rate: Fields) -> tuple[float, float]:
    low = rate["rate"] if rate["low"] is None else rate["low"]
    high = rate["rate"] if rate["high"] is None else rate["high"]
    return 100 * low, 100 * high


def _labels(figure: "Figure", axes: "Axes", points: Sequence[Point]) -> None:
    """Write each name beside its point, where it hides least of other names and points."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    figure.draw_without_rendering()
    # From here on nothing moves, least of all for a name.
    figure.set_layout_engine("none")
    taken = [*_marks(figure, axes, points)]
    for name, run in points:
        text = axes.annotate(
            name,
            (100 * run["unsafe"]["rate"], 100 * run["safe"]["rate"]),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#767676", "shrinkB": 4},
            zorder=4,
        )
        best = min(PLACES, key=lambda place: _hidden(axes, text, place, taken))
        taken.append(_placed(text, best))


def _marks(figure: "Figure", axes: "Axes", points: Sequence[Point]) -> "Iterator[Bbox]":
    """Yield the boxes of the points and of their intervals, with a little room."""
    from matplotlib.transforms import Bbox

    room = figure.dpi / 72
    for _, run in points:
        unsafe, safe = run["unsafe"], run["safe"]
        x, y = axes.transData.transform((100 * unsafe["rate"], 100 * safe["rate"]))
        yield Bbox.from_extents(x - 6 * room, y - 6 * room, x + 6 * room, y + 6 * room)
        left, right = (axes.transData.transform((end, 0))[0] for end in _ends(unsafe))
        yield Bbox.from_extents(left, y - room, right, y + room)
        bottom, top = (axes.transData.transform((0, end))[1] for end in _ends(safe))
        yield Bbox.from_extents(x - room, bottom, x + room, top)


def _hidden(
    axes: "Axes",
    text: "Annotation",
    place: tuple[float, float],
    taken: "Sequence[Bbox]",
) -> float:
    """Say how much a name would hide at a place; what is cut off by the frame counts too."""
    box = _placed(text, place)
    frame = axes.get_window_extent()
    outside = float(box.width * box.height) - _common(box, frame)
    return sum((_common(box, other) for other in taken), outside)


def _placed(text: "Annotation", place: tuple[float, float]) -> "Bbox":
    """Move a name and return the box it takes."""
    from matplotlib.text import Text

    x, y = place
    text.set_position(place)
    text.set_horizontalalignment("left" if x > 0 else "right" if x < 0 else "center")
    text.set_verticalalignment("bottom" if y > 0 else "top" if y < 0 else "center")
    # The box of all that belongs to the name brings it into place; the name's own is asked for.
    text.get_window_extent()
    return Text.get_window_extent(text)


def _common(one: "Bbox", other: "Bbox") -> float:
    """Return the area that two boxes share."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(0.0, width) * max(0.0, height))


def _description(points: Sequence[Point], left_out: Sequence[str]) -> str:
    """Put the figure into words."""
    said = [
        f"{name}: SRA_u {rate_words(run['unsafe'])}, SRA_s {rate_words(run['safe'])}"
        for name, run in points
    ]
    absent = [f"not drawn, for want of one of the two rates: {', '.join(left_out)}"]
    return "; ".join([*said, *(absent if left_out else [])])


def _with_words(svg: str, description: str) -> str:
    """Give an SVG file a title and a description that a screen reader finds."""
    words = (
        f'\n <title id="vsc-title">{escape(TITLE)}</title>'
        f'\n <desc id="vsc-description">{escape(description)}</desc>'
    )
    attributes = 'role="img" aria-labelledby="vsc-title vsc-description"'
    return re.sub(
        r"<svg ([^>]*)>", lambda match: f"<svg {attributes} {match[1]}>{words}", svg, count=1
    )


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 3]}..."
