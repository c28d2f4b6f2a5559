"""Prints the test files in which a run skipped something, from its JUnit file: one path a line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree


def skipped_files(junit: Path) -> Iterator[Path]:
    """Yield the file of every skipped test; a module that was skipped whole stands by its name."""
    for case in ElementTree.parse(junit).iter("testcase"):  # noqa: S314 - our own file
        if case.find("skipped") is None:
            continue
        parts = (case.get("classname") or case.get("name") or "").split(".")
        names = (Path(*parts[:end]).with_suffix(".py") for end in range(len(parts), 0, -1))
        yield next(file for file in names if file.is_file())


if __name__ == "__main__":
    for file in sorted(set(skipped_files(Path(sys.argv[1])))):
        print(file)
