"""``vscbench compare``: many models in one table, and one figure."""

from pathlib import Path

import click

from vscbench.cli_output import OUTPUT, open_run_outcomes, write_output


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json", "csv"]),
    default="terminal",
    show_default=True,
    help="How to write the table.",
)
@OUTPUT
@click.option(
    "--figure",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw SRA_s against SRA_u, a point a run, into an SVG file.",
)
def compare(runs: tuple[str, ...], form: str, output: Path | None, figure: Path | None) -> None:
    """Put many RUNs side by side: SRA_u, SRA_s, their mean and contrasts, with intervals.

    Each is a run's folder, its id, its summary.json or outcomes.jsonl, or a snapshot. Each is
    scored as it was; where runs cannot be compared, a warning says why.
    """
    # Imported where they are used, so that other commands do not wait for them.
    from vscbench.cli_runs import named_models
    from vscbench.report.comparison import comparison, comparison_csv
    from vscbench.report.comparison_text import comparison_lines, comparison_markdown
    from vscbench.report.files import to_json

    found = comparison([open_run_outcomes(run, None) for run in runs], named_models())
    layouts = {
        "terminal": lambda: "\n".join(comparison_lines(found)) + "\n",
        "markdown": lambda: comparison_markdown(found),
        "json": lambda: to_json(found, indent=2) + "\n",
        "csv": lambda: comparison_csv(found),
    }
    write_output(output, layouts[form]())
    if figure is not None:
        from vscbench.report.comparison_figure import comparison_svg

        write_output(figure, comparison_svg(found))
