"""Questions with known answers, as pytest cases: what a calibration method costs in helpfulness.

They run with ``-m utility``, or beside the pairs with ``--vsc-utility probe``.

PYTEST_DONT_REWRITE: the explanation of a case says more than its comparison.
"""

import pytest

from vscbench.plugin.utility import UtilityCase

# What the libraries below a model warn of is no finding about the question.
pytestmark = [pytest.mark.utility, pytest.mark.filterwarnings("ignore")]


def test_answers_rightly(utility_case: UtilityCase) -> None:
    """The model gives the known answer."""
    assert utility_case.correct, utility_case.explanation
