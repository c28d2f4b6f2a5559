"""The command line: a thin door to what the plugin uses as well."""

import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

import vscbench
from vscbench.cli_compare import compare
from vscbench.cli_diff import diff
from vscbench.cli_export import export
from vscbench.cli_judge import judge
from vscbench.cli_method import method
from vscbench.cli_rejudge import rejudge
from vscbench.cli_report import report
from vscbench.cli_run import run
from vscbench.cli_store import store
from vscbench.cli_trade import trade
from vscbench.cli_utility import utility
from vscbench.errors import VscbenchError
from vscbench.visible import escaped_lines, visible

MAX_SHOWN = 10
OPEN_WEIGHTS = " (hub ids; loaded here by transformers, or served by you: --vsc-api-base URL)"


class OneLineErrors(click.Group):
    """A group whose commands show an error that is meant for a person as such."""

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; a wrong file or name is a message and exit status 2."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a console may lack a character
        try:
            return super().invoke(context)
        except VscbenchError as error:
            click.echo(escaped_lines(f"vscbench: {error}"), err=True)
            context.exit(2)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(vscbench.__version__)
def main() -> None:
    """Safety calibration of vision-language models.

    The benchmark itself runs in pytest: pytest --model=NAME
    """


main.add_command(run)
main.add_command(store)
main.add_command(rejudge)
main.add_command(judge)
main.add_command(method)
main.add_command(report)
main.add_command(diff)
main.add_command(compare)
main.add_command(trade)
main.add_command(export)
main.add_command(utility)


@main.group()
def data() -> None:
    """Draw and verify folders of pairs."""


@data.command("render")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("dest", type=click.Path(path_type=Path))
def data_render(source: Path, dest: Path) -> None:
    """Draw the typography and figstep images that VSCBench's workbook in SOURCE describes.

    DEST becomes a folder for --vsc-pairs. concat images are drawn where SOURCE has the search
    images; search and image-centric images cannot be drawn and are copied where SOURCE has them.
    """
    from vscbench.pairs.render import render

    done = render(source, dest, _row_progress(sys.stderr.isatty()))
    for variant, count in done.drawn.items():
        click.echo(f"drew {count:>4} {variant} images")
    if done.copied:
        click.echo(f"copied {done.copied} images that cannot be drawn")
    if done.without_search:
        click.echo(
            f"left out {done.without_search} concat images: their search images are not in {source}"
        )
    if done.absent:
        click.echo(
            f"{done.absent} of the pairs still lack their image (search, concat, image-centric); "
            "select others, with --vsc-variant text,typography,figstep"
        )
    click.echo(f"pairs: {dest}  (pytest --model=NAME --vsc-pairs {dest})")


@data.command("check")
@click.argument("path", type=click.Path(path_type=Path))
def data_check(path: Path) -> None:
    """Verify a folder of pairs: missing, unreadable, changed and extra files, and counts.

    Exit status 1 if an image is missing, unreadable or changed.
    """
    from vscbench.pairs.check import (
        count_groups,
        extra_images,
        image_findings,
        workbook_findings,
    )
    from vscbench.pairs.open import open_pairs, pairs_folder

    found = open_pairs(str(path), Path())
    findings = image_findings(found.pairs)
    folder = pairs_folder(str(path), Path())
    notes = [*workbook_findings(folder), *extra_images(folder, found.pairs)]
    click.echo(f"{'':<28}{'safe':>7}{'unsafe':>8}{'no query':>10}{'bad image':>11}")
    for group in count_groups(found.pairs, findings):
        click.echo(
            f"{group.group:<28}{group.safe:>7}{group.unsafe:>8}"
            f"{group.no_query:>10}{group.bad_images:>11}"
        )
    _echo_findings("image", findings)
    _echo_findings("note", notes)
    click.echo(f"{len(found.pairs)} pairs, {len(findings)} without a usable image")
    if findings:
        sys.exit(1)


@main.command("models")
def models() -> None:
    """List the short names that --model takes.

    Your own are those of the nearest pyproject.toml, here or in a folder above.
    """
    from vscbench.models.names import load_names
    from vscbench.plugin.settings import read_table

    table: Any = read_table(_nearest(Path.cwd(), "pyproject.toml")).get("models", {})
    named = load_names(table)
    for family in sorted({model.family for model in named.values()}):
        served = "" if family == "proprietary" else OPEN_WEIGHTS
        click.echo(f"{family}{served}:")
        for name, model in sorted(named.items()):
            if model.family == family:
                target = model.litellm or model.hub or ""
                needs = f"; needs {', '.join(model.needs)}" if model.needs else ""
                click.echo(f"  {name:<24}{target:<46}{model.about}{needs}".rstrip())
    click.echo(
        "also: any litellm id (openai/..., hosted_vllm/...), local:PATH_OR_ID, vllm:ID, sglang:ID, "
        "recorded:FILE, python:MODULE:CALLABLE, embedded"
    )


def _nearest(folder: Path, name: str) -> Path:
    """Find a file in a folder or those above it; where there is none, where it would be."""
    found = (place / name for place in (folder, *folder.parents) if (place / name).is_file())
    return next(found, folder / name)


def _row_progress(shown: bool) -> Callable[[int, int], None]:
    def show(done: int, rows: int) -> None:
        end = "\n" if done == rows else ""
        click.echo(f"\rdrawing row {done} of {rows}{end}", nl=False, err=True)

    return show if shown else lambda done, rows: None


def _echo_findings(kind: str, findings: Sequence[Any]) -> None:
    for finding in findings[:MAX_SHOWN]:
        source = f"  ({finding.source})" if finding.source else ""
        # A line break in a file's name must not begin a line of its own.
        line = f"{kind}: {finding.path} {finding.problem}{source}".replace("\n", "\\n")
        click.echo(visible(line, len(line)))
    if len(findings) > MAX_SHOWN:
        click.echo(f"{kind}: ... and {len(findings) - MAX_SHOWN} more")
