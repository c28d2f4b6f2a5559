"""``summary.md``: what a run measured, for a pull request; text from elsewhere stays text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_correct
from vscbench.records import NO_METHOD, Label, Outcome
from vscbench.report.audit_markdown import plain, row
from vscbench.report.final_answers import final_answer_advice, without_final_answer
from vscbench.report.html.words import params_in_words

Fields = Mapping[str, Any]

# GitHub takes 65,536 characters in a comment and 1 MiB in a step summary; a character of ours is
# up to four bytes. https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
LONGEST: Final = 60_000
MOST_ROWS: Final = 40
MOST_CASES: Final = 20
MOST_NAMED: Final = 5
QUOTED: Final = 300
NAMED: Final = 120
UNKNOWN: Final = "\u2013"
WRONG: Final = {Label.UNSAFE: "Unsafe pairs not refused", Label.SAFE: "Safe pairs not answered"}


def summary_markdown(summary: Fields, outcomes: Sequence[Outcome], *, redact: bool) -> str:
    """Lay out a run as Markdown, short enough for a comment on a pull request.

    Args:
        summary: the content of ``summary.json``.
        outcomes: every case of the run.
        redact: whether query and response text stays out.
    """
    run, counts = summary["run"], summary["counts"]
    head = [
        f"## {_verdict(summary)}: {code(run['model'])}",
        "",
        *_checks(summary["gate"], redact=redact),
        *_rates(summary),
        "",
        *_facts(summary),
        *_utility(summary),
        "",
        *_groups(summary["by"].get("category", {})),
        *_errors(counts.get("by_cause", {}), redact=redact),
    ]
    policy = Policy(Scoring(run["scoring"]), BlockedPolicy(run["blocked"]))
    room = LONGEST - len("\n".join(head).encode())
    cases = _miscalibrated(outcomes, policy, redact=redact)
    return _cut("\n".join([*head, *_within(cases, room)]).rstrip()) + "\n"


def without_examples(summary: Fields) -> Fields:
    """Leave a provider's own words out of a summary; they may quote what it was sent."""
    counts = summary["counts"]
    causes = {cause: {**found, "example": ""} for cause, found in counts["by_cause"].items()}
    return {**summary, "counts": {**counts, "by_cause": causes}}


def code(text: str, most: int = NAMED) -> str:
    """Write untrusted text as code, in which GitHub takes no @name for a mention, nor #1 a link."""
    return f"<code>{plain(text, most)}</code>" if text.strip() else UNKNOWN


def worst_first(outcomes: Sequence[Outcome], policy: Policy, label: Label) -> list[Outcome]:
    """Return the miscalibrated cases of a label, those of which the judge is surest first."""
    wrong = [
        each for each in outcomes if each.pair.label is label and is_correct(each, policy) is False
    ]
    return sorted(wrong, key=lambda each: (-_sureness(each), each.pair.id, each.epoch))


def case_title(outcome: Outcome) -> str:
    """Name a case: its pair, and its epoch after the first."""
    return outcome.pair.id if outcome.epoch == 1 else f"{outcome.pair.id}:{outcome.epoch}"


def _sureness(outcome: Outcome) -> float:
    verdict = outcome.verdict
    return verdict.probability or 0.0 if verdict else 0.0


def _verdict(summary: Fields) -> str:
    passed = summary["gate"]["passed"]
    if passed is None:
        return "Safety calibration" if summary["complete"] else "Safety calibration (incomplete)"
    return "\u2705 Gate passed" if passed else "\u274c Gate FAILED"


def _checks(gate: Fields, *, redact: bool) -> Iterator[str]:
    checks = sorted(gate["checks"], key=lambda check: bool(check["passed"]))
    if checks:
        yield from _head("gate", "asked", "seen", "")
        for check in checks[:MOST_ROWS]:
            yield row(_check_name(check), plain(check["asked"]), plain(check["seen"]), _why(check))
        yield from _more(len(checks) - MOST_ROWS, "checks")
        yield ""
    waived = gate.get("waived") or ()
    if waived:
        yield from _head("waived case", "reason", "until")
        for each in waived[:MOST_ROWS]:
            yield row(code(each["case"]), plain(each["reason"]), plain(each["until"]))
        yield from _more(len(waived) - MOST_ROWS, "waived cases")
        yield ""


def _check_name(check: Fields) -> str:
    mark = "\u2705" if check["passed"] else "\u274c"
    words = [check["name"]]
    if check.get("measure") not in {None, check["name"]}:
        words.append(check["measure"])
    if check.get("category"):
        words.append(check["category"])
    return f"{mark} {plain(' '.join(words))}"


def _why(check: Fields) -> str:
    why = plain(check.get("why") or "")
    cases = check.get("cases") or ()
    if check["passed"] or not cases:
        return why
    total = check.get("cases_total") or len(cases)
    named = ", ".join(code(case) for case in cases[:MOST_NAMED])
    rest = f", {total - MOST_NAMED} more" if total > MOST_NAMED else ""
    return f"{why} {named}{rest}".strip()


def _rates(summary: Fields) -> Iterator[str]:
    sra = summary["sra"]
    yield from _head("", "SRA_u (unsafe refused)", "SRA_s (safe answered)", "mean")
    yield row("**overall**", rate(sra["unsafe"]), rate(sra["safe"]), rate(sra["mean"]))


def _groups(groups: Mapping[str, Fields]) -> Iterator[str]:
    if not groups:
        return
    yield "<details><summary>By category</summary>"
    yield ""
    yield from _head("category", "SRA_u", "SRA_s")
    for name, rates in list(groups.items())[:MOST_ROWS]:
        yield row(plain(name), rate(rates["unsafe"]), rate(rates["safe"]))
    yield from _more(len(groups) - MOST_ROWS, "categories")
    yield ""
    yield "</details>"
    yield ""


def _facts(summary: Fields) -> Iterator[str]:
    counts, usage = summary["counts"], summary["usage"]
    coverage = summary["coverage"]
    share = UNKNOWN if coverage is None else f"{100 * coverage:.1f} %"
    incomplete = "" if summary["complete"] else "**Incomplete:** "
    yield f"- {incomplete}coverage {share}: {counts['scored']} of {counts['planned']} cases"
    yield f"- contrasts with both sides right: {rate(summary['contrast']['both'])}"
    kinds = [f"{plain(kind)} {number}" for kind, number in counts["by_kind"].items() if number]
    yield f"- outcomes: {', '.join(kinds) or UNKNOWN}"
    if without := without_final_answer(counts["by_kind"]):
        yield f"- no final answer: {without}"
    if advice := final_answer_advice(counts["by_kind"], summary["run"]["method"]):
        yield f"- **Warning:** {plain(advice, len(advice))}"
    cost = usage.get("spent_usd")
    spent = "" if cost is None else f", ${cost:.2f} spent"
    yield f"- requests: {usage['requests']} sent, {usage['cached']} cases from the store{spent}"
    run = summary["run"]
    if run["method"] != NO_METHOD:
        params = run.get("method_params")
        told = f" ({code(params_in_words(params))})" if params else ""
        yield f"- method: {code(run['method'])}{told}"
    yield (
        f"- pairs {code(run['pairs'])}, judge {code(run['judge'])}, scoring {run['scoring']}, "
        f"blocked {run['blocked']}, vscbench {plain(run['version'])}, run {code(run['id'])}"
    )


def _utility(summary: Fields) -> Iterator[str]:
    # Imported here: it writes rates as this module does, and so imports it.
    from vscbench.report.utility import utility_markdown

    if summary.get("utility"):
        yield from utility_markdown(summary["utility"])


def _errors(causes: Mapping[str, Fields], *, redact: bool) -> Iterator[str]:
    """Count errors by cause; a provider's own words may quote what it was sent."""
    if not causes:
        return
    yield from _head("errors", "cases", *(() if redact else ("most often",)))
    for cause, found in list(causes.items())[:MOST_ROWS]:
        example = () if redact else (code(found["example"], QUOTED),)
        yield row(plain(cause), str(found["cases"]), *example)
    yield ""


def _miscalibrated(
    outcomes: Sequence[Outcome], policy: Policy, *, redact: bool
) -> Iterator[tuple[str, ...]]:
    """Yield blocks of lines; each is whole in itself."""
    for label, words in WRONG.items():
        wrong = worst_first(outcomes, policy, label)
        if not wrong:
            continue
        yield (f"<details><summary>{words}: {len(wrong)}</summary>", "")
        for outcome in wrong[:MOST_CASES]:
            yield tuple(_case(outcome, redact=redact))
        yield (*_more(len(wrong) - MOST_CASES, "cases", "in outcomes.jsonl"), "", "</details>", "")


def _case(outcome: Outcome, *, redact: bool) -> Iterator[str]:
    pair = outcome.pair
    place = plain(" / ".join(filter(None, (pair.category, pair.variant))))
    yield f"- {code(case_title(outcome))} {outcome.kind} ({place})"
    if redact:
        return
    yield f"  - query: {code(pair.query, QUOTED)}"
    if outcome.response is not None:
        yield f"  - response: {code(outcome.response.text, QUOTED)}"


def _within(blocks: Iterator[tuple[str, ...]], room: int) -> Iterator[str]:
    """Yield whole blocks while there is room; what opens a fold is always closed."""
    left_out = 0
    for block in blocks:
        is_case = block[0].startswith("- ")
        size = len("\n".join(block).encode()) + 1
        if is_case and size > room:
            left_out += 1
            continue
        if "</details>" in block and left_out:
            yield f"\n{left_out} more did not fit here."
            left_out = 0
        room -= size
        yield from block


def _cut(text: str) -> str:
    """Leave out what is too long all the same, whole lines, and close what was open."""
    if len(text.encode()) <= LONGEST:
        return text
    lines, room = [], LONGEST
    for line in text.split("\n"):
        room -= len(line.encode()) + 1
        if room < 0:
            break
        lines.append(line)
    is_open = sum("<details>" in line for line in lines) > lines.count("</details>")
    return "\n".join([*lines, "", *(["</details>", ""] if is_open else []), "The rest is cut."])


def rate(found: Fields | None) -> str:
    """Write a rate as percent, with its interval and n."""
    if found is None:
        return UNKNOWN
    low, high = found.get("low"), found.get("high")
    interval = "" if low is None or high is None else f" [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{100 * found['rate']:.1f} %{interval}, n {found['n']}"


def _more(number: int, what: str, where: str = "in summary.json") -> Iterator[str]:
    if number > 0:
        yield ""
        yield f"{number} more {what} are {where}."


def _head(*names: str) -> Iterator[str]:
    yield row(*names)
    yield row(*("---" for _ in names))
