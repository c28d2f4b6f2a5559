"""``vscbench trade``: what calibration methods change of a model, in safety and in utility."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vscbench.cli_output import OUTPUT, write_output

if TYPE_CHECKING:
    from vscbench.report.trade_runs import TradeRun


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json", "csv"]),
    default="terminal",
    show_default=True,
    help="How to write it.",
)
@OUTPUT
@click.option(
    "--figure",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw calibration and helpfulness by method into an SVG file.",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page with sentences, figure and tables as well.",
)
def trade(
    runs: tuple[str, ...],
    form: str,
    output: Path | None,
    figure: Path | None,
    html: Path | None,
) -> None:
    """Say what each calibration method changes of its model, and what it costs in utility.

    Each RUN is a run's folder, its id, its summary.json or outcomes.jsonl, or a snapshot. Of each
    model there must be one run without a method, and one or more with: every method is compared
    with that one, pair by pair and question by question. Exit status 0; 2 where a run cannot be
    read.
    """
    # Imported where they are used, so that other commands do not wait for them.
    from vscbench.report.files import to_json
    from vscbench.report.trade import trade as make_trade
    from vscbench.report.trade import trade_csv
    from vscbench.report.trade_markdown import trade_markdown
    from vscbench.report.trade_text import trade_lines

    found = make_trade([open_trade_run(run) for run in runs])
    layouts = {
        "terminal": lambda: "\n".join(trade_lines(found)) + "\n",
        "markdown": lambda: trade_markdown(found),
        "json": lambda: to_json(found, indent=2) + "\n",
        "csv": lambda: trade_csv(found),
    }
    write_output(output, layouts[form]())
    if figure is not None:
        from vscbench.report.trade_svg import trade_svg

        write_output(figure, trade_svg(found))
    if html is not None:
        from vscbench.report.trade_page import trade_page

        write_output(html, trade_page(found))


def open_trade_run(place: str) -> "TradeRun":
    """Read a run by whatever a person names it by."""
    from vscbench.cli_runs import project_root
    from vscbench.plugin.settings import read_table
    from vscbench.report.trade_runs import read_trade_run

    root = project_root()
    reports = read_table(root / "pyproject.toml").get("report") or "reports"
    return read_trade_run(place, root / str(reports), root)
