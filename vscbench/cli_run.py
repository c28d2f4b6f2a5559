"""``vscbench run``: a grid of models and methods, on one store, without pytest."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from vscbench.plugin.options import FLAGS, OPTIONS
from vscbench.records import NO_METHOD

if TYPE_CHECKING:
    from vscbench.methods.protocol import MethodSpec
    from vscbench.plugin.finished_run import FinishedRun
    from vscbench.plugin.settings import Settings
    from vscbench.plugin.source import Source
    from vscbench.plugin.sweep import Sweep

Command = Callable[..., Any]
# What a grid says in other words, or not at all.
_NOT_OF_A_GRID: Final = {"method", "gate", "baseline", "redact"}
_SEVERAL: Final = ("param", "judge-param", "method-param")


def run_options(command: Command) -> Command:
    """Add the options that a run of pytest has, without their prefix."""
    for name, metavar, text in reversed(OPTIONS):
        if name not in _NOT_OF_A_GRID:
            command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    for name, text in reversed(FLAGS):
        if name not in _NOT_OF_A_GRID:
            command = click.option(f"--{name}", is_flag=True, default=None, help=text)(command)
    return command


@click.command()
@click.option("--models", metavar="A,B", help="The systems under test, as --model names them.")
@click.option(
    "--methods",
    metavar="A,B",
    help="Calibration methods; NAME:FILE gives one its file. 'none' is what they are compared to.  "
    "[default: that of pyproject.toml, or none]",
)
@click.option(
    "--param", multiple=True, metavar="KEY=VALUE", help="A parameter of every model; repeatable."
)
@click.option("--judge-param", multiple=True, metavar="KEY=VALUE", help="One of the judge's model.")
@click.option(
    "--method-param",
    multiple=True,
    metavar="METHOD.KEY=VALUE",
    help="A parameter of one method; repeatable.",
)
@run_options
def run(models: str | None, methods: str | None, **given: Any) -> None:  # noqa: ANN401 - click's own
    """Ask each model by each method, and put the runs into one table.

    The runs share a store; weights that are loaded here are loaded once a model. Each run leaves
    its files as one of pytest does. Exit status 1 if a run is incomplete or could not be made.
    """
    from vscbench.plugin.sweep import Sweep, cells_of

    source = _source(given)
    settings = _settings(source, given)
    named = _words(models) or ([settings.model] if settings.model else [])
    asked = [settings.method]
    if methods is not None or given["method_param"]:
        asked = _methods(methods or NO_METHOD, given["method_param"], source.here)
    cells = [*cells_of(settings, named, asked)]
    sweep = Sweep(cells, _tell)
    sweep.check()
    if settings.dry_run:
        _print_plans(sweep)
        return
    _run(sweep)
    _print_tables(sweep)
    complete = all(each.summary["complete"] for each in sweep.finished)
    sys.exit(0 if complete and not sweep.failures else 1)


def _source(given: Mapping[str, Any]) -> "Source":
    from vscbench.cli_runs import project_root
    from vscbench.plugin.settings import read_table
    from vscbench.plugin.source import Source

    root = project_root()
    said = {name.replace("_", "-"): value for name, value in given.items()}
    said |= dict.fromkeys(("gate", "method-param"))
    return Source(said.get, read_table(root / "pyproject.toml"), Path.cwd(), root, "--")


def _settings(source: "Source", given: Mapping[str, Any]) -> "Settings":
    from vscbench.plugin.settings import settings_of

    return settings_of(source)


def _methods(text: str, params: Sequence[str], base: Path) -> "list[MethodSpec]":
    """Read methods, each with its own parameters.

    Raises:
        UsageError: a parameter names no method of the grid.
    """
    from vscbench.errors import UsageError
    from vscbench.methods.open import read_method
    from vscbench.models.parameters import read_parameter

    by_method: dict[str, dict[str, Any]] = {}
    names = [each.partition(":")[0] for each in _words(text)]
    for param in params:
        method, dot, rest = param.partition(".")
        if not dot or method not in names:
            raise UsageError(
                f"--method-param {param}: write METHOD.KEY=VALUE, with a method of --methods "
                f"({', '.join(names)})"
            )
        key, value = read_parameter("--method-param", rest)
        by_method.setdefault(method, {})[key] = value
    return [
        read_method(each, by_method.get(name, {}), base)
        for each, name in zip(_words(text), names, strict=True)
    ]


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _tell(line: str) -> None:
    if not sys.stderr.isatty():
        click.echo(f"vscbench: {line}", err=True)


def _run(sweep: "Sweep") -> None:
    from vscbench.plugin.progress import LiveLine

    live = LiveLine(sweep.progress, sys.stderr) if sys.stderr.isatty() else None
    try:
        sweep.run()
    finally:
        if live is not None:
            live.stop()


def _print_plans(sweep: "Sweep") -> None:
    from vscbench.plugin.plan import plan_lines

    for cell, plan in zip(sweep.cells, sweep.plans(), strict=True):
        click.echo(f"{cell.name}")
        for line in plan_lines(plan):
            click.echo(line)


def _print_tables(sweep: "Sweep") -> None:
    """Print all runs side by side, and what each method changes, where there is something."""
    from vscbench.cli_output import open_run_outcomes
    from vscbench.cli_runs import named_models
    from vscbench.report.comparison import comparison
    from vscbench.report.comparison_text import comparison_lines

    runs = [open_run_outcomes(str(each.folder), None) for each in sweep.finished]
    for line in comparison_lines(comparison(runs, named_models())) if runs else ():
        click.echo(line)
    for line in _trades(sweep):
        click.echo(line)
    for failure in sweep.failures:
        click.echo(f"vscbench: {failure}", err=True)


def _trades(sweep: "Sweep") -> Iterator[str]:
    """Lay out what each method changes, for each model that was asked by none and by others."""
    from vscbench.cli_trade import open_trade_run
    from vscbench.report.trade import trade
    from vscbench.report.trade_text import trade_lines

    by_model: dict[str, list[FinishedRun]] = {}
    for each in sweep.finished:
        by_model.setdefault(str(each.summary["run"]["model"]), []).append(each)
    for runs in by_model.values():
        methods = [each.summary["run"]["method"] for each in runs]
        if NO_METHOD in methods and len(runs) > 1:
            yield ""
            yield from trade_lines(trade([open_trade_run(str(each.folder)) for each in runs]))
