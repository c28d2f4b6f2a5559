"""The snapshot of a whole run: what changed in it, and whether the file may be written."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import cached_property

import pytest

from vscbench.errors import UsageError
from vscbench.pairs.selection import Selection
from vscbench.plugin.selected import SelectedPairs
from vscbench.plugin.settings import Settings
from vscbench.plugin.snapshot_tally import Tally
from vscbench.plugin.snapshots import (
    SAME,
    STATE,
    SnapshotFile,
    case_name,
)
from vscbench.records import CaseKey
from vscbench.report.files import replace_file
from vscbench.report.snapshot_file import (
    Found,
    Snapshot,
    format_snapshot,
    read_summary,
    summary_lines,
)

SHOWN = 10


class SnapshotRun:
    """Follows a run in the process that leads, and writes its snapshot where that is asked."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        selected: SelectedPairs,
        file: SnapshotFile,
        judge_name: Callable[[], str],
    ) -> None:
        """Read what was kept, so that a file that cannot be read is told before a request is paid.

        Raises:
            DataError: the snapshot cannot be read.
        """
        self._update = file.update
        self._is_updating = file.update.is_asked
        self._settings = settings
        self._selected = selected
        self._file = file
        self._judge_name = judge_name
        self._kept = file.kept
        self._written = False

    @cached_property
    def _tally(self) -> Tally:
        return Tally(self._selected.repeat_by_id)

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Remember which cases are to run."""
        self._tally.expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Remember which cases are to run, as a worker says."""
        self._tally.expect(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a case became."""
        self._tally.add(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the file if that was asked and every case has its verdict; fail what changed."""
        self._written = self._write()
        yield
        if self.refused:
            _take_back(session.config)
        if self.has_changed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what changed, or what was written; nothing where all is as it was."""
        for line in self.lines():
            terminalreporter.write_line(line)

    @property
    def has_changed(self) -> bool:
        """Whether anything differs from the snapshot and was not accepted."""
        if self.refused or not self._tally.found:
            return self.refused
        unaccepted = self._tally.changed if not self._update.accepts_all else []
        new = self._tally.new if not self._is_updating else []
        left_over = self.obsolete if self._obsolete_fail else []
        stale = (self._is_stale or self._was_judged_otherwise) and not self._is_updating
        return bool(unaccepted or new or left_over or stale)

    @property
    def refused(self) -> bool:
        """Whether an update was asked, and cannot be done.

        Cases have no verdict, or those that this run leaves alone were judged by another judge.
        """
        mixes = self._was_judged_otherwise and not self._covers_all
        return self._is_updating and (self._tally.missing > 0 or mixes)

    @property
    def _was_judged_otherwise(self) -> bool:
        before = self._kept.judge if self._kept is not None else ""
        return bool(before and self._tally.found and before != self._judge_name())

    @property
    def obsolete(self) -> list[CaseKey]:
        """The cases whose pairs are gone; known only where the whole set was run."""
        if self._kept is None or self._update.ignores_unused or not self._covers_all:
            return []
        asked = self._askable
        return sorted(key for key in self._kept.cases if key[0] not in asked)

    def lines(self) -> list[str]:
        """Return what a person has to know of the snapshot."""
        tally, name = self._tally, self._file.name
        if self.refused and tally.missing:
            return [
                f"snapshot: {name} was not updated, because {tally.missing} of "
                f"{tally.planned} cases have no verdict"
            ]
        if self.refused:
            return [f"snapshot: {name} was not updated: {self._judges()}; run all cases"]
        if self._written:
            return [f"snapshot: {name} was written: {self._counts()}"]
        if not tally.found or not (self.has_changed or self.obsolete):
            return []
        return [
            f"snapshot: {name} says otherwise: {self._counts()}",
            *self._named(),
            *self._summary_diff(),
            f"accept: run the same command again with {self._update.option}",
        ]

    @property
    def _askable(self) -> set[str]:
        return {pair.id for pair in self._selected.pairs if pair.query}

    @property
    def _covers_all(self) -> bool:
        whole = self._settings.selection == Selection()
        return whole and self._askable <= {pair_id for pair_id, _ in self._tally.found}

    @property
    def _is_stale(self) -> bool:
        return self._kept is not None and read_summary(self._file.text) != summary_lines(self._kept)

    @property
    def _obsolete_fail(self) -> bool:
        return not (self._update.accepts_all or self._update.warns_of_unused)

    def _write(self) -> bool:
        if not self._is_updating or self.refused or not self._tally.found:
            return False
        text = format_snapshot(self._updated())
        if text == self._file.text:
            return False
        try:
            self._file.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file.path, text)
        except OSError as error:
            raise UsageError(f"{self._file.path}: cannot be written ({error})") from error
        return True

    def _updated(self) -> Snapshot:
        kept, tally, update = self._kept, self._tally, self._update
        old = dict(kept.cases) if kept else {}
        if update.accepts_all and not update.keeps_unused:
            for key in self.obsolete:
                del old[key]
        accepted = tally.found if update.accepts_all else {}
        new = {key: tally.found[key] for key in tally.new}
        merged = {**old, **accepted, **new}
        if kept is not None and not self._covers_all:
            return replace(kept, cases=merged)
        return Snapshot(
            model=self._file.model,
            method=self._file.method,
            pairs=self._file.pairs,
            cases=merged,
            judge=self._judge_name(),
            policy=self._settings.policy,
        )

    def _counts(self) -> str:
        tally = self._tally
        counts = (
            (len(tally.changed), "changed"),
            (len(tally.new), "new"),
            (len(self.obsolete), "obsolete (the pair is gone)"),
        )
        told = [f"{count} {what}" for count, what in counts if count]
        if self._was_judged_otherwise:
            told.append(self._judges())
        return ", ".join(told) or "its summary is not that of its cases"

    def _judges(self) -> str:
        before = self._kept.judge if self._kept is not None else ""
        return f"{before} judged it, and {self._judge_name()} this run"

    def _named(self) -> list[str]:
        keys = self.obsolete
        names = [f"  obsolete: {case_name(key)}" for key in keys[:SHOWN]]
        rest = len(keys) - SHOWN
        return [*names, f"  and {rest} more obsolete"] if rest > 0 else names

    def _summary_diff(self) -> list[str]:
        """Show the summary before and after, where the whole set was run."""
        if self._kept is None or not self._covers_all:
            return []
        after = summary_lines(replace(self._kept, cases=self._run_cases()))
        before = read_summary(self._file.text)
        return [f"  {line}" for line in self._file.diff("\n".join(before), "\n".join(after))]

    def _run_cases(self) -> dict[CaseKey, Found]:
        kept = self._kept.cases if self._kept else {}
        gone = set(self.obsolete)
        return {**{key: kept[key] for key in kept if key not in gone}, **self._tally.found}


RUN = pytest.StashKey[SnapshotRun]()


def register(
    config: pytest.Config,
    settings: Settings,
    selected: SelectedPairs,
    file: SnapshotFile,
    judge_name: Callable[[], str],
) -> None:
    """Follow a run in the process that leads.

    Raises:
        DataError: the snapshot cannot be read.
    """
    run = SnapshotRun(config, settings, selected, file, judge_name)
    config.stash[RUN] = run
    config.pluginmanager.register(run, "vscbench-snapshot")


def changed(config: pytest.Config) -> bool:
    """Whether the run differs from its snapshot, in the process that leads; not where accepted."""
    run = config.stash.get(RUN, None)
    return run is not None and run.has_changed


def left_over(config: pytest.Config) -> bool:
    """Whether syrupy fails the run for snapshots of other tests that none of them used."""
    report = getattr(getattr(config, "_syrupy", None), "report", None)
    unused = getattr(report, "num_unused", 0)
    option = config.option
    accepts = (
        getattr(option, "update_snapshots", False),
        getattr(option, "warn_unused_snapshots", False),
    )
    return bool(unused) and not any(accepts)


def is_changed(report: pytest.TestReport) -> bool:
    """Whether a case failed because its verdict is not that of the snapshot, whatever else."""
    state = dict(report.user_properties).get(STATE)
    return bool(report.failed and state not in {None, SAME})


def _take_back(config: pytest.Config) -> None:
    """Let syrupy's own report claim no update that was refused."""
    from syrupy.data import SnapshotCollections

    report = getattr(getattr(config, "_syrupy", None), "report", None)
    if report is not None:
        report.created, report.updated = SnapshotCollections(), SnapshotCollections()
