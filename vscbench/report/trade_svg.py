"""The figure of a trade as a file of its own, for light and dark."""

from collections.abc import Mapping
from typing import Any, Final

from vscbench.report.html.canvas import INK, LINE, MUTED, PAPER, SAFE, UNSAFE, UTILITY
from vscbench.report.html.svg import standalone_svg
from vscbench.report.trade_figure import trade_element

# Those of the page: what each is in light and in dark.
COLOURS: Final = {
    INK: ("#1b1f23", "#e7eaed"),
    MUTED: ("#57606a", "#a1abb5"),
    LINE: ("#dcdfe3", "#31373e"),
    UNSAFE: ("#a8481f", "#e8935f"),
    SAFE: ("#1a7284", "#5fbccd"),
    UTILITY: ("#6b56a5", "#b7a4e6"),
    PAPER: ("#ffffff", "#1a1e23"),
}
Fields = Mapping[str, Any]


def trade_svg(found: Fields) -> str:
    """Draw a trade as an SVG file, the same text for the same numbers, for light and dark.

    A viewer that knows of no colour scheme shows it light.
    """
    colours = {colour: light for colour, (light, _) in COLOURS.items()}
    element = trade_element("vsc-trade", found["models"], colours)
    return standalone_svg(element, style=_style(), background=COLOURS[PAPER][0])


def _style() -> str:
    """Turn every colour into its dark one where the reader's scheme is dark."""
    rules = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in COLOURS.values()
    )
    return (
        'text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}'
        f"@media (prefers-color-scheme:dark){{{rules}}}"
    )
