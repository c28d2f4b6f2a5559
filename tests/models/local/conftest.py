"""Tiny checkpoints for the tests of local models: each is built once in a session."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from tiny_vlms import ARCHITECTURES, make_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a tiny checkpoint, by its architecture's name; no test changes it.

    A test is skipped where torch, transformers or what the processor needs is missing.
    """
    folder = tmp_path_factory.mktemp("tiny")

    @cache
    def built(name: str) -> Path:
        return make_tiny(name, folder / name)

    def at_hand(name: str) -> Path:
        needed = ("torch", "transformers", *ARCHITECTURES[name].needs)
        missing = [package for package in needed if find_spec(package) is None]
        if missing:
            pytest.skip(f"a tiny {name} needs {' and '.join(missing)}")
        return built(name)

    return at_hand
