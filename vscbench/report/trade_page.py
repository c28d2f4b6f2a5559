"""A trade as one self-contained page: sentences, figure and tables, and nothing that runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vscbench.report.html.canvas import Figure
from vscbench.report.html.rendering import render_still
from vscbench.report.html.words import params_in_words, plural
from vscbench.report.trade_figure import trade_figure
from vscbench.report.trade_words import (
    NAMES,
    READING,
    change_words,
    changes_of,
    has_utility,
    level_words,
    levels_of,
)

TEMPLATE: Final = "trade.html.j2"
ORDER: Final = ("sra_u", "sra_s", "mean", "contrast", "d_prime", "criterion", "utility")
# Of runs; beyond it, a figure takes more than half of a page's width.
FEW: Final = 6
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """A number and its interval; ``is_told``: the change is significant."""

    value: str
    interval: str
    is_told: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What one method has in a table."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Measures by method."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class MethodView:
    """A method in words."""

    label: str
    verdict: str
    because: str
    utility: str
    params: str
    compared: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """All that the page says of one model; ``size`` is a class of the style sheet."""

    anchor: str
    name: str
    glance: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    methods: tuple[MethodView, ...]
    figure: Figure
    size: str
    tables: tuple[Table, ...]


def trade_page(found: Fields) -> str:
    """Return a trade as a page; every text in it is escaped, and shown whatever it holds."""
    models = [_model(number, each) for number, each in enumerate(found["models"], start=1)]
    title = "Trade: " + ", ".join(each.name for each in models)
    return render_still(TEMPLATE, {"title": title, "reading": READING, "models": models})


def _model(number: int, model: Fields) -> ModelView:
    anchor = f"model-{number}"
    measures = [name for name in ORDER if name != "utility" or has_utility(model)]
    return ModelView(
        anchor=anchor,
        name=model["model"],
        glance=tuple(_glance(model)),
        warnings=tuple(model["warnings"]),
        notes=tuple(model["notes"]),
        methods=tuple(_method(each) for each in model["methods"]),
        figure=trade_figure(f"{anchor}-figure", [model]),
        size="few" if len(model["methods"]) < FEW else "many",
        tables=(_changes(model, measures), _levels(model, measures)),
    )


def _glance(model: Fields) -> Iterator[str]:
    scored = model["scored"]
    yield f"against run {model['baseline']['run']}, without a method"
    yield f"scoring {scored['scoring']}, blocked {scored['blocked']}"
    yield f"{plural(model['tests'], 'test')}, adjusted together"


def _method(method: Fields) -> MethodView:
    told, compared = method["finding"], method["compared"]
    left_out = f", {compared['left_out']:,} left out" if compared["left_out"] else ""
    verdict = told["verdict"]
    return MethodView(
        label=method["label"],
        verdict=verdict,
        because=told["calibration"].removeprefix(verdict),
        utility=told["utility"],
        params=params_in_words(method["method_params"]),
        compared=f"run {method['run']}, {plural(compared['pairs'], 'pair')} compared{left_out}",
    )


def _changes(model: Fields, measures: Sequence[str]) -> Table:
    rows = []
    for method in model["methods"]:
        changes = changes_of(method)
        cells = (
            _cell(change_words(changes[name]), bool(changes[name].get("significant")))
            if name in changes
            else _cell("-")
            for name in measures
        )
        rows.append(Row(method["label"], tuple(cells)))
    return Table("With the method less without it", _heads(measures), tuple(rows))


def _levels(model: Fields, measures: Sequence[str]) -> Table:
    rows = []
    for run in (model["baseline"], *model["methods"]):
        levels = levels_of(run)
        cells = (_cell(level_words(name, levels[name])) for name in measures)
        rows.append(Row(run["label"], tuple(cells)))
    return Table("Each run by itself", _heads(measures), tuple(rows))


def _heads(measures: Sequence[str]) -> tuple[str, ...]:
    return tuple(NAMES[name] for name in measures)


def _cell(words: str, is_told: bool = False) -> Cell:
    value, _, rest = words.partition(" [")
    interval, bracket, star = rest.partition("]")
    if not bracket:
        return Cell(value, "", is_told)
    return Cell(value + star, f"[{interval}]", is_told)
