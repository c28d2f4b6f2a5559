"""``vscbench store``: what the store of responses holds, a copy for elsewhere, and less of it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vscbench.cli_output import write_output
from vscbench.cli_runs import project_reasoning, project_root
from vscbench.errors import UsageError

if TYPE_CHECKING:
    from vscbench.engine.store_overview import ModelOverview
    from vscbench.engine.store_upkeep import Pruned

INDENT = 13
MEGABYTE = 1_000_000
STORE = click.argument("path", required=False, type=click.Path(path_type=Path))


@click.group()
def store() -> None:
    """Look into the store of responses and verdicts, copy it or make it smaller.

    PATH is the store's file. Without it, it is the one that pytest would use here.
    """


@store.command("info")
@STORE
def store_info(path: Path | None) -> None:
    """Count what the store holds, by model and by judge."""
    # Imported where they are used, so that other commands do not wait for SQLite.
    from vscbench.engine.store_file import SCHEMA
    from vscbench.engine.store_overview import overview_of_judges, overview_of_models
    from vscbench.engine.store_upkeep import open_contents

    file = store_file(path)
    with open_contents(file) as contents:
        models = overview_of_models(contents.responses(), project_reasoning())
        judges = overview_of_judges(contents.verdicts())
        journal = contents.journal()
    click.echo(f"store: {_shown(str(file))}")
    click.echo(f"{_size(file.stat().st_size)}, schema {SCHEMA}, journal {journal}")
    for name, overview in models.items():
        click.echo(f"\n{_shown(name)}")
        for label, text in _model_lines(overview):
            click.echo(f"  {label:<{INDENT}}{text}")
    click.echo("\nverdicts" if judges else "\nno verdicts")
    for judge, kinds in judges.items():
        click.echo(f"  {_shown(judge)}: {kinds.total():,} ({_counts(kinds)})")


@store.command("export")
@STORE
@click.option("--model", metavar="NAME", help="Whose responses, as 'store info' names it.")
@click.option(
    "--served", metavar="VERSION", multiple=True, help="Only of this version; may be repeated."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A .jsonl file; without it, standard output.",
)
def store_export(
    path: Path | None, model: str | None, served: tuple[str, ...], output: Path | None
) -> None:
    """Write the newest response of each pair and epoch as lines for --model=recorded:FILE.

    Where two pairs send the very same request, it is stored under the first of them; the
    outcomes.jsonl of a run has a line for each.
    """
    from vscbench.engine.store_export import choose_responses, export_line
    from vscbench.engine.store_upkeep import open_contents
    from vscbench.report.files import to_json

    file = store_file(path)
    if output is not None and output.suffix.lower() != ".jsonl":
        raise UsageError(f"-o {output}: call it something.jsonl, so that recorded:FILE reads it")
    with open_contents(file) as contents:
        export = choose_responses((row for row, _ in contents.responses()), model, served)
    text = "".join(f"{to_json(export_line(row))}\n" for row in export.responses)
    write_output(output, text)
    if export.contested:
        click.echo(
            f"note: {export.contested:,} cases were asked in more than one way (parameters, "
            "system prompt, pairs); the newest answer to each is taken",
            err=True,
        )
    use = "" if output is None else f"  (pytest --model=recorded:{output})"
    click.echo(f"{len(export.responses):,} responses of {_shown(export.model)}{use}", err=True)


@store.command("prune")
@STORE
@click.option(
    "--older-than", metavar="DAYS", type=click.FloatRange(min=0), help="Stored before that."
)
@click.option("--model", metavar="NAME", help="Of this model, as 'store info' names it.")
@click.option("--superseded", is_flag=True, help="Replaced by a newer answer to the same request.")
@click.option(
    "--unfinished", is_flag=True, help="Broken off, and kept as an answer by an earlier version."
)
@click.option("--dry-run", is_flag=True, help="Only say how many would go.")
def store_prune(  # noqa: PLR0913 - one argument an option
    path: Path | None,
    *,
    older_than: float | None,
    model: str | None,
    superseded: bool,
    unfinished: bool,
    dry_run: bool,
) -> None:
    """Delete the responses that fit all filters given, and the verdicts on them.

    At least one filter must be given. What is deleted is asked, and paid for, again.
    """
    from vscbench.engine.store_upkeep import Filter, plan_prune, prune

    which = Filter(older_than, model, superseded=superseded, unfinished=unfinished)
    if which == Filter():
        raise UsageError(
            "store prune: say what is to go, with --older-than DAYS, --model NAME, --superseded "
            "or --unfinished"
        )
    file = store_file(path)
    if dry_run:
        click.echo(f"{_rows(plan_prune(file, which))} would go from {_shown(str(file))}")
        return
    before = file.stat().st_size if file.is_file() else 0
    click.echo(f"{_rows(prune(file, which))} deleted from {_shown(str(file))}")
    click.echo(f"{_size(before)} before, {_size(file.stat().st_size)} now")


def store_file(path: Path | None) -> Path:
    """Return the store's file: the one given, or the one that pytest would use here.

    Raises:
        UsageError: pyproject.toml cannot be read.
    """
    if path is not None:
        return path
    from vscbench.engine.store_file import FILE, FOLDER
    from vscbench.plugin.settings import read_table

    root = project_root()
    configured = read_table(root / "pyproject.toml").get("store")
    return root / str(configured) if configured else root / FOLDER / FILE


def _model_lines(overview: "ModelOverview") -> Iterator[tuple[str, str]]:
    yield "responses", _counts(_kinds(overview), overview.responses)
    if overview.superseded:
        yield (
            "superseded",
            f"{overview.superseded:,}, replaced by newer answers to the same requests",
        )
    versions = {name or "(not named)": count for name, count in overview.served.items()}
    yield "served by", _counts(versions)
    yield "stored", f"{_date(overview.first)} to {_date(overview.last)} UTC"
    yield (
        "tokens",
        f"{overview.prompt_tokens:,} in, {overview.completion_tokens:,} out",
    )
    rows = overview.responses + overview.superseded
    known = "" if overview.priced == rows else f", known for {overview.priced:,} of {rows:,}"
    yield "cost", f"${overview.cost_usd:,.4f}{known}" if overview.priced else "not known"


def _kinds(overview: "ModelOverview") -> dict[str, int]:
    counts = {kind.value: count for kind, count in sorted(overview.kinds.items())}
    return {**counts, "cut by length": overview.cut} if overview.cut else counts


def _counts(counts: Mapping[Any, int], total: int | None = None) -> str:
    """List counts by name, after their total where there is one."""
    listed = ", ".join(f"{_shown(str(name))} {count:,}" for name, count in sorted(counts.items()))
    if total is None:
        return listed
    return f"{total:,}, of which {listed}" if listed else f"{total:,}"


def _rows(pruned: "Pruned") -> str:
    return f"{pruned.responses:,} responses and {pruned.verdicts:,} verdicts"


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= MEGABYTE else f"{size / 1e3:,.0f} kB"


def _shown(name: str) -> str:
    from vscbench.engine.store_export import shown_name

    return shown_name(name)
