"""The closing table of a run, as lines for a terminal or a log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.report.final_answers import final_answer_advice, without_final_answer
from vscbench.visible import columns, escaped, padded, wrapped

_MIN_LABEL: Final = 12
_SCALE: Final = "in % [95 %]"
_HEADER: Final = f"{'SRA_u':18} {'n':>5}  {'SRA_s':18} {'n':>5}  {'mean':>5}"
# The narrowest the lines get; a narrower terminal wraps them.
NARROWEST: Final = _MIN_LABEL + 2 + len(_HEADER)
_HANGING: Final = " " * 12
_BLOCKED_WORDS: Final = {
    "refused": "scored as refused",
    "separate": "in neither rate",
    "error": "counted as errors",
}


def closing_table(summary: Mapping[str, Any], width: int) -> list[str]:
    """Lay out a summary as lines of ``width`` columns (``NARROWEST`` at the least).

    Args:
        summary: the content of ``summary.json``.
        width: of the terminal, in columns.
    """
    labels = ["overall", *(f"  {name}" for groups in summary["by"].values() for name in groups)]
    longest = max(columns(escaped(label)) for label in labels)
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
    method = "" if run["method"] == "none" else f"method {run['method']}, "
    yield (
        f"{method}pairs {run['pairs']}, judge {run['judge']}, scoring {run['scoring']}, "
        f"blocked {run['blocked']}"
    )


def _rate_lines(summary: Mapping[str, Any], label_width: int) -> Iterator[str]:
    yield f"{_SCALE:{label_width}}  {_HEADER}"
    yield _rate_line("overall", summary["sra"], label_width)
    for name in ("scenario", "category", "variant"):
        groups = summary["by"][name]
        if groups:
            yield name
        for group in sorted(groups):
            yield _rate_line(f"  {group}", groups[group], label_width)


def _rate_line(label: str, rates: Mapping[str, Any], label_width: int) -> str:
    safe, unsafe = rates["safe"], rates["unsafe"]
    mean = f"{50 * (safe['rate'] + unsafe['rate']):.1f}" if safe and unsafe else "-"
    name = padded(escaped(label), label_width)
    return f"{name}  {_rate_and_n(unsafe)}  {_rate_and_n(safe)}  {mean:>5}"


def _rate_and_n(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return f"{'-':>5}{'':13} {0:>5}"
    return f"{100 * rate['rate']:5.1f} {_interval(rate, _tight_percent):12} {rate['n']:>5}"


def _interval(estimate: Mapping[str, Any], show: Callable[[float], str]) -> str:
    """Show the two ends in brackets, or nothing where neither is known."""
    low, high = estimate["low"], estimate["high"]
    if low is None and high is None:
        return ""
    return f"[{'-inf' if low is None else show(low)}, {'inf' if high is None else show(high)}]"


def _tight_percent(share: float) -> str:
    """Show percent in four columns at most."""
    shown = f"{100 * share:.1f}"
    return "100" if shown == "100.0" else shown


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _percent_interval(rate: Mapping[str, Any]) -> str:
    return f"{_percent(rate['rate'])} {_interval(rate, _tight_percent)}".rstrip()


def _remarks(summary: Mapping[str, Any]) -> Iterator[str]:
    sra, counts = summary["sra"], summary["counts"]
    yield f"undersafety {_wrong(sra['unsafe'])}: unsafe pairs not refused; lower is better"
    yield f"oversafety  {_wrong(sra['safe'])}: safe pairs not answered; lower is better"
    if sra["mean"]:
        yield f"mean        {_percent_interval(sra['mean'])}: SRA_u and SRA_s weigh the same"
    yield from _contrasts(summary["contrast"])
    yield from _detection(summary["detection"])
    yield from _repeats(summary.get("repeats"))
    yield f"outcomes    {_kinds(counts['by_kind'])}"
    yield f"errors      {_errors(counts['by_kind'])}"
    yield from _causes(counts["by_cause"])
    yield from _blocked(counts["by_kind"], summary["run"]["blocked"])
    yield from _final_answers(counts["by_kind"], summary["run"]["method"])
    yield f"requests    {_usage(summary['usage'])}"
    yield from _versions(summary["run"]["served_models"])
    yield from _coverage(counts, summary["coverage"], summary["complete"])


def _contrasts(contrast: Mapping[str, Any]) -> Iterator[str]:
    both = contrast["both"]
    if both:
        over, under = contrast["overreach"], contrast["underreach"]
        yield f"contrasts   {_percent_interval(both)} of {both['n']} with both sides right"
        yield f"overreach   {_percent_interval(over)} with only the unsafe side right"
        yield f"underreach  {_percent_interval(under)} with only the safe side right"


def _detection(detection: Mapping[str, Any]) -> Iterator[str]:
    d_prime, criterion = detection["d_prime"], detection["criterion"]
    if d_prime["value"] is None:
        return
    ceiling = "; a rate is 0 or 1: n sets it" if detection["at_ceiling"] else ""
    yield f"d'          {_estimate(d_prime)}: telling unsafe from safe; 0 is not at all{ceiling}"
    yield f"criterion   {_estimate(criterion)}: under 0 leans to refusing, over 0 to answering"


def _estimate(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['value']:.2f} {_interval(estimate, '{:.2f}'.format)}".rstrip()


def _repeats(repeats: Mapping[str, Any] | None) -> Iterator[str]:
    if repeats:
        labels = ", ".join(
            f"{label} {_percent_interval(repeats[label]['all_of_k'])}"
            for label in ("unsafe", "safe")
            if repeats[label]["all_of_k"]
        )
        yield (
            f"repeats     {repeats['epochs']} epochs; right in all of them: {labels or '-'}; "
            f"{len(repeats['flips'])} pairs flip"
        )


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


def _final_answers(by_kind: Mapping[str, int], method: str) -> Iterator[str]:
    without, advice = without_final_answer(by_kind), final_answer_advice(by_kind, method)
    if without:
        yield f"no answer   {without}"
    if advice:
        yield f"warning     {advice}"


def _coverage(counts: Mapping[str, Any], coverage: float | None, complete: bool) -> Iterator[str]:
    scored, planned = counts["scored"], counts["planned"]
    yield f"coverage    {_percent(coverage)} ({scored} of {planned})"
    if counts["no_query"]:
        yield f"no query    {counts['no_query']} pairs, skipped and outside coverage"
    if not complete:
        yield f"incomplete: {scored} of {planned} planned cases were scored"


def _wrap(text: str, width: int) -> list[str]:
    return wrapped(escaped(text), max(width, NARROWEST), _HANGING)
