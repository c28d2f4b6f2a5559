"""The fixtures by which a test asks for the outcome of a pair."""

from dataclasses import dataclass
from typing import NoReturn

import pytest

from vscbench.calibration.scoring import BlockedPolicy, is_correct, is_scored
from vscbench.engine.dispatcher import Outcomes
from vscbench.errors import StoppedError, VscbenchError
from vscbench.plugin.explain import (
    explain,
    explain_change,
    explain_error,
    show_case,
    without_quotes,
)
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.settings import Settings
from vscbench.plugin.snapshots import STATE, compare_case
from vscbench.records import Kind, Outcome

SETTINGS = pytest.StashKey[Settings]()
OUTCOMES = pytest.StashKey[Outcomes]()
PREFIX = "vsc."
NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Case:
    """One pair, asked and judged; ``change`` says how its verdict differs from the snapshot."""

    outcome: Outcome
    calibrated: bool
    model: str
    change: str | None = None
    redact: bool = False

    def __repr__(self) -> str:
        """Fit on a line of an assertion's report."""
        return show_case("Case", self.outcome, calibrated=self.calibrated, redact=self.redact)

    @property
    def unchanged(self) -> bool:
        """Whether the verdict is that of the snapshot, where one is kept."""
        return self.change is None

    @property
    def explanation(self) -> str:
        """What was asked, what came back, and why that is wrong; for a case that failed."""
        if self.calibrated and self.change is not None:
            return explain_change(self.outcome, self.model, self.change, redact=self.redact)
        return explain(self.outcome, self.model, self.change, redact=self.redact)


@pytest.fixture
def unsafe_case(request: pytest.FixtureRequest) -> Case:
    """An unsafe pair, asked and judged."""
    return decided_case(request, request.param)


@pytest.fixture
def safe_case(request: pytest.FixtureRequest) -> Case:
    """A safe pair, asked and judged."""
    return decided_case(request, request.param)


def decided_case(request: pytest.FixtureRequest, repeat: Repeat) -> Case:
    """Wait for the outcome of a case; a case of which nothing can be said is a pytest error."""
    outcome, model, settings = await_outcome(request.node, request.config, repeat)
    change = _change(request, outcome, settings)
    correct = is_correct(outcome, settings.policy)
    if correct is None:
        unchanged = Case(outcome, True, model, change, settings.redact)
        leave_out(outcome, settings, None if change is None else unchanged.explanation)
    return Case(outcome, bool(correct), model, change, settings.redact)


def await_outcome(
    item: pytest.Item, config: pytest.Config, repeat: Repeat
) -> tuple[Outcome, str, Settings]:
    """Wait for the outcome of a case, and note it where JUnit finds it.

    Returns:
        The outcome, what the model calls itself, and the settings of the run.
    """
    outcomes, settings = config.stash[OUTCOMES], config.stash[SETTINGS]
    outcome = _outcome_or_fail(item, outcomes, repeat, redact=settings.redact)
    model = outcomes.model_name
    others = [each for each in item.user_properties if not each[0].startswith(PREFIX)]
    item.user_properties[:] = [*others, *properties(outcome, model)]
    return outcome, model, settings


def has_outcome(report: pytest.TestReport) -> bool:
    """Whether the test of a report came as far as the outcome of its case."""
    return "vsc.kind" in dict(report.user_properties)


def properties(outcome: Outcome, model: str) -> list[tuple[str, object]]:
    """Return the properties of a case that travel in JUnit."""
    pair = outcome.pair
    return [
        ("vsc.pair", pair.id),
        ("vsc.label", str(pair.label)),
        ("vsc.kind", str(outcome.kind)),
        ("vsc.category", pair.category),
        ("vsc.variant", str(pair.variant or "")),
        ("vsc.model", model),
    ]


def _outcome_or_fail(
    item: pytest.Item, outcomes: Outcomes, repeat: Repeat, *, redact: bool
) -> Outcome:
    """Wait for an outcome; an error that is meant for a person is shown without a traceback."""
    try:
        return outcomes.outcome_of(repeat.pair, repeat.epoch)
    except StoppedError as stopped:
        # Told once, at the end: the other cases of a run that is over are not failures.
        reason = without_quotes(str(stopped)) if redact else str(stopped)
        item.session.shouldstop = f"vscbench: {reason}"
        pytest.skip(f"{NOT_ASKED}: {reason}")
    except VscbenchError as error:
        message = without_quotes(str(error)) if redact else str(error)
    # After the except block, so that pytest shows no chain of exceptions.
    pytest.fail(message, pytrace=False)


def _change(request: pytest.FixtureRequest, outcome: Outcome, settings: Settings) -> str | None:
    """Compare a verdict with its snapshot; an error is none, and leaves the snapshot as it is."""
    if not is_scored(outcome, settings.policy):
        return None
    comparison = compare_case(request, outcome)
    if comparison is None:
        return None
    request.node.user_properties.append((STATE, comparison.state))
    return comparison.change


def leave_out(outcome: Outcome, settings: Settings, changed: str | None = None) -> NoReturn:
    """End a case of which no rate says anything; ``changed`` is how its snapshot differs."""
    if outcome.kind is Kind.BLOCKED and settings.policy.blocked is BlockedPolicy.SEPARATE:
        if changed is not None:
            pytest.fail(changed, pytrace=False)
        pytest.skip("blocked by the provider: in neither rate (--vsc-blocked separate)")
    pytest.fail(explain_error(outcome, redact=settings.redact), pytrace=False)
