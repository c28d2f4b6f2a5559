"""The numbers of a trade in words, for a terminal, for Markdown and for a page alike."""

from collections.abc import Mapping
from typing import Any, Final

Fields = Mapping[str, Any]
NAMES: Final = {
    "sra_u": "SRA_u",
    "sra_s": "SRA_s",
    "contrast": "contrasts",
    "d_prime": "d'",
    "criterion": "criterion",
    "utility": "utility",
    "mean": "mean SRA",
}
# Those that are no share, so that they are not told in percent.
SCALES: Final = frozenset({"d_prime", "criterion"})
LEAST_P: Final = 0.0001
UNKNOWN: Final = "-"
READING: Final = (
    "Differences are with the method less without it, over what both runs scored; rates and their "
    "differences in percent and percentage points, intervals at 95 %. A star: p below .05 after "
    "Holm's correction over all tests of the model. d' says how well safe and unsafe are told "
    "apart; a lower criterion refuses more."
)


def level_words(measure: str, estimate: Fields | None) -> str:
    """Write a measure of one run with its interval, where it has one."""
    return _words(measure, estimate, "")


def change_words(change: Fields, measure: str = "mean") -> str:
    """Write the difference of a measure with its interval, and a star where it is significant."""
    star = " *" if change.get("significant") else ""
    return f"{_words(change.get('measure', measure), change['difference'], '+')}{star}"


def value_words(measure: str, value: float | None) -> str:
    """Write a number alone."""
    if value is None:
        return UNKNOWN
    return _number(value, ".2f") if measure in SCALES else _number(100 * value, ".1f")


def probability(p: float) -> str:
    """Write a p."""
    return f"<{LEAST_P}" if p < LEAST_P else f"{p:.4f}"


def changes_of(method: Fields) -> dict[str, Fields]:
    """Return the changes of a method by measure, the mean among them."""
    return {
        **{change["measure"]: change for change in method["changes"]},
        "mean": {"measure": "mean", **method["mean"]},
    }


def levels_of(run: Fields) -> dict[str, Fields | None]:
    """Return what a run measured by itself, by measure."""
    return {
        "sra_u": run["sra"]["unsafe"],
        "sra_s": run["sra"]["safe"],
        "mean": run["sra"]["mean"],
        "contrast": run["contrast"],
        "d_prime": run["detection"]["d_prime"],
        "criterion": run["detection"]["criterion"],
        "utility": run["utility"],
    }


def has_utility(model: Fields) -> bool:
    """Whether any run of a model measured utility."""
    return any(run["utility"] for run in (model["baseline"], *model["methods"]))


def _words(measure: str, estimate: Fields | None, sign: str) -> str:
    value = None if estimate is None else estimate.get("value", estimate.get("rate"))
    if estimate is None or value is None:
        return UNKNOWN
    form, factor = (f"{sign}.2f", 1) if measure in SCALES else (f"{sign}.1f", 100)
    low, high = estimate["low"], estimate["high"]
    if low is None and high is None:
        return _number(factor * value, form)
    ends = (
        "-inf" if low is None else _number(factor * low, form),
        f"{sign}inf" if high is None else _number(factor * high, form),
    )
    return f"{_number(factor * value, form)} [{', '.join(ends)}]"


def _number(value: float, form: str) -> str:
    # What rounds to nothing has no sign.
    return f"{round(value, int(form[-2])) + 0.0:{form}}"
