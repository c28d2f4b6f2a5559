"""The runs of a trade: read with what they measured of utility, and grouped by model."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from vscbench.calibration.accuracy import GradedAnswer
from vscbench.errors import UsageError
from vscbench.records import NO_METHOD
from vscbench.report.html.words import param_words
from vscbench.report.past_run import find_run
from vscbench.report.run_outcomes import RunOutcomes, read_run_outcomes, with_pairs_of
from vscbench.report.utility import UTILITY, read_utility

HOW: Final = "pytest --model=NAME --vsc-method=none, or vscbench run --methods none,..."


@dataclass(frozen=True, slots=True)
class TradeRun:
    """A run, and its graded answers where utility was measured; ``label`` names its method."""

    run: RunOutcomes
    answers: tuple[GradedAnswer, ...] = ()
    label: str = ""

    @property
    def method(self) -> str:
        """The name of its method."""
        return str(self.run.run.get("method"))

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters of its method, as the run recorded them."""
        found = self.run.run.get("method_params")
        return found if isinstance(found, Mapping) else {}

    @property
    def utility(self) -> Mapping[str, Any]:
        """What its summary says of utility; empty where it says nothing."""
        found = (self.run.summary or {}).get("utility")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class ModelRuns:
    """The runs of one model: the one without a method, and the others, in the order given."""

    model: str
    baseline: TradeRun
    methods: tuple[TradeRun, ...]


def read_trade_run(place: str, reports: Path, root: Path) -> TradeRun:
    """Read a run, or a snapshot, and the graded answers beside it.

    Args:
        place: whatever ``read_run_outcomes`` takes.
        reports: the folder of the runs that go by their id.
        root: the project's folder.

    Raises:
        UsageError: there is no such run.
        DataError: a file is not what a run writes.
    """
    run = read_run_outcomes(place, reports, root)
    file = _folder(place, reports, run) / UTILITY
    return TradeRun(run, tuple(read_utility(file)) if file.is_file() else ())


def by_model(runs: Sequence[TradeRun]) -> list[ModelRuns]:
    """Group runs by their model, models sorted by name, each run labelled by its method.

    Raises:
        UsageError: a model has no run without a method, or several, or nothing beside it; or a
            run does not say what it was.
    """
    groups: dict[str, list[TradeRun]] = {}
    for run in runs:
        model, method = run.run.run.get("model"), run.run.run.get("method")
        if not isinstance(model, str) or not isinstance(method, str):
            raise UsageError(f"{run.run.name} does not say which model and method it is of")
        groups.setdefault(model, []).append(run)
    return [_model_runs(model, groups[model]) for model in sorted(groups)]


def _folder(place: str, reports: Path, run: RunOutcomes) -> Path:
    given = Path(place)
    if given.is_file() or run.summary is None:
        return given.parent
    return find_run(place, reports)


def _model_runs(model: str, runs: Sequence[TradeRun]) -> ModelRuns:
    without = [run for run in runs if run.method == NO_METHOD]
    methods = [run for run in runs if run.method != NO_METHOD]
    if not without:
        raise UsageError(
            f"{model!r:.80}: none of its runs is without a method, and the trade is against such "
            f"a run; add one ({HOW})"
        )
    if len(without) > 1:
        names = ", ".join(run.run.name for run in without)
        raise UsageError(f"{model!r:.80}: {len(without)} runs without a method ({names}); name one")
    if not methods:
        raise UsageError(
            f"{model!r:.80}: its only run is without a method; add runs with --vsc-method"
        )
    baseline = replace(without[0], label=NO_METHOD)
    known = (replace(each, run=with_pairs_of(each.run, baseline.run)) for each in methods)
    return ModelRuns(model, baseline, tuple(_labelled(list(known))))


def _labelled(runs: Sequence[TradeRun]) -> Iterator[TradeRun]:
    """Label runs by their method, by what differs in its parameters, and else by their names."""
    for run in runs:
        same = [each for each in runs if each.method == run.method]
        label = " ".join([run.method, *_telling(run, same)])
        twins = [each for each in same if [*_telling(each, same)] == [*_telling(run, same)]]
        yield replace(run, label=f"{label} ({run.run.name})" if len(twins) > 1 else label)


def _telling(run: TradeRun, same: Sequence[TradeRun]) -> Iterator[str]:
    """Yield the parameters that tell a run from others with the same method."""
    names = sorted({name for each in same for name in each.params})
    for name in names:
        values = {json.dumps(each.params.get(name), sort_keys=True) for each in same}
        if len(values) > 1:
            yield f"{name}={param_words(run.params.get(name))}"
