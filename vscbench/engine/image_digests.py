"""What is known of image files, so that one that has not changed is read once, not once a run."""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vscbench.errors import DataError
from vscbench.models.images import ImageFacts, look_at, picture_sent, shows_files

if TYPE_CHECKING:
    from vscbench.engine.store import Store

# A file may change again within one tick of its file system's clock (FAT's is two seconds) and
# look the same: so young a file is not remembered.
SETTLED_S: Final = 2.0
_NS: Final = 1_000_000_000
# Of a file that is too young to be known by its look: no file looks so.
_UNSETTLED: Final = ""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a file looked like when its bytes had this digest, and what was found in the bytes."""

    look: str
    sha256: str
    facts: ImageFacts | None = None

    def dump(self) -> list[object]:
        """Write it as JSON can hold it."""
        facts = None if self.facts is None else asdict(self.facts)
        return [self.look, self.sha256, *([facts] if facts else [])]

    @classmethod
    def load(cls, look: str, sha256: str, facts: Mapping[str, Any] | None = None) -> "KnownFile":
        """Read what ``dump`` wrote, and what versions wrote that knew only digests."""
        return cls(look, sha256, None if facts is None else ImageFacts(**facts))


class ImageDigests:
    """Digests files, and remembers them by path, size, times and inode.

    What was found in a file's bytes is remembered by their digest, wherever the file lies.
    """

    def __init__(self, load: Callable[[], Mapping[str, KnownFile]]) -> None:
        """Take what was remembered before from ``load``, which is called at the first file."""
        self._load = load
        self._lock = threading.Lock()
        self._known: dict[str, KnownFile] | None = None
        self._new: dict[str, KnownFile] = {}
        self._facts: dict[str, ImageFacts] = {}

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
            self._remember(name, KnownFile(_look(before), sha256, self._facts.get(sha256)))
        return sha256

    def facts(self, path: Path) -> ImageFacts | None:
        """Return what decides how a file is sent; ``None`` for a file that does not decode.

        Raises:
            DataError: the file cannot be read.
        """
        sha256 = self.digest(path)
        known = self._facts.get(sha256)
        if known is None:
            with contextlib.suppress(DataError):
                known = look_at(path)
                self._learn(path, sha256, known)
        return known

    def remember_whole(self, path: Path) -> None:
        """Remember that every pixel of a file, of which facts are known, was decoded."""
        sha256 = self.digest(path)
        known = self._facts.get(sha256)
        if known is not None:
            self._learn(path, sha256, replace(known, is_whole=True))

    def take_new(self) -> dict[str, KnownFile]:
        """Return what was digested since the last time, to be written down."""
        with self._lock:
            taken, self._new = self._new, {}
            return taken

    def _remembered(self, name: str) -> KnownFile | None:
        with self._lock:
            if self._known is None:
                self._known = dict(self._load())
                for file in self._known.values():
                    if file.facts is not None:
                        self._facts.setdefault(file.sha256, file.facts)
            return self._known.get(name)

    def _remember(self, name: str, file: KnownFile) -> None:
        with self._lock:
            if self._known is not None:
                self._known[name] = file
            self._new[name] = file

    def _learn(self, path: Path, sha256: str, facts: ImageFacts) -> None:
        self._facts[sha256] = facts
        known = self._remembered(os.path.abspath(path))
        look = known.look if known is not None and known.sha256 == sha256 else _UNSETTLED
        self._remember(os.path.abspath(path), KnownFile(look, sha256, facts))


def image_address(store: "Store", image: Path, identity: Mapping[str, object]) -> str:
    """Return what stands for an image in the address of a response or a verdict.

    It is the digest of the file's bytes: an answer that was stored for them stays found. Only
    where the picture that is sent is another than earlier versions sent (they left it lying on its
    side, say) the address says so, since those answers are to another picture.

    Args:
        store: knows the file.
        image: the file.
        identity: of the model or judge that is shown it.

    Raises:
        DataError: the file cannot be read.
    """
    facts = store.image_facts(image) if shows_files(identity) else None
    change = None if facts is None else picture_sent(facts, identity)
    sha256 = store.image_digest(image)
    return sha256 if change is None else f"{sha256} {change}"


def _look(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _is_settled(status: os.stat_result, now: float) -> bool:
    # The second time moves with every change, even where somebody set the first one back.
    changed = max(status.st_mtime_ns, status.st_ctime_ns) / _NS
    return now - changed > SETTLED_S
