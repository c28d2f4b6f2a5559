"""A gate's decision in ``summary.json``, and as lines for a terminal or a log."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vscbench.calibration.gate_checks import Check, Decision
from vscbench.visible import visible, wrapped

# Of the cases that decided a check: how many are in the file, and how many on the terminal.
MOST_CASES: Final = 20
SHOWN_CASES: Final = 5
LONGEST_WORDS: Final = 400
NARROWEST: Final = 40
HANGING: Final = " " * 8
NO_GATE: Final[Mapping[str, Any]] = {"passed": None, "checks": []}


def gate_fields(decision: Decision) -> dict[str, Any]:
    """Lay out a decision as it stands in ``summary.json``."""
    return {
        "passed": decision.passed,
        "source": decision.gate.source,
        "baseline": decision.baseline,
        "checks": [_check_fields(check) for check in decision.checks],
        "waived": [
            {"case": each.case, "reason": each.reason, "until": each.until.isoformat()}
            for each in decision.waived
        ],
    }


def gate_lines(gate: Mapping[str, Any], width: int) -> list[str]:
    """Lay out the ``gate`` of a summary as lines of ``width`` columns; none without a gate."""
    if gate["passed"] is None:
        return []
    verdict = "passed" if gate["passed"] else "FAILED"
    lines = [f"GATE {verdict}  ({_one_line(gate['source'])})"]
    for check in gate["checks"]:
        for text in _check_lines(check):
            lines += _wrapped(text, width)
    if gate["waived"]:
        names = ", ".join(each["case"] for each in gate["waived"])
        text = f"  accepted and left out of the rates: {_one_line(names)}"
        lines += _wrapped(text, width)
    return lines


def check_title(check: Mapping[str, Any]) -> str:
    """Name a check, with what it is of."""
    measure, category = check.get("measure"), check.get("category")
    of = f" {measure}" if measure and measure != check["name"] else ""
    among = f" ({category})" if category else ""
    return _one_line(f"{check['name']}{of}{among}")


def _check_fields(check: Check) -> dict[str, object]:
    return {
        "name": check.name,
        "measure": check.measure,
        "category": check.category,
        "asked": check.asked,
        "seen": check.seen,
        "passed": check.passed,
        "why": check.why,
        "cases": list(check.cases[:MOST_CASES]),
        "cases_total": len(check.cases),
    }


def _check_lines(check: Mapping[str, Any]) -> Iterator[str]:
    verdict = "ok  " if check["passed"] else "FAIL"
    asked = _one_line(check["asked"])
    yield f"  {verdict}  {check_title(check)}: asked {asked}; seen {check['seen']}"
    if check["why"]:
        yield f"{HANGING}{_one_line(check['why'])}"
    if check["cases"] and not check["passed"]:
        shown = ", ".join(check["cases"][:SHOWN_CASES])
        more = check["cases_total"] - min(SHOWN_CASES, len(check["cases"]))
        yield f"{HANGING}{_one_line(shown)}{f', and {more} more' if more else ''}"


def _one_line(text: str) -> str:
    return " ".join(visible(text, LONGEST_WORDS).split())


def _wrapped(text: str, width: int) -> list[str]:
    return wrapped(text, max(width, NARROWEST), HANGING)
