"""Many runs side by side, as a table for a terminal or for Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.report.audit_markdown import plain, row
from vscbench.visible import one_line, wrapped

WIDTH: Final = 80
NAME: Final = 16
MOST_NAME: Final = 60
MOST_SAID: Final = 400
COLUMNS: Final = ("model", "run", "SRA_u", "SRA_s", "mean", "contrasts", "n", "coverage")
Fields = Mapping[str, Any]


def comparison_lines(found: Fields) -> list[str]:
    """Lay out a comparison 80 columns wide; text from elsewhere is shown, never obeyed."""
    names = labels(found["runs"])
    return [
        f"{'':{NAME}} {'SRA_u [95 %]':>20} {'SRA_s [95 %]':>20} {'mean':>6}{'contrast':>9}{'n':>6}",
        *(
            line
            for name, run in zip(names, found["runs"], strict=True)
            for line in _lines(name, run)
        ),
        *(
            line
            for said in found["warnings"]
            for line in _wrapped(f"warning: {one_line(said, MOST_SAID)}")
        ),
    ]


def comparison_markdown(found: Fields) -> str:
    """Lay out a comparison as Markdown; text from elsewhere stays text."""
    lines = [
        *(f"> **Warning:** {plain(said, MOST_SAID)}\n>" for said in found["warnings"]),
        "",
        row(*COLUMNS),
        row(*("---" for _ in COLUMNS)),
        *(row(*_cells(run)) for run in found["runs"]),
    ]
    return "\n".join(lines).lstrip("\n") + "\n"


def labels(runs: Sequence[Fields]) -> list[str]:
    """Name each run by its model, with what tells it from another run of the same model."""
    for parts in (("model",), ("model", "method"), ("model", "judge")):
        named = [" ".join(one_line(str(run[part]), MOST_NAME) for part in parts) for run in runs]
        if len(set(named)) == len(named) and all(run["model"] for run in runs):
            return named
    return [one_line(run["name"], MOST_NAME) for run in runs]


def rate_words(rate: Fields | None) -> str:
    """Write a rate as percent, with its interval where it has one; a dash for none."""
    if rate is None:
        return "-"
    if rate["low"] is None:
        return f"{rate['rate']:.1%}"
    return f"{rate['rate']:.1%} [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}]"


def _lines(name: str, run: Fields) -> Iterator[str]:
    """Lay out a run in one line, or below its name where that is long."""
    if len(name) > NAME:
        yield _cut(name)
        name = ""
    asked = sum(run[label]["n"] for label in ("safe", "unsafe") if run[label])
    yield (
        f"{name:{NAME}} {rate_words(run['unsafe']):>20} {rate_words(run['safe']):>20} "
        f"{_percent(run['mean']):>6}{_percent(run['contrast']):>9}{asked:>6}"
    )


def _cells(run: Fields) -> Iterator[str]:
    yield plain(str(run["model"] or "-"))
    yield plain(run["name"])
    for rate in ("unsafe", "safe", "mean", "contrast"):
        yield rate_words(run[rate])
    yield str(sum(run[label]["n"] for label in ("safe", "unsafe") if run[label]))
    yield "-" if run["coverage"] is None else f"{run['coverage']:.1%}"


def _percent(rate: Fields | None) -> str:
    return "-" if rate is None else f"{rate['rate']:.1%}"


def _cut(name: str) -> str:
    # Its end tells versions and methods apart.
    return name if len(name) <= WIDTH else f"..{name[2 - WIDTH :]}"


def _wrapped(text: str) -> list[str]:
    return wrapped(text, WIDTH, "  ")
