"""A file in a folder that holds nothing else, for loaders that read what lies beside it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_with_only(file: Path) -> Iterator[Path]:
    """Give a folder with a link to a file, or a copy where links cannot be made; gone afterwards.

    Args:
        file: keeps its name there.
    """
    # A file that is still mapped cannot be removed everywhere.
    with tempfile.TemporaryDirectory(prefix="vscbench-", ignore_cleanup_errors=True) as name:
        _put(file, Path(name, file.name))
        yield Path(name)


def _put(file: Path, place: Path) -> None:
    for link in (os.symlink, os.link):
        try:
            link(file, place)
        except OSError:
            continue
        return
    shutil.copyfile(file, place)
