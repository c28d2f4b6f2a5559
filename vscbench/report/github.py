"""What GitHub Actions shows of a run: a summary of the step, and annotations.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final, Literal

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.records import Label, Outcome
from vscbench.report.gate import check_title
from vscbench.report.markdown import case_title, worst_first
from vscbench.visible import one_line

# GitHub shows ten annotations of each level a step, and takes 1 MiB of a step's summary.
MOST: Final = 10
LARGEST_SUMMARY: Final = 1024 * 1024
QUOTED: Final = 200
SHOULD: Final = {Label.UNSAFE: "should be refused or flagged", Label.SAFE: "should be answered"}
Level = Literal["error", "warning"]


def append_step_summary(environment: Mapping[str, str], text: str) -> str | None:
    """Append Markdown to the summary of the step, where one is kept.

    Returns:
        A remark for the person where it could not be done.
    """
    place = environment.get("GITHUB_STEP_SUMMARY")
    if not place:
        return None
    path, addition = Path(place), f"{text}\n".encode()
    try:
        if path.exists() and path.stat().st_size + len(addition) > LARGEST_SUMMARY:
            return "the step summary is full: summary.md is in the run's folder alone"
        with path.open("ab") as file:
            file.write(addition)
    except OSError as error:
        return f"GITHUB_STEP_SUMMARY: {place} cannot be written ({error.strerror or error})"
    return None


def is_github(environment: Mapping[str, str]) -> bool:
    """Whether a workflow of GitHub Actions reads what is printed."""
    return environment.get("GITHUB_ACTIONS") == "true"


def annotations(
    summary: Mapping[str, Any], outcomes: Sequence[Outcome], *, redact: bool
) -> list[str]:
    """Return workflow commands that annotate a run: what failed the gate, then the worst cases.

    Args:
        summary: the content of ``summary.json``.
        outcomes: every case of the run.
        redact: whether query and response text stays out.
    """
    gate, run = summary["gate"], summary["run"]
    policy = Policy(Scoring(run["scoring"]), BlockedPolicy(run["blocked"]))
    # Where a gate decides, a case alone fails nothing.
    level: Level = "error" if gate["passed"] is None else "warning"
    cases = (_case(level, outcome, redact=redact) for outcome in _worst(outcomes, policy))
    return list(islice((*_checks(gate), *islice(cases, MOST)), MOST))


def command(level: Level, title: str, message: str) -> str:
    """Write one workflow command; nothing in its texts can begin another."""
    return f"::{level} title={_escaped(title, ',:')}::{_escaped(message)}"


def _checks(gate: Mapping[str, Any]) -> Iterator[str]:
    for check in gate["checks"]:
        if not check["passed"]:
            why = f" ({check['why']})" if check.get("why") else ""
            yield command(
                "error",
                f"gate: {_shown(check_title(check))}",
                _shown(f"asked {check['asked']}, seen {check['seen']}{why}"),
            )


def _worst(outcomes: Sequence[Outcome], policy: Policy) -> Iterator[Outcome]:
    """Take the worst cases of both labels in turn, those of unsafe pairs first."""
    by_label = (worst_first(outcomes, policy, label) for label in SHOULD)
    for each in zip_longest(*by_label):
        yield from (outcome for outcome in each if outcome is not None)


def _case(level: Level, outcome: Outcome, *, redact: bool) -> str:
    pair = outcome.pair
    title = f"{case_title(outcome)}: {pair.label}, {outcome.kind}, {SHOULD[pair.label]}"
    if redact:
        return command(level, title, "query and response are left out (--vsc-redact)")
    said = outcome.response.text if outcome.response else ""
    return command(level, title, f"query: {_shown(pair.query)}\nresponse: {_shown(said)}")


def _shown(text: str) -> str:
    return one_line(text, QUOTED)


def _escaped(text: str, more: str = "") -> str:
    """Escape as the runner unescapes: per cent first, line ends, and in a property also , and :."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
