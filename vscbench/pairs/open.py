"""From what a person names with ``--vsc-pairs`` to the pairs themselves."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vscbench.errors import UsageError
from vscbench.pairs.manifest import MANIFEST, load_manifest
from vscbench.pairs.reference import is_reference_folder, load_reference
from vscbench.records import Pair

EMBEDDED = "embedded"
PUBLISHED = "vscbench"
SHIPPED_FOLDER = Path(__file__).parent / "shipped"


@dataclass(frozen=True, slots=True)
class PairSet:
    """The pairs of one source, sorted by id, and the name they go by in every output."""

    name: str
    pairs: tuple[Pair, ...]


def open_pairs(name: str, base: Path) -> PairSet:
    """Open the shipped set, a folder in the published layout, a folder with a manifest, or one.

    Args:
        name: what ``--vsc-pairs`` says.
        base: the folder that a relative path starts from.

    Raises:
        UsageError: nothing of that name can be opened.
        DataError: what was found cannot be read.
    """
    if name == EMBEDDED:
        return PairSet(EMBEDDED, load_manifest(SHIPPED_FOLDER / MANIFEST))
    path = base / name
    if path.suffix == ".xlsx":
        raise UsageError(f"{path} is a workbook; give the folder that holds it")
    if path.is_file():
        return PairSet(name, load_manifest(path))
    if (path / MANIFEST).is_file():
        return PairSet(name, load_manifest(path / MANIFEST))
    if is_reference_folder(path):
        return PairSet(name, load_reference(path))
    raise UsageError(_nothing_there(name, path))


def pairs_folder(name: str, base: Path) -> Path:
    """Return the folder in which the pairs of that name live."""
    if name == EMBEDDED:
        return SHIPPED_FOLDER
    path = base / name
    return path.parent if path.is_file() else path


def pairs_sha256(pairs: Iterable[Pair]) -> str:
    """Fingerprint what was asked: ids, labels, texts, image names and known image hashes."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: pair.id):
        image = pair.image.name if pair.image else None
        said = (pair.id, pair.label, pair.query, pair.prompt, image, pair.image_sha256)
        digest.update(json.dumps(said).encode() + b"\n")
    return digest.hexdigest()


def _nothing_there(name: str, path: Path) -> str:
    if name == PUBLISHED:
        return (
            f"{PUBLISHED!r}: this version does not download the data set; get the workbooks from "
            "github.com/jiahuigeng/VSCBench and the images from the archive its README names, "
            "put them into one folder, and give that folder's path"
        )
    if path.is_dir():
        return f"no pairs: the folder {path} has neither {MANIFEST} nor VSCBench's workbooks"
    return (
        f"no pairs: neither a file nor a folder at {path}; "
        f"give a path, or {EMBEDDED!r} for the shipped set"
    )
