"""Small pictures made while a run waits for answers, in a process of their own, and kept.

They are lines of one file, so that the next run over the same images makes none.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vscbench.report.files import replace_file
from vscbench.report.html.thumbnails import Missing, Picture, Thumbnail, thumbnail, thumbnails

KEPT: Final = "thumbnails.jsonl"
# A run that needs fewer has them in a moment at its end.
WORTH_A_PROCESS: Final = 100
LARGEST_FILE: Final = 200_000_000
LOWEST_PRIORITY: Final = 19
_CHILD: Final = (
    "import json, sys; said = json.loads(sys.stdin.readline()); sys.path[:] = said['path']; "
    "from vscbench.report.html.thumbnails_ahead import main; main(said)"
)


class ThumbnailsAhead:
    """The small pictures of a run: those that are kept, and those that are being made.

    Args:
        paths: the image files, the same several times if need be.
        most: how many bytes each may take; see ``thumbnail``.
        kept: the file that holds what was made before, and takes what is made now.
    """

    def __init__(self, paths: Iterable[Path], most: int, kept: Path) -> None:
        """Start to make what is not kept."""
        self._paths = list(dict.fromkeys(paths))
        self._most = most
        self._kept = kept
        self._known = read_kept(kept, most)
        missing = [path for path in self._paths if _mark(path) not in self._known]
        self._child = _start(missing, most, kept) if len(missing) >= WORTH_A_PROCESS else None

    def collect(self) -> Mapping[Path, Picture]:
        """Return every picture; what is not there yet is made now."""
        if self._child is not None:
            self.abandon()
            self._known = read_kept(self._kept, self._most)
        marks = {path: _mark(path) for path in self._paths}
        missing = [path for path in self._paths if marks[path] not in self._known]
        made = thumbnails(missing, self._most)
        found = {path: made.get(path) or self._known[marks[path]] for path in self._paths}
        if missing or len(self._known) > len(found):
            # Those of this run and no others: the file must not grow from run to run.
            _replace(self._kept, ((marks[path], self._most, found[path]) for path in found))
        return found

    def abandon(self) -> None:
        """Make no more."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


def read_kept(path: Path, most: int) -> dict[str, Picture]:
    """Read the pictures that a file holds, by the mark of their image.

    A line that cannot be used is passed over, and so is a file that grew too large.
    """
    known: dict[str, Picture] = {}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.stat().st_size > LARGEST_FILE:
            path.unlink()
            return known
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    fields = json.loads(line)
                    if fields["most"] == most:
                        known[fields["mark"]] = _picture(fields)
    return known


def main(said: Mapping[str, Any]) -> None:
    """Do what was asked in a process of its own, in time that nobody else wants."""
    if hasattr(os, "nice"):
        os.nice(LOWEST_PRIORITY)
    make_kept(Path(said["file"]), list(map(Path, said["images"])), said["most"])


def make_kept(file: Path, images: Sequence[Path], most: int) -> None:
    """Make small pictures one by one, each a line of the file, while the parent lives."""
    parent = os.getppid()
    for image in images:
        if os.getppid() != parent:
            return  # nobody waits any more
        _append(file, [(_mark(image), most, thumbnail(image, most))])


def _start(paths: Sequence[Path], most: int, kept: Path) -> "subprocess.Popen[bytes] | None":
    said = {"path": sys.path, "file": str(kept), "images": list(map(str, paths)), "most": most}
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        child = subprocess.Popen(  # noqa: S603 - our own program in our own interpreter
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with child.stdin or contextlib.nullcontext() as asked:
            if asked is not None:
                asked.write(json.dumps(said).encode() + b"\n")
    except OSError:
        return None  # they are made at the end
    return child


def _mark(path: Path) -> str:
    """Tell an image file from what lay there before, without reading it."""
    try:
        found = path.stat()
    except OSError:
        return f"{path} is not there"
    return f"{path} {found.st_size} {found.st_mtime_ns}"


def _picture(fields: Mapping[str, Any]) -> Picture:
    # Not "reason": where earlier versions wrote that, it was wrong of some formats.
    if "problem" in fields:
        return Missing(str(fields["problem"]))
    return Thumbnail(str(fields["uri"]), int(fields["width"]), int(fields["height"]))


def _append(path: Path, made: Iterable[tuple[str, int, Picture]]) -> None:
    """Add lines; where that cannot be, they are made again the next time."""
    # The line before may have been cut off.
    text = "".join(f"\n{line}" for line in _lines(made))
    if text:
        with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
            file.write(text)


def _replace(path: Path, made: Iterable[tuple[str, int, Picture]]) -> None:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, "".join(f"{line}\n" for line in _lines(made)))


def _lines(made: Iterable[tuple[str, int, Picture]]) -> Iterator[str]:
    for mark, most, picture in made:
        fields: dict[str, object] = {"mark": mark, "most": most}
        if isinstance(picture, Missing):
            fields["problem"] = picture.reason
        else:
            fields |= {"uri": picture.uri, "width": picture.width, "height": picture.height}
        yield json.dumps(fields)
