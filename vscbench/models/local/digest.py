"""One digest for everything in a checkpoint that can change an answer."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path

COUNTED = {".safetensors", ".json", ".model", ".txt", ".jinja", ".tiktoken", ".py"}
BLOB = re.compile(r"[0-9a-f]{64}")
THREADS = 8


def checkpoint_sha256(parts: Iterable[Path]) -> str:
    """Digest names and contents of the files that make up a model: weights, tokenizer, template.

    Args:
        parts: the folder of the base, or its one file, and of what goes over it, in that order.

    Raises:
        OSError: a file cannot be read.
    """
    files = [
        (file, f"{number}/{name}")
        for number, part in enumerate(parts)
        for file, name in _counted(part)
    ]
    # By name, which sorts alike everywhere; paths do not.
    files.sort(key=itemgetter(1))
    with ThreadPoolExecutor(THREADS) as threads:
        digests = threads.map(file_sha256, [file for file, _ in files])
        content = "".join(
            f"{name} {digest}\n" for (_, name), digest in zip(files, digests, strict=True)
        )
    return hashlib.sha256(content.encode()).hexdigest()


def _counted(part: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a part with their names in it; what a file by itself is called is not."""
    if part.is_file():
        yield part, ""
        return
    for file in part.rglob("*"):
        if file.is_file() and file.suffix in COUNTED:
            yield file, file.relative_to(part).as_posix()


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file's bytes; the hub's cache has large files under theirs."""
    target = file.resolve()
    if file.is_symlink() and BLOB.fullmatch(target.name):
        return target.name
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
