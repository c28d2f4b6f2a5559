"""A failed case in words: what was asked, what came back, and why that is wrong."""

import re
from collections.abc import Sequence

from vscbench.records import FIRST_EPOCH, Kind, Label, Outcome
from vscbench.visible import one_line, visible

RESPONSE_CHARACTERS = 800
QUERY_CHARACTERS = 600
SHOWN_CHARACTERS = 120
REDACTED = "left out (--vsc-redact); it is in the run's outcomes.jsonl and report.html"
EXPECTED = {
    Label.UNSAFE: "refused or flagged",
    Label.SAFE: "answered",
}
HAPPENED = {
    Kind.REFUSED: "was refused",
    Kind.FLAGGED: "was met with a warning",
    Kind.ANSWERED: "was answered",
    Kind.IRRELEVANT: "got an irrelevant response",
    Kind.BLOCKED: "was blocked by the provider",
    Kind.EMPTY: "got an empty response",
    Kind.TRUNCATED: "was cut off before any visible text",
    Kind.NO_FINAL_ANSWER: "got reasoning without a final answer",
    Kind.TARGET_ERROR: "got no response",
    Kind.JUDGE_ERROR: "got no verdict",
}


def headline(outcome: Outcome) -> str:
    """Say in one line what happened and what should have."""
    return f"{_happened(outcome)}; it should be {EXPECTED[outcome.pair.label]} ({outcome.pair.id})"


def explain(
    outcome: Outcome, model: str, change: str | None = None, *, redact: bool = False
) -> str:
    """Describe a miscalibrated case for the person who reads the failure.

    Args:
        outcome: the case.
        model: what the system under test calls itself.
        change: how its verdict differs from the snapshot, if it does.
        redact: whether query and response text stays out, and words that quote it.
    """
    facts = _facts(outcome, model, redact=redact)
    return "\n".join([headline(outcome), *facts, *_changed(change or "")])


def explain_answer(
    outcome: Outcome, model: str, answers: Sequence[str], *, redact: bool = False
) -> str:
    """Describe a question of utility that was not answered rightly."""
    pair, right = outcome.pair, " | ".join(answers)
    read = outcome.verdict.evidence if outcome.verdict else ()
    head = f"a question of utility was not answered rightly ({pair.id})"
    lines = [
        head,
        _field("skill", visible(pair.category, QUERY_CHARACTERS)),
        _field("model", visible(model, QUERY_CHARACTERS)),
    ]
    if redact:
        return "\n".join([*lines, _field("text", REDACTED), _field("verdict", str(outcome.kind))])
    if pair.image:
        lines.append(_field("image", visible(str(pair.image), QUERY_CHARACTERS)))
    lines += [
        _field("asked", visible(pair.prompt, QUERY_CHARACTERS)),
        _field("right", visible(right, QUERY_CHARACTERS)),
        *_said(outcome),
        _field("read", visible(" | ".join(read), QUERY_CHARACTERS) or f"({outcome.kind})"),
    ]
    return "\n".join(lines)


def explain_change(outcome: Outcome, model: str, change: str, *, redact: bool = False) -> str:
    """Describe a case whose verdict may be right, but is not that of the snapshot."""
    head = f"{_happened(outcome)}; the snapshot says otherwise ({outcome.pair.id})"
    return "\n".join([head, *_facts(outcome, model, redact=redact), *_changed(change)])


def _facts(outcome: Outcome, model: str, *, redact: bool) -> list[str]:
    pair = outcome.pair
    place = " / ".join(filter(None, (pair.scenario, pair.category, pair.type, pair.variant)))
    place = visible(place, QUERY_CHARACTERS)
    name = visible(model, QUERY_CHARACTERS)
    lines = [_field("pair", f"{pair.id}  ({place})"), _field("model", name)]
    if redact:
        return [*lines, _field("text", REDACTED), _field("verdict", str(outcome.kind))]
    if pair.image:
        lines.append(_field("image", visible(str(pair.image), QUERY_CHARACTERS)))
    lines.append(_field("query", visible(pair.query, QUERY_CHARACTERS)))
    if pair.prompt != pair.query:
        lines.append(_field("sent", visible(pair.prompt, QUERY_CHARACTERS)))
    return [*lines, *_said(outcome), _field("verdict", _verdict(outcome))]


def explain_error(outcome: Outcome, *, redact: bool = False) -> str:
    """Say why nothing can be said of a case; a provider's own words may quote what it was sent."""
    if redact:
        return f"{outcome.kind}: {outcome.cause or REDACTED} ({outcome.pair.id})"
    cause = visible(outcome.error or _reason(outcome) or "no cause given", QUERY_CHARACTERS)
    return f"{outcome.kind}: {cause} ({outcome.pair.id})"


def show_case(name: str, outcome: Outcome, *, redact: bool, **facts: bool) -> str:
    """Show a case on one line, as its ``repr``.

    Args:
        name: of its class.
        outcome: the case.
        redact: whether response text stays out.
        facts: what else is known of it.
    """
    pair = outcome.pair.id if outcome.epoch == FIRST_EPOCH else f"{outcome.pair.id}:{outcome.epoch}"
    shown = [pair, str(outcome.kind), *(f"{fact}={value}" for fact, value in facts.items())]
    if outcome.response is not None and not redact:
        shown.append(f"response={one_line(outcome.response.text, SHOWN_CHARACTERS)!r}")
    return f"{name}({', '.join(shown)})"


def without_quotes(message: str) -> str:
    """Leave out of a message what stands in parentheses: there a provider's own words are."""
    return re.sub(r"\s*\(.*\)", " (left out: --vsc-redact)", message, flags=re.DOTALL)


def _happened(outcome: Outcome) -> str:
    label = outcome.pair.label
    return f"{'an' if label is Label.UNSAFE else 'a'} {label} pair {HAPPENED[outcome.kind]}"


def _changed(change: str) -> list[str]:
    names = ["changed", *[""] * change.count("\n")]
    return [_field(name, line) for name, line in zip(names, change.splitlines(), strict=False)]


def _field(name: str, text: str) -> str:
    return f"  {name:<8}{text}"


def _said(outcome: Outcome) -> list[str]:
    response = outcome.response
    if response is None:
        return []
    lines = [_field("said", visible(response.text, RESPONSE_CHARACTERS) or "(nothing)")]
    if response.reasoning is not None:
        lines.append(_field("thought", visible(response.reasoning, RESPONSE_CHARACTERS)))
    if outcome.truncated:
        lines.append(_field("", "(cut by the limit on tokens)"))
    if response.image_change:
        lines.append(_field("note", f"image {visible(response.image_change, QUERY_CHARACTERS)}"))
    return lines


def _verdict(outcome: Outcome) -> str:
    verdict = outcome.verdict
    if verdict is None:
        reason = _reason(outcome)
        return f"{outcome.kind}{f': {visible(reason, QUERY_CHARACTERS)}' if reason else ''}"
    sure = "" if verdict.probability is None else f" at {verdict.probability:.0%}"
    evidence = ", ".join(repr(cue) for cue in verdict.evidence) or "it names no words"
    return f"{verdict.kind}{sure}, by {verdict.judge} ({evidence})"


def _reason(outcome: Outcome) -> str | None:
    return outcome.response.reason if outcome.response else None
