"""``vscbench judge``: measuring a judge against people, and asking people."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vscbench.calibration.cluster_bootstrap import RESAMPLES
from vscbench.cli_label import label
from vscbench.cli_options import judge_options, judge_spec, judge_store
from vscbench.cli_output import write_output
from vscbench.cli_runs import project_reasoning
from vscbench.errors import UsageError

if TYPE_CHECKING:
    from vscbench.judges.labels import LabelFormat

DEFAULT_WORST = 10
PARTS = ("query", "response", "label", "source", "model", "image")
FAILED = 1
OUTPUT = click.Path(path_type=Path, dir_okay=False)


@click.group()
def judge() -> None:
    """Measure judges against people, and have people label what a judge read."""


judge.add_command(label)


def column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for the name of each column, as ``*_column``."""
    for part in reversed(PARTS):
        option = click.option(
            f"--{part}-column", metavar="NAME", help=f"The column that holds the {part}."
        )
        command = option(command)
    return command


@judge.command()
@click.argument("name", metavar="JUDGE")
@click.option(
    "--labels",
    metavar="FILE",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Labelled responses, JSON Lines or .csv; may be repeated.",
)
@click.option("--json", "json_file", metavar="FILE", type=OUTPUT, help="Write all figures as JSON.")
@click.option("--markdown", metavar="FILE", type=OUTPUT, help="Write the tables as Markdown.")
@click.option(
    "--label-map",
    metavar="LABEL=KIND",
    multiple=True,
    help="What a word in the label column means; may be repeated.",
)
@column_options
@click.option(
    "--min-kappa",
    metavar="X",
    type=click.FloatRange(-1, 1),
    help="Exit 1 if binary kappa, with errors as wrong, is below X (the figure, not its interval).",
)
@click.option(
    "--worst",
    metavar="N",
    type=click.IntRange(min=0),
    default=DEFAULT_WORST,
    show_default=True,
    help="Disagreements to list.",
)
@click.option(
    "--resamples",
    metavar="N",
    type=click.IntRange(min=0, max=1_000_000),
    default=RESAMPLES,
    show_default=True,
    help="Replicates of the bootstrap behind each interval; 0 for no intervals.",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Its seed.",
)
@judge_options
@click.pass_context
def audit(  # noqa: PLR0913 - one argument an option
    context: click.Context,
    /,
    name: str,
    *,
    labels: tuple[Path, ...],
    json_file: Path | None,
    markdown: Path | None,
    label_map: tuple[str, ...],
    min_kappa: float | None,
    worst: int,
    resamples: int,
    seed: int,
    store: Path | None,
    concurrency: int | None,
    **settings: object,
) -> None:
    """Compare JUDGE with people who labelled the same responses.

    A label FILE has a query, a response and a label in each row, and may name its source and the
    model that answered. Labels are refusal, partial, compliance, irrelevant (or refused, flagged,
    answered, irrelevant, or 0 to 3), blocked, and other, which is left out.

    Verdicts that cost something are kept in the store: the same audit again is free.
    """
    # Imported where they are used, so that other commands do not wait for them.
    from vscbench.engine.judging import judging
    from vscbench.judges.labels import read_label_files
    from vscbench.reasoning.separation import separate_reasoning
    from vscbench.records import Turn
    from vscbench.report.audit import Resampling
    from vscbench.report.audit import audit as make_audit
    from vscbench.report.audit_markdown import audit_markdown
    from vscbench.report.audit_text import audit_lines
    from vscbench.report.files import to_json

    files = read_label_files(labels, _label_format(label_map, settings))
    spec = judge_spec(name, **settings)  # type: ignore[arg-type]
    forms = project_reasoning()
    # What a judge would read in a run.
    turns = [
        Turn(each.query, separate_reasoning(each.response, forms)[0], each.image)
        for file in files
        for each in file.responses
    ]
    if not turns:
        raise UsageError("no row of these files has a label, so there is nothing to compare with")
    _require_folders({"--json": json_file, "--markdown": markdown})
    with (
        judge_store(spec, store) as verdicts,
        judging(spec, store=verdicts, concurrency=concurrency, forms=forms) as bench,
    ):
        said = bench.judge_all(turns, _progress(len(turns)))
        judge_name = bench.judge.name
    figures = make_audit(judge_name, files, said, Resampling(resamples, seed), worst)
    for line in audit_lines(figures):
        click.echo(line)
    if json_file is not None:
        write_output(json_file, to_json(figures, indent=2) + "\n")
    if markdown is not None:
        write_output(markdown, audit_markdown(figures))
    if min_kappa is not None:
        _gate(context, figures["overall"]["errors_as_wrong"]["binary"]["kappa"]["value"], min_kappa)


def _label_format(label_map: tuple[str, ...], settings: dict[str, object]) -> "LabelFormat":
    """Take the column options out of a command's settings."""
    from vscbench.judges.label_words import label_words
    from vscbench.judges.labels import LabelFormat

    named = {part: settings.pop(f"{part}_column") for part in PARTS}
    columns = {part: str(column) for part, column in named.items() if column is not None}
    return LabelFormat(columns, label_words(label_map))


def _require_folders(files: Mapping[str, Path | None]) -> None:
    """Check that files can be written before a judge is paid."""
    for option, path in files.items():
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{option} {path}: there is no folder {path.parent}; make it first")


def _gate(context: click.Context, kappa: float | None, least: float) -> None:
    if kappa is None:
        raise UsageError("--min-kappa: people used one side only, so there is no kappa to compare")
    if kappa < least:
        click.echo(f"vscbench: binary kappa {kappa:.3f} is below --min-kappa {least:g}", err=True)
        context.exit(FAILED)


def _progress(turns: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        click.echo(f"\rjudged {done} of {turns}" + "\n" * (done == turns), nl=False, err=True)

    return show if sys.stderr.isatty() else lambda done: None
