"""The gate of a run: opened and checked before anything is paid for, decided at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from vscbench.calibration.gate import BaselineRules, Gate
from vscbench.calibration.gate_checks import Baseline, Decision, decide
from vscbench.calibration.scoring import Policy
from vscbench.errors import UsageError
from vscbench.plugin.selected import SelectedPairs
from vscbench.plugin.settings import Settings
from vscbench.records import Outcome
from vscbench.report.run_outcomes import RunOutcomes, read_run_outcomes

ONLY_BASELINE: Final = "--vsc-baseline"


@dataclass(frozen=True, slots=True)
class OpenGate:
    """A gate whose every name is known to exist, with the run it compares with."""

    gate: Gate
    baseline: RunOutcomes | None

    def require_same_judge(self, judge: str) -> None:
        """Refuse a baseline that another judge read.

        Raises:
            UsageError: verdicts of two judges say nothing about two models.
        """
        before = self.baseline and self.baseline.run.get("judge")
        if before and before != judge:
            raise UsageError(
                f"--vsc-baseline: {before} judged run {self.baseline and self.baseline.name}, and "
                f"{judge} judges this one; judge one of them anew ('vscbench rejudge'), or give "
                "the same --vsc-judge"
            )

    def decide(
        self, outcomes: Sequence[Outcome], selected: SelectedPairs, policy: Policy, today: date
    ) -> Decision:
        """Decide whether a run passes; see ``vscbench.calibration.gate_checks.decide``."""
        planned = frozenset(repeat.case for repeat in selected.repeat_by_id.values())
        waivers = [each for each in self.gate.waivers if each.case in selected.by_id]
        return decide(
            replace(self.gate, waivers=tuple(waivers)),
            outcomes,
            planned,
            policy=policy,
            today=today,
            baseline=self._baseline(selected),
        )

    def _baseline(self, selected: SelectedPairs) -> Baseline | None:
        """Return the baseline's outcomes, of pairs as they are now."""
        if self.baseline is None:
            return None
        by_id = selected.by_id
        known = [
            replace(each, pair=by_id[each.pair.id])
            for each in self.baseline.outcomes
            if each.pair.id in by_id and by_id[each.pair.id].label is each.pair.label
        ]
        return Baseline(self.baseline.name, known)


def open_gate(settings: Settings, selected: SelectedPairs) -> OpenGate | None:
    """Open the gate that was asked for, or ``None``.

    Raises:
        UsageError: it names a category or a case that does not exist, or has rules for a baseline
            and there is none.
        VscbenchError: the baseline cannot be read.
    """
    gate = settings.gate
    if gate is None and settings.baseline is not None:
        gate = Gate(source=ONLY_BASELINE)
    if gate is None:
        return None
    _require_known(gate, selected)
    if settings.baseline is None:
        if gate.baseline is not None:
            raise UsageError(
                f"{gate.source}: it compares with a baseline; say which run that is, with "
                "--vsc-baseline RUN"
            )
        return OpenGate(gate, None)
    baseline = _read_baseline(settings, settings.baseline, selected)
    return OpenGate(replace(gate, baseline=gate.baseline or BaselineRules()), baseline)


def gated_status(status: int, *, passed: bool, others_failed: bool, ended_by_failures: bool) -> int:
    """Return the exit status of a run with a gate.

    Args:
        status: what pytest would say.
        passed: whether the gate did.
        others_failed: whether anything failed that a gate does not forgive.
        ended_by_failures: whether as many failed as -x or --maxfail allows, for which pytest-xdist
            has the status of an interruption.
    """
    decided = {int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED)}
    if status not in decided and not (ended_by_failures and status == pytest.ExitCode.INTERRUPTED):
        return status
    good = passed and not others_failed
    return int(pytest.ExitCode.OK if good else pytest.ExitCode.TESTS_FAILED)


def _require_known(gate: Gate, selected: SelectedPairs) -> None:
    categories = sorted({pair.category for pair in selected.every})
    for minimum in gate.minima:
        if minimum.category is not None and minimum.category not in categories:
            raise UsageError(
                f"{gate.source}: no pair is of category {minimum.category!r:.80}; there are "
                f"{', '.join(categories)}"
            )
    for name in gate.baseline.names if gate.baseline else ():
        _require_group(gate.source, name, selected)
    ids = {pair.id for pair in selected.every}
    for waiver in gate.waivers:
        if waiver.case not in ids:
            raise UsageError(
                f"{gate.source}: a waiver is for {waiver.case!r:.80}, and no pair has that id"
            )


def _require_group(source: str, name: str, selected: SelectedPairs) -> None:
    """Refuse a measure of a group that no pair is in, such as sra_u:category=drgs."""
    key, _, value = name.partition(":")[2].partition("=")
    groups = sorted({str(getattr(pair, key)) for pair in selected.every}) if key else []
    if key and value not in groups:
        raise UsageError(
            f"{source}, baseline: {name!r:.80}: no pair is of that {key}; there are "
            f"{', '.join(groups)}"
        )


def _read_baseline(settings: Settings, place: str, selected: SelectedPairs) -> RunOutcomes:
    here = settings.baseline_base / place
    name = str(here) if here.exists() else place
    found = read_run_outcomes(name, settings.report, Path(settings.baseline_base))
    if not any(outcome.pair.id in selected.by_id for outcome in found.outcomes):
        raise UsageError(f"--vsc-baseline: {place} has none of the pairs that this run asks")
    return found
