"""The code behind a Python callable, as one digest: other code, other answers."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def code_sha256(target: str) -> str:
    """Digest the source of every imported module that belongs to an application.

    These are the modules below the folder that holds the application's outermost package, but
    for what is installed there: an application that reads a prompt from a file, or calls a
    service, can change without its code.

    Args:
        target: ``package.module:callable``, imported already.
    """
    outermost = sys.modules[target.partition(".")[0].partition(":")[0]]
    folder = _folder(outermost.__file__, getattr(outermost, "__path__", ()))
    digest = hashlib.sha256()
    if folder is None:
        return digest.hexdigest()
    for file in sorted(_sources(folder)):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _folder(file: str | None, search_path: Iterable[str]) -> Path | None:
    """Return the folder that holds a module's file, or a package's folder."""
    if file is None:  # a package without __init__.py, or one written in C
        places = [Path(place).resolve() for place in search_path]
        return places[0].parent if places else None
    path = Path(file).resolve()
    return path.parent.parent if path.name == "__init__.py" else path.parent


def _sources(folder: Path) -> Iterator[Path]:
    installed = {"site-packages", "dist-packages"}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        path = Path(file).resolve() if file else None
        if path is None or path.suffix != ".py" or not path.is_file():
            continue
        if path.is_relative_to(folder) and not installed & set(path.relative_to(folder).parts):
            yield path
