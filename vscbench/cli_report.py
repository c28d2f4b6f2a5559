"""``vscbench report``: the page of a finished run, made anew."""

from pathlib import Path

import click

from vscbench.cli_output import open_run_outcomes, write_output
from vscbench.cli_runs import PAIRS, RUN, open_run

_NOTE_CHARACTERS = 1000


@click.command()
@RUN
@PAIRS
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it.  [default: report.html in the run's folder]",
)
def report(run: str, *, pairs: str | None, output: Path | None) -> None:
    """Make report.html of a finished RUN (a folder, or an id under reports/).

    Queries and images come from the pairs of the run; where those cannot be opened any more, the
    page is made without them.
    """
    from vscbench.report.html.page import REPORT, report_page
    from vscbench.visible import visible

    past = open_run(run)
    found = open_run_outcomes(str(past.folder), pairs)
    path = output or past.folder / REPORT
    write_output(path, report_page(past.summary, found.outcomes))
    for note in found.notes:
        click.echo(f"note: {visible(note, _NOTE_CHARACTERS)}", err=True)
    click.echo(f"report: {path}")
