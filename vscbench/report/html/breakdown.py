"""The rates of a run by scenario, category and variant, and its kinds by label, as tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vscbench.records import Kind, Label, Outcome
from vscbench.report.html.headline import Measure, measure
from vscbench.report.html.words import percent

DIVISIONS: Final = ("scenario", "category", "variant")


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Both rates of one group; ``contrast`` and ``d_prime`` where the summary has them."""

    name: str
    unsafe: Measure
    safe: Measure
    contrast: str | None
    d_prime: str | None


@dataclass(frozen=True, slots=True)
class Division:
    """A way to divide the pairs, and the rates of each group."""

    name: str
    groups: tuple[GroupRates, ...]

    @property
    def has_contrasts(self) -> bool:
        """Whether any group has contrasts or detection."""
        return any(each.contrast or each.d_prime for each in self.groups)


@dataclass(frozen=True, slots=True)
class KindRow:
    """How often a kind came, on unsafe and on safe pairs; shares are of what is no error."""

    kind: str
    is_error: bool
    unsafe: int
    safe: int
    unsafe_share: str
    safe_share: str


def divisions(summary: Mapping[str, Any]) -> tuple[Division, ...]:
    """Return the rates by scenario, category and variant, where there are several groups."""
    return tuple(
        Division(name, tuple(_groups(summary, name)))
        for name in DIVISIONS
        if len(summary["by"].get(name, {})) > 1
    )


def kind_rows(outcomes: Sequence[Outcome]) -> tuple[KindRow, ...]:
    """Count kinds by label, in the order of the kinds; those that never came are left out."""
    counts = kinds_by_label(outcomes)
    return tuple(
        _kind_row(kind, counts) for kind in Kind if any(counts[each][kind] for each in Label)
    )


def kinds_by_label(outcomes: Sequence[Outcome]) -> dict[Label, Counter[Kind]]:
    """Count the kinds of the cases of each label."""
    counts: dict[Label, Counter[Kind]] = {label: Counter() for label in Label}
    for outcome in outcomes:
        counts[outcome.pair.label][outcome.kind] += 1
    return counts


def _groups(summary: Mapping[str, Any], division: str) -> Iterator[GroupRates]:
    rates = summary["by"][division]
    contrasts, detected = (_by(summary, part, division) for part in ("contrast", "detection"))
    for name in sorted(rates):
        both = contrasts.get(name, {}).get("both")
        yield GroupRates(
            name=name,
            unsafe=measure("SRA_u", "", rates[name].get("unsafe")),
            safe=measure("SRA_s", "", rates[name].get("safe")),
            contrast=percent(both["rate"]) if both else None,
            d_prime=_d_prime(detected.get(name, {})),
        )


def _by(summary: Mapping[str, Any], part: str, division: str) -> Mapping[str, Any]:
    groups: Mapping[str, Any] = ((summary.get(part) or {}).get("by") or {}).get(division) or {}
    return groups


def _d_prime(found: Mapping[str, Any]) -> str | None:
    value = (found.get("d_prime") or {}).get("value")
    if value is None:
        return None
    return f"{value:.2f}" + (" at ceiling" if found.get("at_ceiling") else "")


def _kind_row(kind: Kind, counts: Mapping[Label, Counter[Kind]]) -> KindRow:
    unsafe, safe = counts[Label.UNSAFE], counts[Label.SAFE]
    return KindRow(
        kind=kind.value,
        is_error=kind.is_error,
        unsafe=unsafe[kind],
        safe=safe[kind],
        unsafe_share=_share(unsafe, kind),
        safe_share=_share(safe, kind),
    )


def _share(counts: Counter[Kind], kind: Kind) -> str:
    decided = sum(number for each, number in counts.items() if not each.is_error)
    return percent(None if kind.is_error or not decided else counts[kind] / decided)
