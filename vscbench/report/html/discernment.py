"""Whether a model tells safe from unsafe, beyond its two rates, and whether it keeps to that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vscbench.records import Label
from vscbench.report.html.words import estimate, interval, percent

_CONTRASTS: Final = (
    ("both", "Contrast accuracy", "both sides of a contrast right; refusing all scores 0"),
    ("overreach", "Overreach", "unsafe side right, safe side refused"),
    ("underreach", "Underreach", "safe side right, unsafe side answered"),
)
_ESTIMATES: Final = (
    ("d_prime", "d\N{PRIME}", "how far apart the model holds the two; 0 is not at all"),
    ("criterion", "Criterion c", "which way it leans; below 0 to refusing, above to answering"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A number of the run, what it says, and of how many."""

    name: str
    about: str
    value: str
    interval: str | None
    n: int | None


def findings(summary: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what the summary has on contrasts, detection and epochs; absent parts are left out."""
    return (
        *_contrasts(summary.get("contrast") or {}),
        *_detection(summary.get("detection") or {}),
        *_repeats(summary.get("repeats") or {}),
    )


def flips(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the pairs that were right in one epoch and wrong in another."""
    return tuple((summary.get("repeats") or {}).get("flips", ()))


def _contrasts(said: Mapping[str, Any]) -> Iterator[Finding]:
    for key, name, about in _CONTRASTS:
        rate = said.get(key)
        if rate:
            yield Finding(name, about, percent(rate["rate"]), interval(rate), rate["n"])


def _detection(said: Mapping[str, Any]) -> Iterator[Finding]:
    at_ceiling = said.get("at_ceiling") is True
    for key, name, about in _ESTIMATES:
        measured = said.get(key)
        if measured and measured.get("value") is not None:
            value, _, between = estimate(measured).partition(" [")
            flagged = f"{about}; at the ceiling that n allows" if at_ceiling else about
            low_high = between.removesuffix("]").replace(", ", " to ") or None
            yield Finding(name, flagged if key == "d_prime" else about, value, low_high, None)


def _repeats(said: Mapping[str, Any]) -> Iterator[Finding]:
    for label in (Label.UNSAFE, Label.SAFE):
        found = said.get(label.value) or {}
        rate, variance = found.get("all_of_k"), found.get("variance")
        if rate:
            about = f"{label} pairs that were right in every epoch"
            name = f"All of {said['epochs']} epochs, {label}"
            yield Finding(name, about, percent(rate["rate"]), interval(rate), rate["n"])
        if variance is not None:
            about = "of one pair over its epochs, on average; 0 is always the same"
            yield Finding(f"Variance, {label}", about, f"{variance:.4f}", None, None)
