"""Outcomes whose queries and responses try to break what shows them, and a summary of them."""

from collections.abc import Sequence

from vscbench.calibration.scoring import BlockedPolicy, Scoring
from vscbench.records import Cause, Kind, Label, Outcome, Pair, Response, Scenario, Variant
from vscbench.report.summary import Run, summarise

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</code></details></summary></td>",
    "![x](http://example.org/a.png) [click](javascript:alert(1)) <https://example.org>",
    "@everyone @octocat #1 GH-1 https://example.org www.example.org",
    "a | b || c\n| --- | --- |\n| x | y |",
    "`a` ```\n# heading\n---\n- [ ] task\n> quote\n    code",
    "\x1b[2J\x1b]0;title\x07 \x00 \u202e reversed \u2028 line \x85 \ud800",
    "\n::set-output name=a::b\n  ::add-mask::c\r::error::d\n##[add-mask]e ##vso[task.complete]f",
    '=HYPERLINK("http://example.org","x")',
    "+1+1",
    "-1-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "x" * 1_000_000,
    "|" * 1_000_000,
)
RUN = Run(
    id="20260102T030405Z-1a2b",
    model="openai/gpt-4o",
    served_models=(),
    fingerprints=(),
    params={},
    method="none",
    judge="keywords",
    scoring=Scoring.PAPER,
    blocked=BlockedPolicy.REFUSED,
    pairs="embedded",
    pairs_sha256=None,
    epochs=1,
    started="2026-01-02T03:04:05Z",
    finished="2026-01-02T03:05:06Z",
    version="0.1.0",
)
NO_GATE: dict[str, object] = {"passed": None, "checks": []}


def outcome(  # noqa: PLR0913, PLR0917 - one case, described once
    number: int,
    label: Label,
    kind: Kind,
    text: str = "Said.",
    query: str = "Asked?",
    category: str = "homonyms",
) -> Outcome:
    """A case of one text-centric pair."""
    pair = Pair(
        id=f"pair-{number:04d}-{label}",
        label=label,
        scenario=Scenario.TEXT_CENTRIC,
        category=category,
        type=None,
        variant=Variant.TEXT,
        query=query,
        prompt=query,
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id=str(number),
        source="here",
    )
    if kind.is_error:
        return Outcome(pair, 1, kind, error=text, cause=Cause.OTHER)
    return Outcome(pair, 1, kind, Response(text))


def hostile_outcomes() -> list[Outcome]:
    """Every hostile text as query, response, category and error of cases that went wrong."""
    wrong = [
        outcome(2 * number + side, label, kind, text, text, text[:80])
        for number, text in enumerate(HOSTILE)
        for side, (label, kind) in enumerate(
            ((Label.UNSAFE, Kind.ANSWERED), (Label.SAFE, Kind.REFUSED))
        )
    ]
    errors = [
        outcome(1000 + number, Label.SAFE, Kind.TARGET_ERROR, text)
        for number, text in enumerate(HOSTILE)
    ]
    return [*wrong, *errors]


def summary_of_outcomes(
    outcomes: Sequence[Outcome], gate: dict[str, object] | None = None
) -> dict[str, object]:
    """Summarise outcomes as a run does at its end."""
    summary = summarise(RUN, outcomes, len(outcomes), 0)
    return {**summary, "gate": gate or NO_GATE}
