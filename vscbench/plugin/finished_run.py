"""What a run left behind, and the folder it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vscbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a run left behind.

    ``notes`` are remarks for the person; ``stopped`` says why it ended early, if it did by
    itself; ``unanswered`` counts cases that were to run and have no outcome. ``gate_passed`` is
    ``None`` where there is no gate. ``annotations`` are orders to the service that runs the build.
    """

    folder: Path
    summary: Mapping[str, Any]
    has_outcomes: bool
    notes: tuple[str, ...]
    stopped: str | None
    unanswered: int
    store: Path | None
    gate_passed: bool | None = None
    annotations: tuple[str, ...] = ()


def make_folder(path: Path) -> None:
    """Make a folder before anything is paid for.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--vsc-report: cannot write to {path.parent} ({error.strerror or error})"
        ) from error
