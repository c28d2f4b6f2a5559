"""What a file or a folder holds, beside its name: the same name may hold something else."""

import hashlib
from pathlib import Path

# Beyond this a file is known by its size and its time: weights take minutes to read.
MOST_BYTES_READ = 16 * 1024 * 1024
# What makes a folder one of weights; others may be anything, and of any size.
OF_WEIGHTS = ("config.json", "params.json", "adapter_config.json")


def pinned(value: object) -> object:
    """Return a value; where it names a file or weights that are there, with a digest of them."""
    digest = digest_of(value) if isinstance(value, str) else None
    return value if digest is None else {"path": value, "sha256": digest}


def digest_of(name: str) -> str | None:
    """Return the digest of a file or of the files of a folder with weights, else ``None``.

    A small file goes in by its bytes, a large one by its size and the time it was written: who
    trains into the same folder again is asked again, and so is who copies it elsewhere.
    """
    try:
        looks = [f"{file.name}\0{_look(file)}\n" for file in _files(Path(name))]
    except (OSError, ValueError):  # not to be read, or no name of a file at all
        return None
    return hashlib.sha256("".join(looks).encode()).hexdigest() if looks else None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not any((path / name).is_file() for name in OF_WEIGHTS):
        return []
    return sorted(each for each in path.iterdir() if each.is_file())


def _look(file: Path) -> str:
    status = file.stat()
    if status.st_size > MOST_BYTES_READ:
        return f"{status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(file.read_bytes()).hexdigest()
