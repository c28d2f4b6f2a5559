"""A way to the terminal that pytest's capture does not take away."""

import os
import sys
from typing import TextIO

import pytest

SCREEN = pytest.StashKey[TextIO]()


def keep_screen(config: pytest.Config) -> None:
    """Keep a way to the terminal, if there is one, before pytest captures what is written.

    While a case waits for its answer, standard output belongs to that case's report.
    """
    if sys.stdout is not None and sys.stdout.isatty():
        copy = os.dup(sys.stdout.fileno())
        config.stash[SCREEN] = open(copy, "w", encoding="utf-8", errors="replace")  # noqa: SIM115
        config.add_cleanup(config.stash[SCREEN].close)
