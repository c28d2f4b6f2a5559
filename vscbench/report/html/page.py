"""``report.html``: from a run's summary and outcomes to one self-contained page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.records import Kind, Outcome
from vscbench.report.files import write_whole
from vscbench.report.html.apart import apart
from vscbench.report.html.breakdown import divisions, kind_rows
from vscbench.report.html.cases import lay_out
from vscbench.report.html.discernment import findings, flips
from vscbench.report.html.figures import figures
from vscbench.report.html.headline import headline
from vscbench.report.html.rendering import render
from vscbench.report.html.thumbnails import thumbnails

REPORT: Final = "report.html"
IMAGE_BUDGET: Final = 12_500_000
TEXT_BUDGET: Final = 7_000_000


def write_report(path: Path, summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Write the page of a run.

    Args:
        path: the file.
        summary: the content of ``summary.json``.
        outcomes: the cases of the run; images are read from where their pairs say.

    Raises:
        UsageError: the file cannot be written.
    """
    write_whole(path, report_page(summary, outcomes))


def report_page(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """Return the page of a run; its bytes stay near 25 MB with 3,600 cases.

    Args:
        summary: the content of ``summary.json``.
        outcomes: the cases of the run.
    """
    run = summary["run"]
    policy = Policy(Scoring(run["scoring"]), BlockedPolicy(run["blocked"]))
    images = [each.pair.image for each in outcomes if each.pair.image is not None]
    cases = lay_out(outcomes, policy, thumbnails(images, IMAGE_BUDGET), TEXT_BUDGET)
    return render(
        {
            "headline": headline(summary, outcomes),
            "figures": figures(summary, outcomes),
            "divisions": divisions(summary),
            "kinds": kind_rows(outcomes),
            "findings": findings(summary),
            "flips": flips(summary),
            "cases": cases,
            "apart": apart(cases),
            "choices": _choices(outcomes),
        }
    )


def _choices(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    """Return what there is to choose from in each filter, in order."""
    came = {outcome.kind for outcome in outcomes}
    return {
        "label": sorted({outcome.pair.label.value for outcome in outcomes}),
        "kind": [kind.value for kind in Kind if kind in came],
        "category": sorted({outcome.pair.category for outcome in outcomes}),
        "variant": sorted({each.pair.variant.value for each in outcomes if each.pair.variant}),
        "right": ["wrong", "right", "not scored"],
    }
