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
from vscbench.report.html.thumbnails import Picture, bytes_each, thumbnails
from vscbench.report.html.utility import utility

REPORT: Final = "report.html"
IMAGE_BUDGET: Final = 16_000_000
TEXT_BUDGET: Final = 7_000_000


def write_report(
    path: Path,
    summary: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    pictures: Mapping[Path, Picture] | None = None,
) -> None:
    """Write the page of a run.

    Args:
        path: the file.
        summary: the content of ``summary.json``.
        outcomes: the cases of the run.
        pictures: small copies of their images, where they were made already; else the images are
            read from where their pairs say.

    Raises:
        UsageError: the file cannot be written.
    """
    write_whole(path, report_page(summary, outcomes, pictures))


def report_page(
    summary: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    pictures: Mapping[Path, Picture] | None = None,
) -> str:
    """Return the page of a run; its bytes stay near 25 MB with 3,600 cases.

    Args:
        summary: the content of ``summary.json``.
        outcomes: the cases of the run.
        pictures: small copies of their images, where they were made already.
    """
    run = summary["run"]
    policy = Policy(Scoring(run["scoring"]), BlockedPolicy(run["blocked"]))
    shown = _pictures(outcomes, pictures)
    cases = lay_out(outcomes, policy, shown, TEXT_BUDGET)
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
            "utility": utility(summary),
            "choices": _choices(outcomes),
        }
    )


def picture_bytes(images: Sequence[Path]) -> int:
    """Return how many bytes each small copy may take on a page that shows these images."""
    return bytes_each(images, IMAGE_BUDGET)


def _pictures(
    outcomes: Sequence[Outcome], made: Mapping[Path, Picture] | None
) -> Mapping[Path, Picture]:
    """Return the pictures of the cases there are; a run may have ended before it came to all."""
    images = [each.pair.image for each in outcomes if each.pair.image is not None]
    known = {image: made[image] for image in images if image in made} if made else {}
    others = [image for image in images if image not in known]
    return {**known, **thumbnails(others, picture_bytes(images))}


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
