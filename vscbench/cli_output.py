"""Where a command's result goes: to standard output, or whole into a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vscbench.errors import UsageError

if TYPE_CHECKING:
    from vscbench.report.run_outcomes import RunOutcomes

OUTPUT = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to FILE instead of standard output.",
)


def write_output(output: Path | None, text: str) -> None:
    """Write UTF-8 text to standard output, or to a file, whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    from vscbench.report.files import replace_file

    if output is None:
        # As bytes: a console's own encoding may lack a character.
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        return
    try:
        replace_file(output, text)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written ({error.strerror or error})") from error


def open_run_outcomes(place: str, pairs: str | None) -> "RunOutcomes":
    """Read a run, or a snapshot, by whatever a person names it by.

    Raises:
        VscbenchError: there is none, or its files cannot be used.
    """
    from vscbench.cli_runs import project_root
    from vscbench.plugin.settings import read_table
    from vscbench.report.run_outcomes import read_run_outcomes

    root = project_root()
    reports = read_table(root / "pyproject.toml").get("report") or "reports"
    return read_run_outcomes(place, root / str(reports), root, pairs)
