"""A trade as Markdown, for a pull request or a model card."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vscbench.report.audit_markdown import plain, row
from vscbench.report.trade_words import (
    NAMES,
    READING,
    UNKNOWN,
    change_words,
    changes_of,
    has_utility,
    level_words,
    levels_of,
)

ORDER: Final = ("sra_u", "sra_s", "mean", "contrast", "d_prime", "criterion", "utility")
MOST_SAID: Final = 400
Fields = Mapping[str, Any]


def trade_markdown(found: Fields) -> str:
    """Lay out a trade as Markdown; text from elsewhere stays text."""
    lines = [line for model in found["models"] for line in _model(model)]
    return "\n".join([*lines, READING]) + "\n"


def _model(model: Fields) -> Iterator[str]:
    scored = model["scored"]
    yield f"### Calibration methods and their price: {plain(model['model'])}"
    yield ""
    for said in model["warnings"]:
        yield f"> **Warning:** {plain(said, MOST_SAID)}\n>"
    for said in model["notes"]:
        yield f"> {plain(said, MOST_SAID)}\n>"
    if model["warnings"] or model["notes"]:
        yield ""
    for method in model["methods"]:
        told = method["finding"]
        yield (f"- **{plain(method['label'])}** {told['calibration']}; {told['utility']}.")
    measures = [name for name in ORDER if name != "utility" or has_utility(model)]
    yield ""
    yield from _head("", *(f"{NAMES[name]} [95 %]" for name in measures))
    for run in (model["baseline"], *model["methods"]):
        levels = levels_of(run)
        yield row(plain(run["label"]), *(level_words(name, levels[name]) for name in measures))
    yield ""
    yield from _head("with less without", *(NAMES[name] for name in measures))
    for method in model["methods"]:
        changes = changes_of(method)
        yield row(
            plain(method["label"]),
            *(_starred(changes[name]) if name in changes else UNKNOWN for name in measures),
        )
    yield ""
    yield (
        f"Against run {plain(model['baseline']['run'])}; scoring {scored['scoring']}, "
        f"blocked {scored['blocked']}; Holm's correction over {model['tests']} tests."
    )
    yield ""


def _starred(change: Fields) -> str:
    # A star alone is no emphasis, but two in a row of a table would be.
    return change_words(change).replace("*", "\\*")


def _head(*names: str) -> Iterator[str]:
    yield row(*names)
    yield row(*("---" for _ in names))
