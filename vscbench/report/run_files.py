"""The files of a run, and what it tells the service that runs the build."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vscbench.calibration.scoring import Policy
from vscbench.records import Outcome
from vscbench.report.files import write_whole
from vscbench.report.github import annotations, append_step_summary, is_github
from vscbench.report.markdown import summary_markdown
from vscbench.report.outcomes import outcome_row, write_outcomes
from vscbench.report.past_run import OUTCOMES, SUMMARY
from vscbench.report.summary import write_summary

if TYPE_CHECKING:
    from vscbench.report.html.thumbnails import Picture
    from vscbench.report.utility import UtilityRow

MARKDOWN: Final = "summary.md"


def write_numbers(
    folder: Path,
    summary: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    policy: Policy,
    judge_name: str,
) -> None:
    """Write ``outcomes.jsonl`` and ``summary.json``, from which all else can be made anew.

    Raises:
        UsageError: a file cannot be written.
    """
    rows = [outcome_row(each, policy, judge_name) for each in outcomes]
    write_outcomes(folder / OUTCOMES, rows)
    write_summary(folder / SUMMARY, summary)


def write_answers(folder: Path, rows: "Sequence[UtilityRow]") -> None:
    """Write ``utility.jsonl``.

    Raises:
        UsageError: it cannot be written.
    """
    # Imported here: most runs ask no question.
    from vscbench.report.utility import UTILITY, write_utility

    write_utility(folder / UTILITY, rows)


def write_reports(
    folder: Path,
    summary: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    *,
    redact: bool,
    pictures: "Callable[[], Mapping[Path, Picture]] | None" = None,
) -> Iterator[str]:
    """Write ``report.html`` and ``summary.md``.

    Args:
        folder: of the run.
        summary: the content of ``summary.json``.
        outcomes: the cases of the run.
        redact: whether queries and responses stay out of ``summary.md``.
        pictures: gives the small copies of images that were made ahead.

    Yields:
        A remark for each that could not be made: it costs a line, never the run.
    """
    if outcomes:
        try:
            # Imported here: it draws, and only the end of a run does.
            from vscbench.report.html.page import REPORT, write_report

            made = pictures() if pictures else None
            write_report(folder / REPORT, summary, outcomes, made)
        except Exception as error:  # all else of the run is on disk by now
            yield (
                f"report.html was not written ({type(error).__name__}: {error}); "
                f"'vscbench report {folder}' makes it anew"
            )
    try:
        write_whole(folder / MARKDOWN, summary_markdown(summary, outcomes, redact=redact))
    except Exception as error:  # as above
        yield f"summary.md was not written ({type(error).__name__}: {error})"


def tell_step_summary(folder: Path) -> Iterator[str]:
    """Add ``summary.md`` to the summary of a step of GitHub Actions, where this runs in one.

    Yields:
        A remark where it could not be added.
    """
    path = folder / MARKDOWN
    if path.is_file():
        remark = append_step_summary(os.environ, path.read_text(encoding="utf-8"))
        if remark is not None:
            yield remark


def build_annotations(
    summary: Mapping[str, Any], outcomes: Sequence[Outcome], *, redact: bool
) -> tuple[str, ...]:
    """Return the lines by which GitHub Actions shows what is wrong; none elsewhere."""
    if not is_github(os.environ):
        return ()
    return tuple(annotations(summary, outcomes, redact=redact))
