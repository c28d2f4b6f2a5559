"""``vscbench export``: the cases of a run as CSV."""

from pathlib import Path

import click

from vscbench.cli_output import write_output
from vscbench.cli_runs import PAIRS, RUN, open_run, project_root

FILE = "outcomes.csv"
_NOTE_CHARACTERS = 1000


@click.command()
@RUN
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it.  [default: outcomes.csv in the run's folder]",
)
@PAIRS
def export(run: str, *, output: Path | None, pairs: str | None) -> None:
    """Write the cases of a finished RUN (a folder, or an id under reports/) as CSV.

    A row a case, with its query and response. A text that a spreadsheet would run as a formula
    has an apostrophe in front, and one longer than a cell holds loses its middle.
    """
    from vscbench.report.export import outcomes_csv
    from vscbench.report.run_outcomes import read_run_outcomes
    from vscbench.visible import visible

    past = open_run(run)
    found = read_run_outcomes(str(past.folder), past.folder.parent, project_root(), pairs)
    # To a file, not to standard output: there a response could give orders to a build's log.
    path = output or past.folder / FILE
    write_output(path, outcomes_csv(found))
    for note in found.notes:
        click.echo(f"note: {visible(note, _NOTE_CHARACTERS)}", err=True)
    click.echo(f"cases: {path}")
