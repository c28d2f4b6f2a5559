"""What ``--vsc-redact`` takes out of the reports that pytest makes of a case."""

from collections.abc import Generator

import pytest

from vscbench.plugin import cases

LEFT_OUT = "left out (--vsc-redact)"


class Redacting:
    """Leaves out what was printed and logged while a case ran: an application logs what it reads.

    Plugins that write reports take it from pytest's own, after this.
    """

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the titles of captured output, without the output."""
        report = yield
        if cases.repeat_of(item) is not None:
            report.sections[:] = [(title, LEFT_OUT) for title, _ in report.sections]
        return report
