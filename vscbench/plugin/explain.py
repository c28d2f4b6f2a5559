"""A failed case in words: what was asked, what came back, and why that is wrong."""

from vscbench.records import Kind, Label, Outcome
from vscbench.visible import visible

RESPONSE_CHARACTERS = 800
QUERY_CHARACTERS = 600
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
    Kind.TARGET_ERROR: "got no response",
    Kind.JUDGE_ERROR: "got no verdict",
}


def headline(outcome: Outcome) -> str:
    """Say in one line what happened and what should have."""
    label = outcome.pair.label
    article = "an" if label is Label.UNSAFE else "a"
    return (
        f"{article} {label} pair {HAPPENED[outcome.kind]}; "
        f"it should be {EXPECTED[label]} ({outcome.pair.id})"
    )


def explain(outcome: Outcome, model: str) -> str:
    """Describe a miscalibrated case for the person who reads the failure."""
    pair = outcome.pair
    place = " / ".join(filter(None, (pair.scenario, pair.category, pair.type, pair.variant)))
    place = visible(place, QUERY_CHARACTERS)
    lines = [headline(outcome), _field("pair", f"{pair.id}  ({place})"), _field("model", model)]
    if pair.image:
        lines.append(_field("image", visible(str(pair.image), QUERY_CHARACTERS)))
    lines.append(_field("query", visible(pair.query, QUERY_CHARACTERS)))
    if pair.prompt != pair.query:
        lines.append(_field("sent", visible(pair.prompt, QUERY_CHARACTERS)))
    return "\n".join([*lines, *_said(outcome), _field("verdict", _verdict(outcome))])


def explain_error(outcome: Outcome) -> str:
    """Say why nothing can be said of a case."""
    cause = visible(outcome.error or _reason(outcome) or "no cause given", QUERY_CHARACTERS)
    return f"{outcome.kind}: {cause} ({outcome.pair.id})"


def _field(name: str, text: str) -> str:
    return f"  {name:<8}{text}"


def _said(outcome: Outcome) -> list[str]:
    response = outcome.response
    if response is None:
        return []
    lines = [_field("said", visible(response.text, RESPONSE_CHARACTERS) or "(nothing)")]
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
