"""The closing table of a run, as plain ASCII lines for a terminal or a log."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_MIN_LABEL: Final = 12
_HEADER: Final = f"{'SRA_u':>7} {'n':>6}  {'SRA_s':>7} {'n':>6}  {'mean':>7}"
_HANGING: Final = " " * 12
_BLOCKED_WORDS: Final = {
    "refused": "scored as refused",
    "separate": "in neither rate",
    "error": "counted as errors",
}


def closing_table(summary: Mapping[str, Any], width: int) -> list[str]:
    """Lay out a summary as lines of ``width`` columns (53 at the least).

    Args:
        summary: the content of ``summary.json``.
        width: of the terminal, in columns.
    """
    labels = ["overall", *(f"  {name}" for groups in summary["by"].values() for name in groups)]
    longest = max(map(len, map(_ascii, labels)))
    label_width = max(_MIN_LABEL, min(longest, width - len(_HEADER) - 2))
    return [
        *(line for text in _title(summary["run"]) for line in _wrap(text, width)),
        "",
        *_rate_lines(summary, label_width),
        "",
        *(line for text in _remarks(summary) for line in _wrap(text, width)),
    ]


def _title(run: Mapping[str, Any]) -> Iterator[str]:
    yield f"vscbench: {run['model']}"
    yield (
        f"pairs {run['pairs']}, judge {run['judge']}, scoring {run['scoring']}, "
        f"blocked {run['blocked']}"
    )


def _rate_lines(summary: Mapping[str, Any], label_width: int) -> Iterator[str]:
    yield f"{'':{label_width}}  {_HEADER}"
    yield _rate_line("overall", summary["sra"], label_width)
    for name in ("scenario", "category", "variant"):
        groups = summary["by"][name]
        if groups:
            yield name
        for group in sorted(groups):
            yield _rate_line(f"  {group}", groups[group], label_width)


def _rate_line(label: str, rates: Mapping[str, Any], label_width: int) -> str:
    safe, unsafe = rates["safe"], rates["unsafe"]
    mean = (safe["rate"] + unsafe["rate"]) / 2 if safe and unsafe else None
    return (
        f"{_fit(_ascii(label), label_width)}  {_percent_n(unsafe)}  {_percent_n(safe)}  "
        f"{_percent(mean):>7}"
    )


def _percent_n(rate: Mapping[str, Any] | None) -> str:
    share, n = (rate["rate"], rate["n"]) if rate else (None, 0)
    return f"{_percent(share):>7} {n:>6}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _remarks(summary: Mapping[str, Any]) -> Iterator[str]:
    sra, counts = summary["sra"], summary["counts"]
    yield f"undersafety {_wrong(sra['unsafe'])}: unsafe pairs not refused; lower is better"
    yield f"oversafety  {_wrong(sra['safe'])}: safe pairs not answered; lower is better"
    both = summary["contrast"]["both"]
    if both:
        yield f"contrasts   {_percent(both['rate'])} of {both['n']} with both sides right"
    yield f"outcomes    {_kinds(counts['by_kind'])}"
    yield f"errors      {_errors(counts['by_kind'])}"
    yield from _causes(counts["by_cause"])
    yield from _blocked(counts["by_kind"], summary["run"]["blocked"])
    yield f"requests    {_usage(summary['usage'])}"
    yield from _versions(summary["run"]["served_models"])
    yield from _coverage(counts, summary["coverage"], summary["complete"])


def _wrong(rate: Mapping[str, Any] | None) -> str:
    if not rate:
        return "-"
    wrong = rate["n"] - round(rate["rate"] * rate["n"])
    return f"{_percent(1 - rate['rate'])} ({wrong} of {rate['n']})"


def _kinds(by_kind: Mapping[str, int]) -> str:
    counted = [f"{kind}={count}" for kind, count in by_kind.items() if count]
    return ", ".join(counted) or "none"


def _errors(by_kind: Mapping[str, int]) -> str:
    target, judge = by_kind["target-error"], by_kind["judge-error"]
    if not target + judge:
        return "0"
    return f"{target + judge} (target {target}, judge {judge}); in neither rate"


def _causes(by_cause: Mapping[str, Any]) -> Iterator[str]:
    for cause, found in by_cause.items():
        example = found["example"].removeprefix(cause).removeprefix(":").strip()
        told = f", such as: {example}" if example else ""
        yield f"  {found['cases']} x {cause}{told}"


def _usage(usage: Mapping[str, Any]) -> str:
    parts = [f"{usage['requests']} sent"]
    if usage["cached"]:
        parts.append(f"{usage['cached']} cases from the store")
    if usage["cost_usd"]:
        spent = usage["spent_usd"] or 0.0
        parts.append(f"cost ${usage['cost_usd']:.4f}, ${spent:.4f} of it in this run")
    return "; ".join(parts)


def _versions(served_models: Sequence[str]) -> Iterator[str]:
    if len(served_models) > 1:
        yield (
            f"versions    answers come from {len(served_models)} versions of the model: "
            f"{', '.join(served_models)}"
        )


def _blocked(by_kind: Mapping[str, int], policy: str) -> Iterator[str]:
    blocked, asked = by_kind["blocked"], sum(by_kind.values())
    if blocked:
        share = _percent(blocked / asked)
        yield f"blocked     {share} ({blocked} of {asked}), {_BLOCKED_WORDS[policy]}"


def _coverage(counts: Mapping[str, Any], coverage: float | None, complete: bool) -> Iterator[str]:
    scored, planned = counts["scored"], counts["planned"]
    yield f"coverage    {_percent(coverage)} ({scored} of {planned})"
    if counts["no_query"]:
        yield f"no query    {counts['no_query']} pairs, skipped and outside coverage"
    if not complete:
        yield f"incomplete: {scored} of {planned} planned cases were scored"


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        _ascii(text), max(width, len(_HEADER)), subsequent_indent=_HANGING, break_on_hyphens=False
    )


def _fit(text: str, width: int) -> str:
    return f"{text:{width}}" if len(text) <= width else f"{text[: width - 3]}..."


def _ascii(text: str) -> str:
    """Show what is not printable ASCII as an escape: names can come from anywhere."""
    return re.sub(
        r"[^\x20-\x7e]", lambda match: match[0].encode("unicode_escape").decode("ascii"), text
    )
