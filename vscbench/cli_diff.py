"""``vscbench diff``: what changed from one run to another."""

from pathlib import Path

import click

from vscbench.cli_output import OUTPUT, open_run_outcomes, write_output
from vscbench.cli_runs import PAIRS

FAILED = 1


@click.command()
@click.argument("before")
@click.argument("after")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    show_default=True,
    help="How to write it.",
)
@OUTPUT
@click.option(
    "--fail-on",
    type=click.Choice(["regression"]),
    help="Exit 1 where SRA_u or SRA_s fell significantly (Holm-adjusted p below .05).",
)
@PAIRS
@click.option("--redact", is_flag=True, help="Leave the queries out.")
@click.pass_context
def diff(  # noqa: PLR0913 - one argument an option
    context: click.Context,
    /,
    before: str,
    after: str,
    *,
    form: str,
    output: Path | None,
    fail_on: str | None,
    pairs: str | None,
    redact: bool,
) -> None:
    """Say what changed from the run BEFORE to the run AFTER.

    Each is a run's folder, its id, its summary.json or outcomes.jsonl, or a snapshot: a file, or
    REVISION:PATH in git. The flips, case by case, and whether the rates changed by more than
    chance, paired by pair. Exit status 0; 2 where a run cannot be read.
    """
    # Imported where they are used, so that other commands do not wait for them.
    from vscbench.report.diff import diff as make_diff
    from vscbench.report.diff import require_comparable, without_queries
    from vscbench.report.diff_markdown import diff_markdown
    from vscbench.report.diff_text import diff_lines
    from vscbench.report.files import to_json

    runs = open_run_outcomes(before, pairs), open_run_outcomes(after, pairs)
    found = make_diff(*runs)
    if redact:
        found = without_queries(found)
    layouts = {
        "terminal": lambda: "\n".join(diff_lines(found)) + "\n",
        "markdown": lambda: diff_markdown(found),
        "json": lambda: to_json(found, indent=2) + "\n",
    }
    write_output(output, layouts[form]())
    if fail_on:
        require_comparable(found, runs)
    if fail_on and found["significantly_worse"]:
        context.exit(FAILED)
