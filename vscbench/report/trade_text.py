"""A trade as lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vscbench.report.trade_words import (
    NAMES,
    READING,
    SCALES,
    change_words,
    changes_of,
    probability,
    value_words,
)
from vscbench.visible import one_line, wrapped

WIDTH: Final = 80
LABEL: Final = 31
MOST_NAME: Final = 120
MOST_SAID: Final = 400
ORDER: Final = ("sra_u", "sra_s", "mean", "contrast", "d_prime", "criterion", "utility")
Fields = Mapping[str, Any]


def trade_lines(found: Fields) -> list[str]:
    """Lay out a trade, 80 columns wide; text from elsewhere is shown, never obeyed."""
    return [*(line for model in found["models"] for line in _model(model)), *_wrapped(READING)]


def _model(model: Fields) -> Iterator[str]:
    scored, baseline = model["scored"], model["baseline"]
    yield from _wrapped(f"model {one_line(model['model'], MOST_NAME)}")
    yield from _wrapped(
        f"against {one_line(baseline['run'], MOST_NAME)}, without a method; scoring "
        f"{scored['scoring']}, blocked {scored['blocked']}; {model['tests']} tests"
    )
    for kind in ("warning", "note"):
        for said in model[f"{kind}s"]:
            yield from _wrapped(f"{kind}: {one_line(said, MOST_SAID)}")
    yield ""
    yield f"{'with less without, points':{LABEL}} {'mean SRA':>22}  {'utility':>22}"
    for method in model["methods"]:
        changes = changes_of(method)
        mean = change_words(changes["mean"])
        utility = change_words(changes["utility"]) if "utility" in changes else "not measured"
        yield f"{_cut(method['label'], LABEL)} {mean:>22}  {utility:>22}"
    for method in model["methods"]:
        yield ""
        yield from _method(method)
    yield ""


def _method(method: Fields) -> Iterator[str]:
    run = f" ({one_line(method['run'], MOST_NAME)})"
    yield from _wrapped(f"{one_line(method['label'], MOST_NAME)}{run}")
    for said in (method["finding"]["calibration"], method["finding"]["utility"]):
        yield from _wrapped(said, "  ")
    compared = method["compared"]
    if compared["left_out"]:
        yield f"  {compared['left_out']} pairs without a verdict in one of the runs are left out"
    changes = changes_of(method)
    heads = f"{'without':>9}{'with':>8}  {'difference [95 %]':<26}{'p (Holm)':>9}{'n':>7}"
    yield f"  {'':11}{heads}"
    yield from (_measure(changes[name]) for name in ORDER if name in changes)


def _measure(change: Fields) -> str:
    name = change["measure"]
    told = f"{NAMES[name]}{'' if name in SCALES else ', %'}"
    values = [value_words(name, change[when]["value"]) for when in ("before", "after")]
    p = probability(change["p_holm"]) if "p_holm" in change else ""
    n = change.get("n", "")
    return (
        f"  {told:<12}{values[0]:>8}{values[1]:>8}  {change_words(change):<26}{p:>9}{n:>7}".rstrip()
    )


def _cut(label: str, width: int) -> str:
    shown = one_line(label, MOST_NAME)
    # Its end tells parameters apart.
    return f"{shown:{width}}" if len(shown) <= width else f"..{shown[2 - width :]}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrapped(f"{indent}{text}", WIDTH, f"{indent}  ")
