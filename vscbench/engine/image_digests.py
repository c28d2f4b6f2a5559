"""Digests of image files, so that a file that has not changed is read once, not once a run."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError

# A file may change again within one tick of its file system's clock (FAT's is two seconds) and
# look the same: so young a file is not remembered.
SETTLED_S: Final = 2.0
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a file looked like when its bytes had this digest."""

    look: str
    sha256: str


class ImageDigests:
    """Digests files, and remembers them by path, size, times and inode."""

    def __init__(self, load: Callable[[], Mapping[str, KnownFile]]) -> None:
        """Take what was remembered before from ``load``, which is called at the first file."""
        self._load = load
        self._lock = threading.Lock()
        self._known: dict[str, KnownFile] | None = None
        self._new: dict[str, KnownFile] = {}

    def digest(self, path: Path) -> str:
        """Return the SHA-256 of a file's bytes, in hex.

        Raises:
            DataError: the file cannot be read.
        """
        name = os.path.abspath(path)
        try:
            asked = time.time()
            before = os.stat(name)
            known = self._remembered(name)
            if known is not None and known.look == _look(before):
                return known.sha256
            with open(name, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.stat(name)
        except OSError as error:
            raise DataError(f"{path}: the image cannot be read ({error.strerror})") from None
        if _look(before) == _look(after) and _is_settled(before, asked):
            self._remember(name, KnownFile(_look(before), sha256))
        return sha256

    def take_new(self) -> dict[str, KnownFile]:
        """Return what was digested since the last time, to be written down."""
        with self._lock:
            taken, self._new = self._new, {}
            return taken

    def _remembered(self, name: str) -> KnownFile | None:
        with self._lock:
            if self._known is None:
                self._known = dict(self._load())
            return self._known.get(name)

    def _remember(self, name: str, file: KnownFile) -> None:
        with self._lock:
            if self._known is not None:
                self._known[name] = file
            self._new[name] = file


def _look(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _is_settled(status: os.stat_result, now: float) -> bool:
    # The second time moves with every change, even where somebody set the first one back.
    changed = max(status.st_mtime_ns, status.st_ctime_ns) / _NS
    return now - changed > SETTLED_S
