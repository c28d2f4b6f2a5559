"""Where a snapshot is read from: a file, or a revision in git."""

import subprocess
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.jsonlines import read_text
from vscbench.report.snapshot_file import Snapshot, parse_snapshot

GIT_TIMEOUT_S: Final = 60
MOST_SAID: Final = 300


def names_a_revision(place: str) -> bool:
    """Whether a place has the form ``REVISION:PATH``."""
    revision, _, path = place.partition(":")
    return bool(revision and path)


def read_snapshot(place: str, root: Path) -> Snapshot:
    """Read a snapshot.

    Args:
        place: a file, or ``REVISION:PATH`` where there is no such file; the path starts at the
            top of the repository, as git has it, or at ``root``.
        root: the project's folder.

    Raises:
        UsageError: git has no such file.
        DataError: it is no snapshot.
    """
    if Path(place).is_file():
        return parse_snapshot(read_text(Path(place), "a snapshot is UTF-8"), place)
    return parse_snapshot(_text_in_git(place, root), place)


def _text_in_git(place: str, root: Path) -> str:
    revision, _, path = place.partition(":")
    if revision.startswith("-"):
        raise UsageError(f"{place!r:.120}: no revision begins with a dash")
    from_top = _git_blob(f"{revision}:{path}", root)
    found = _git_blob(f"{revision}:./{path}", root) if from_top.returncode else from_top
    if found.returncode:
        said = " ".join(from_top.stderr.decode("utf-8", "replace").split())[:MOST_SAID]
        raise UsageError(f"{place!r:.120}: git has no such file in {root} ({said})")
    try:
        return found.stdout.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8 ({error.reason}), so no snapshot") from error


def _git_blob(name: str, root: Path) -> "subprocess.CompletedProcess[bytes]":
    """Let git print a file as it was; cat-file runs no filter and no pager."""
    command = ["git", "cat-file", "blob", name]
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the name cannot begin with a dash
            command, cwd=root, capture_output=True, check=False, timeout=GIT_TIMEOUT_S
        )
    except OSError as error:
        raise UsageError(
            f"{name!r:.120}: git cannot be run ({error.strerror or error}); name a file instead"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{name!r:.120}: git gave nothing in {GIT_TIMEOUT_S} s") from error
