"""What runs the work: a name, a version, and how its project is written into an empty folder."""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.workload import Workload

VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps([importlib.metadata.version(name) for name in sys.argv[1:]]))
"""


@dataclass(frozen=True, slots=True)
class Launch:
    """A command, and what it needs in its environment beside what is there."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the table; ``prepare`` fills an empty folder and says what to run there."""

    name: str
    version: str
    prepare: Callable[[Workload, Path], Launch]


@dataclass(frozen=True, slots=True)
class Missing:
    """A contender that is not there, and how to get it."""

    name: str
    remedy: str


def versions_of(python: str, distributions: Iterable[str]) -> str | None:
    """Return ``name version`` of what an interpreter has installed; None if anything is missing."""
    names = list(distributions)
    try:
        done = subprocess.run(
            [python, "-c", VERSIONS, *names], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    if done.returncode:
        return None
    numbers = json.loads(done.stdout)
    return ", ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
