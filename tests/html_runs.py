"""Small runs for the page: outcomes of every sort, and the summary of a run that had them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hostile_responses import HOSTILE

from vscbench.calibration.scoring import BlockedPolicy, Scoring
from vscbench.records import (
    Cause,
    Finish,
    Kind,
    Label,
    Outcome,
    Pair,
    Response,
    Scenario,
    Variant,
    Verdict,
)
from vscbench.report.html.page import report_page
from vscbench.report.summary import Run, summarise

CATEGORIES = ("definitions", "drugs", "homonyms")
ATTACKS = (
    "<script>document.title = 'owned'</script>",
    "</textarea></title></style></script><img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><use href=http://127.0.0.1/x></svg>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    '=HYPERLINK("http://127.0.0.1/?leak","click")',
    "\x1b[31mred\x1b[0m \x00 null \x07",
    "\u202eplh tonnac I\u202c \u2066isolated\u2069",
    "\ud800 a lone surrogate \udfff",
    "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "]]> --> <!-- <![CDATA[",
    "javascript:alert(1) &lt;b&gt; &#x3c;",
    *HOSTILE,
)
NO_GATE: dict[str, Any] = {"passed": None, "checks": []}


def page_pair(pair_id: str, label: Label, **changes: object) -> Pair:
    pair = Pair(
        id=pair_id,
        label=label,
        scenario=Scenario.TEXT_CENTRIC,
        category="homonyms",
        type=None,
        variant=Variant.TEXT,
        query=f"What about {pair_id}?",
        prompt=f"What about {pair_id}?",
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id=pair_id,
        source="tests",
    )
    return replace(pair, **changes)  # type: ignore[arg-type]


def said(pair: Pair, kind: Kind, text: str = "Sure.", evidence: tuple[str, ...] = ()) -> Outcome:
    """A case that a judge read."""
    response = Response(text, served_model="m-1", prompt_tokens=10, completion_tokens=3)
    return Outcome(
        pair, 1, kind, response, Verdict(kind, "keywords", 0.75, evidence), latency_s=0.5
    )


def failed(pair: Pair, message: str) -> Outcome:
    """A case of which nothing can be said."""
    return Outcome(pair, 1, Kind.TARGET_ERROR, error=message, cause=Cause.RATE_LIMIT)


def blocked(pair: Pair, reason: str) -> Outcome:
    """A case that the provider's filter ended."""
    return Outcome(pair, 1, Kind.BLOCKED, Response("", Finish.BLOCKED, reason=reason))


def many_outcomes(number: int, image: Path | None = None) -> list[Outcome]:
    """Contrasts in several categories and variants, most of them right, one in nine wrong."""
    outcomes = []
    for row in range(number // 2):
        for label in Label:
            pair = page_pair(
                f"row-{row:04d}-{label}",
                label,
                category=CATEGORIES[row % 3],
                variant=(Variant.TEXT, Variant.TYPOGRAPHY)[row % 2],
                contrast_id=f"row-{row:04d}",
                cluster_id=f"row-{row:04d}",
                image=image,
            )
            right = Kind.REFUSED if label is Label.UNSAFE else Kind.ANSWERED
            wrong = Kind.ANSWERED if label is Label.UNSAFE else Kind.REFUSED
            outcomes.append(said(pair, wrong if row % 9 == 4 else right))
    return outcomes


def summary_for(outcomes: Sequence[Outcome], **changes: object) -> dict[str, Any]:
    run = Run(
        id="run-1",
        model="openai/gpt-4o",
        served_models=("m-1",),
        fingerprints=(),
        params={},
        method="none",
        judge="keywords",
        scoring=Scoring.PAPER,
        blocked=BlockedPolicy.REFUSED,
        pairs="pairs.jsonl",
        pairs_sha256=None,
        epochs=max((each.epoch for each in outcomes), default=1),
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:01:05+00:00",
        version="0.1.0",
    )
    whole = summarise(replace(run, **changes), outcomes, len(outcomes), 0)  # type: ignore[arg-type]
    return {**whole, "gate": NO_GATE}


def gate(passed: bool) -> dict[str, Any]:
    """What ``summary.json`` holds of a gate with one check."""
    check = {
        "name": "sra_u",
        "measure": "sra_u",
        "category": "drugs",
        "asked": "at least 90.0 %",
        "seen": "85.2 %, n 225",
        "passed": passed,
        "why": None,
        "cases": ["row-0000-unsafe", "gone"],
        "cases_total": 24,
    }
    return {"passed": passed, "source": "gate.toml", "checks": [check]}


def hostile_outcomes() -> list[Outcome]:
    """Put every attack into every text that comes from elsewhere."""
    outcomes = []
    for number, attack in enumerate(ATTACKS):
        pair = page_pair(
            f"pair-{number:03d}",
            Label.UNSAFE if number % 2 else Label.SAFE,
            query=attack,
            prompt=attack + " sent",
            category=attack[:60] or "none",
            type=attack[:60] or None,
            contrast_id=f"{attack[:40]} {number // 2}",
        )
        outcomes.append(said(pair, Kind.ANSWERED, attack, (attack, attack)))
        other = replace(pair, id=f"other-{number:03d}", contrast_id=None)
        outcomes.append((failed if number % 2 else blocked)(other, attack))
    return outcomes


def hostile_page() -> str:
    outcomes = hostile_outcomes()
    attack = ATTACKS[1]
    summary = summary_for(
        outcomes, model=attack, judge=attack, served_models=(attack,), pairs=attack
    )
    check = {
        "name": attack,
        "measure": attack,
        "category": attack,
        "asked": attack,
        "seen": attack,
        "passed": False,
        "why": attack,
        "cases": [attack],
        "cases_total": 3,
    }
    waived = [{"case": attack, "reason": attack, "until": attack}]
    gate = {"passed": False, "source": attack, "checks": [check], "waived": waived}
    return report_page({**summary, "gate": gate}, outcomes)
