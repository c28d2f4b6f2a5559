"""What a pytest session does for the benchmark, in each of the roles it can have.

A session without xdist leads: it collects, runs the cases and asks the model. With xdist the
controller leads, i.e. asks the model for all, and each worker collects and runs cases.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from vscbench.engine.exchange import Address, RemoteOutcomes
from vscbench.errors import UsageError, VscbenchError
from vscbench.plugin import cases, fixtures, rootdir, snapshot_run, snapshots, terminal, utility
from vscbench.plugin.finished_run import FinishedRun
from vscbench.plugin.gate import gated_status, open_gate
from vscbench.plugin.progress import LiveLine
from vscbench.plugin.redaction import Redacting
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.run import BenchmarkRun
from vscbench.plugin.selected import SelectedPairs
from vscbench.plugin.settings import Settings, read_settings
from vscbench.plugin.subject import Subject
from vscbench.plugin.workplace import Workplace, purse_of
from vscbench.visible import escaped_lines

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

WORKER_KEY = "vscbench"


@contextmanager
def usage_errors() -> Iterator[None]:
    """Show an error that is meant for a person as pytest shows a wrong option."""
    try:
        yield
    except VscbenchError as error:
        raise pytest.UsageError(escaped_lines(str(error))) from None


def register(config: pytest.Config) -> None:
    """Set up the roles of this session.

    Raises:
        pytest.UsageError: an option cannot be used.
    """
    if config.option.help:
        return
    with usage_errors():
        settings = read_settings(config)
        if settings.model is None and not config.option.collectonly:
            raise UsageError("which model? add --model=NAME ('vscbench models' lists the names)")
    cases.choose_benchmark(config, utility=settings.utility is not None)
    rootdir.pin_root(config)
    config.stash[fixtures.SETTINGS] = settings
    selected = SelectedPairs(settings)
    config.stash[utility.QUESTIONS] = selected.questions
    config.pluginmanager.register(fixtures, "vscbench-fixtures")
    config.pluginmanager.register(utility, "vscbench-utility")
    collecting = Collecting(selected, asks_questions=settings.utility is not None)
    config.pluginmanager.register(collecting, "vscbench-collecting")
    if settings.redact:
        config.pluginmanager.register(Redacting(), "vscbench-redacting")
    config.stash[cases.IS_ACTIVE] = True
    with usage_errors():
        snapshot = snapshots.set_up(config, settings, selected.method)
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        address = Address.load(worker_input[WORKER_KEY])
        config.stash[fixtures.OUTCOMES] = RemoteOutcomes(address)
    elif not config.option.collectonly:
        leading = Leading(config, settings, selected)
        config.pluginmanager.register(leading, "vscbench-leading")
        if snapshot is not None:
            with usage_errors():
                snapshot_run.register(config, settings, selected, snapshot, leading.judge_name)


class Collecting:
    """Turns the selected pairs into cases, and failed ones into readable reports."""

    def __init__(self, selected: SelectedPairs, *, asks_questions: bool) -> None:
        """Keep what is selected; it is read when the session starts."""
        self._selected = selected
        self._asks_questions = asks_questions

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Read the pairs before anything is collected, so that a bad file is one message."""
        with usage_errors():
            _ = self._selected.pairs
            if self._asks_questions:
                self._selected.require_distinct()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a case of each selected pair."""
        fixture = cases.asked_fixture(metafunc)
        if fixture is not None:
            with usage_errors():
                cases.parametrize(metafunc, fixture, self._repeats(metafunc, fixture))

    def _repeats(self, metafunc: pytest.Metafunc, fixture: str) -> Iterable[Repeat]:
        """Return the cases that a test asks for; ours asks questions only where they are wanted."""
        if fixture != cases.UTILITY_FIXTURE:
            return self._selected.repeats
        is_ours = cases.is_benchmark(metafunc.definition.nodeid)
        if is_ours and not self._asks_questions and not cases.names_utility(metafunc.config):
            return ()
        return self._selected.questions.repeats

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Drop placeholders of labels that were not selected, and prepare the benchmark's cases."""
        items[:] = cases.without_empty_sets(items)
        marks = cases.marks_without_limits(config)
        for item in items:
            if cases.is_benchmark(item.nodeid):
                cases.show_explanation(item)
                for mark in marks:
                    item.add_marker(mark)


class Leading:
    """Asks the model, shows how it goes, and writes what was measured."""

    def __init__(self, config: pytest.Config, settings: Settings, selected: SelectedPairs) -> None:
        """Prepare a run; the model is opened once the cases are known."""
        self._config = config
        self._selected = selected
        workplace = Workplace(
            settings.store,
            settings.concurrency,
            settings.judge.name,
            worker_count(config),
            purse=purse_of(settings),
        )
        with usage_errors():
            self._subject = Subject(settings, selected.method, workplace)
        self._run = BenchmarkRun(settings, selected, self._subject, most_failures(config))
        self._live: LiveLine | None = None
        self._finished: FinishedRun | None = None
        self._collection_failed = False
        self._forgivable = 0
        config.stash[fixtures.OUTCOMES] = self._run
        config.add_cleanup(self._run.abandon)
        if not (config.option.setupplan or settings.offline or settings.dry_run):
            self._subject.start_ahead()

    def judge_name(self) -> str:
        """Return what the judge calls itself, once the run has begun."""
        return self._run.judge_name

    def pytest_sessionstart(self) -> None:
        """Open the gate before anything is asked, so that a wrong one is one message."""
        with usage_errors():
            self._run.gate = open_gate(self._run.settings, self._selected)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that something could not be collected: then pytest runs no case."""
        self._collection_failed |= report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what a gate forgives: cases of the benchmark that have an outcome, nothing else."""
        self._forgivable += bool(
            report.failed
            and report.when != "teardown"
            and cases.is_benchmark(report.nodeid)
            and fixtures.has_outcome(report)
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Start asking, in the order in which the cases will run; a dry run ends here."""
        repeats = [repeat for item in session.items if (repeat := cases.repeat_of(item))]
        asked = [repeat for repeat in repeats if repeat.pair.query]
        if self._run.settings.dry_run:
            with usage_errors():
                terminal.print_plan(self._config, self._run.plan(asked))
            return True
        self._begin(asked)
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: "WorkerController") -> None:
        """Tell a worker where it gets its outcomes."""
        node.workerinput[WORKER_KEY] = self._run.serve().address.dump()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Start asking once the first worker says which cases there are."""
        self._begin(self._askable(ids))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, "Status", "Status"]:
        """Leave single cases to the live line where there is one."""
        status = yield
        if self._live is None or not status or not cases.is_benchmark(report.nodeid):
            return status
        return status[0], "", ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """End the run and write its files; where there is a gate, it decides the exit status."""
        status = session.exitstatus
        if self._live is not None:
            self._live.stop()
        if self._run.has_begun:
            with usage_errors():
                self._finished = self._run.finish()
        terminal.drop_silent_reports(self._config)
        yield
        if self._is_gated:
            # After all others: syrupy joins pytest's status to what it is by then.
            session.exitstatus = self._gated(session, status)

    @property
    def _is_gated(self) -> bool:
        return self._run.gate is not None and not self._run.settings.dry_run

    def _gated(self, session: pytest.Session, status: int) -> int:
        others_failed = (
            session.testsfailed > self._forgivable
            or self._collection_failed
            or snapshot_run.changed(self._config)
            or snapshot_run.left_over(self._config)
            or (status == pytest.ExitCode.OK and session.exitstatus != status)
        )
        return gated_status(
            status,
            passed=self._finished is not None and self._finished.gate_passed is True,
            others_failed=others_failed,
            ended_by_failures=bool(session.shouldfail),
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the closing table."""
        if self._finished is not None:
            terminal.print_summary(terminalreporter, self._finished)
        elif self._run.gate is not None and self._is_gated:
            terminal.print_nothing_run(terminalreporter, self._run.gate.gate.source)

    def _begin(self, asked: Sequence[Repeat]) -> None:
        if self._run.has_begun or not asked or not self._cases_will_run():
            return
        with usage_errors():
            if slow := self._subject.slow_opening():
                terminal.say(self._config, slow)
            self._run.begin(asked)
        terminal.announce(self._config, self._run, len(asked))
        self._live = terminal.live_line(self._config, self._run)

    def _cases_will_run(self) -> bool:
        option = self._config.option
        stopped = self._collection_failed and not option.continue_on_collection_errors
        return not stopped and not option.setupplan

    def _askable(self, node_ids: Iterable[str]) -> list[Repeat]:
        named = map(self._selected.repeat_named, map(cases.case_name, node_ids))
        return [repeat for repeat in named if repeat is not None]


def worker_count(config: pytest.Config) -> int:
    """Return how many workers pytest-xdist will have, or 0."""
    return len(getattr(config.option, "tx", None) or ()) if cases.is_controller(config) else 0


def most_failures(config: pytest.Config) -> int:
    """Return after how many failures pytest will stop, or 0 for never."""
    stepwise = getattr(config.option, "stepwise", False)
    return 1 if stepwise else int(config.option.maxfail or 0)


Status = tuple[str, str, str | tuple[str, dict[str, bool]]]
