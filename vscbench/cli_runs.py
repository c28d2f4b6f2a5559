"""Finding a run of the past, and the pairs it was asked, from what a person names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vscbench.models.names import NamedModel
    from vscbench.reasoning.forms import ReasoningForm
    from vscbench.records import Outcome, Pair
    from vscbench.report.past_run import PastRun

# A pytest root is the nearest folder with one of these.
ROOT_FILES = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
RUN = click.argument("run")
PAIRS = click.option(
    "--pairs",
    metavar="NAME_OR_PATH",
    help="Where the pairs of the run are now.  [default: where the run found them]",
)


def open_run(name: str) -> "PastRun":
    """Read a run by its folder, or by its id among the runs of this project.

    Raises:
        VscbenchError: there is none, or its files cannot be used.
    """
    from vscbench.plugin.settings import read_table
    from vscbench.report.past_run import find_run, read_past_run

    root = project_root()
    reports = read_table(root / "pyproject.toml").get("report") or "reports"
    return read_past_run(find_run(name, root / str(reports)))


def open_run_pairs(past: "PastRun", place: str | None) -> "dict[str, Pair]":
    """Open the pairs of a run by id; a relative path starts here, or at the project's root.

    Raises:
        VscbenchError: they are not there, or are others.
    """
    from vscbench.report.run_pairs import pairs_of_run

    return pairs_of_run(past, place, (Path.cwd(), project_root()))


def open_outcomes(past: "PastRun", pairs: "dict[str, Pair]") -> "Sequence[Outcome]":
    """Return the outcomes of a run from its own lines, without the store.

    Raises:
        DataError: a line cannot be used.
    """
    from vscbench.report.restored import restored_outcomes

    return restored_outcomes(past, pairs, {})


def named_models() -> "Mapping[str, NamedModel]":
    """Return the short names of models, those of this project included.

    Raises:
        UsageError: pyproject.toml cannot be used.
    """
    from vscbench.models.names import load_names
    from vscbench.plugin.settings import read_table

    table: Any = read_table(project_root() / "pyproject.toml").get("models", {})
    return load_names(table)


def project_reasoning() -> "tuple[ReasoningForm, ...]":
    """Return the forms in which models mark their reasoning, those of this project included.

    Raises:
        UsageError: pyproject.toml cannot be used.
    """
    from vscbench.plugin.settings import forms_in, read_table

    return forms_in(read_table(project_root() / "pyproject.toml"))


def project_root() -> Path:
    """Find the folder that pytest would take for its root; where there is none, this one."""
    here = Path.cwd()
    places = (here, *here.parents)
    found = (place for place in places if any((place / name).is_file() for name in ROOT_FILES))
    return next(found, here)
