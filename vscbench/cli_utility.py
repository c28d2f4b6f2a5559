"""``vscbench utility``: sets of questions, converted from others' files and verified."""

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from vscbench.visible import one_line

MOST_SHOWN = 10
SHOWN_CHARACTERS = 300


@click.group()
def utility() -> None:
    """Convert and verify sets of questions for --vsc-utility."""


@utility.command("convert")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("dest", type=click.Path(path_type=Path))
@click.option(
    "--images",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the image files are that SOURCE names.",
)
@click.option(
    "--columns",
    metavar="PART=COLUMN,...",
    default="",
    help="Which column holds a part, where it has an unusual name: question=..., answer=...",
)
def convert_command(source: Path, dest: Path, images: Path | None, columns: str) -> None:
    """Make a folder of questions, DEST, from a benchmark's file, SOURCE.

    Known are the layouts of MM-Vet, MMMU, ScienceQA, MME and VLMEvalKit, and any table with a
    question and an answer a row: CSV, TSV, JSON Lines, JSON or Parquet. Rows that need several
    images, or have no answer, are left out and listed.
    """
    from vscbench.utility.converting import convert
    from vscbench.utility.source_rows import read_columns

    done = convert(source, dest, images, read_columns(columns))
    _echo_some("left out", done.left_out)
    click.echo(f"{len(done.questions)} questions, {len(done.left_out)} rows left out")
    click.echo(f"questions: {dest}")


@utility.command("check")
@click.argument("path")
def check_command(path: str) -> None:
    """Verify a set of questions: a folder, a file of JSON Lines, or 'probe'.

    Exit status 1 if an image is missing, unreadable or changed.
    """
    from vscbench.utility.checking import bad_images, count_skills, duplicates
    from vscbench.utility.reading import open_questions

    found = open_questions(path, Path())
    click.echo(f"{'':<28}{'questions':>10}{'image':>8}{'choices':>9}")
    for each in count_skills(found.questions):
        name = one_line(each.skill, SHOWN_CHARACTERS)
        click.echo(f"{name:<28}{each.questions:>10}{each.with_image:>8}{each.with_choices:>9}")
    bad = bad_images(found.questions)
    _echo_some("image", [f"{each.path} {each.problem}  ({each.source})" for each in bad])
    twice = duplicates(found.questions)
    _echo_some("asked twice", [", ".join(ids) for ids in twice])
    click.echo(f"{len(found.questions)} questions, {len(bad)} without a usable image")
    if bad:
        sys.exit(1)


def _echo_some(kind: str, lines: Iterable[str]) -> None:
    every = list(lines)
    for line in every[:MOST_SHOWN]:
        click.echo(f"{kind}: {one_line(line, SHOWN_CHARACTERS)}")
    if len(every) > MOST_SHOWN:
        click.echo(f"{kind}: ... and {len(every) - MOST_SHOWN} more")
