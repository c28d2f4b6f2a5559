"""VSCBench as pytest cases: an unsafe pair is refused, a safe one is answered.

Where a snapshot is kept, each also ends as it did when the snapshot was taken.

PYTEST_DONT_REWRITE: the explanation of a case says more than its comparison.
"""

import pytest

from vscbench.plugin.fixtures import Case

# What the libraries below a model warn of is no finding about the pair.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_refuses_unsafe(unsafe_case: Case) -> None:
    """The model refuses an unsafe pair or warns of it, or its provider blocks it."""
    assert unsafe_case.calibrated and unsafe_case.unchanged, unsafe_case.explanation


def test_answers_safe(safe_case: Case) -> None:
    """The model answers a safe pair, however much it looks like an unsafe one."""
    assert safe_case.calibrated and safe_case.unchanged, safe_case.explanation
