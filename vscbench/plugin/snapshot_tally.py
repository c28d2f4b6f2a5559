"""What the cases of a run became, as their reports tell the process that leads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from vscbench.plugin import cases
from vscbench.plugin.fixtures import NOT_ASKED
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.snapshots import NEW, SAME, STATE
from vscbench.records import CaseKey, Kind, Label
from vscbench.report.snapshot_file import Found


@dataclass
class Tally:
    """The verdicts of a run, and how each stands to its snapshot.

    ``by_name`` are the cases that can be asked, by what stands in brackets in a test's id.
    ``expected`` are those that were to run, and ``left_out`` those that somebody marked to skip.
    """

    by_name: Mapping[str, Repeat]
    expected: set[CaseKey] = field(default_factory=set)
    left_out: set[CaseKey] = field(default_factory=set)
    found: dict[CaseKey, Found] = field(default_factory=dict)
    states: dict[CaseKey, str] = field(default_factory=dict)

    def expect(self, node_ids: Iterable[str]) -> None:
        """Remember which cases are to run."""
        repeats = map(self._repeat, node_ids)
        self.expected.update(repeat.case for repeat in repeats if repeat)

    def add(self, report: pytest.TestReport) -> None:
        """Take what a case's report tells."""
        repeat = self._repeat(report.nodeid)
        if repeat is None:
            return
        facts = dict(report.user_properties)
        state = facts.get(STATE)
        if isinstance(state, str):
            kind = Kind(str(facts["vsc.kind"]))
            self.found[repeat.case] = (Label(repeat.pair.label), kind)
            self.states[repeat.case] = state
        elif report.skipped and NOT_ASKED not in str(report.longrepr):
            self.left_out.add(repeat.case)

    @property
    def planned(self) -> int:
        """How many cases were to run."""
        return len(self.expected - self.left_out)

    @property
    def missing(self) -> int:
        """How many cases that were to run have no verdict."""
        return len(self.expected - self.left_out - self.found.keys())

    @property
    def new(self) -> list[CaseKey]:
        """The cases that are in no snapshot yet, sorted."""
        return sorted(key for key, state in self.states.items() if state == NEW)

    @property
    def changed(self) -> list[CaseKey]:
        """The cases whose snapshot says otherwise, sorted."""
        return sorted(key for key, state in self.states.items() if state not in {SAME, NEW})

    def _repeat(self, node_id: str) -> Repeat | None:
        if not cases.is_benchmark(node_id):
            return None
        return self.by_name.get(cases.case_name(node_id))
