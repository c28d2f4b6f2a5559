"""What besides the method may have made a difference between the runs of one model."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vscbench.report.trade_runs import ModelRuns, TradeRun

# What must be the same for a difference to be the method's: in words, and in a run's summary.
SAME: Final = {
    "another judge": "judge",
    "another scoring": "scoring",
    "another policy for blocks": "blocked",
    "another number of epochs": "epochs",
    "other versions of the model": "served_models",
}
# Of what a run records of its parameters, what is no choice.
COUNTED: Final = frozenset({"image_changes"})
DEVELOPMENT: Final = "development"
HOW: Final = "pytest -m utility, or --vsc-utility"


def warnings(runs: ModelRuns) -> Iterator[str]:
    """Say what makes the runs of a model hard to compare."""
    for run in runs.methods:
        yield from _differences(run, runs.baseline)
    for run in (runs.baseline, *runs.methods):
        yield from _incomplete(run)
        if (run.run.run.get("selection") or {}).get("split") == DEVELOPMENT:
            yield f"{run.label} was measured on the development split, which methods are tuned on"


def notes(runs: ModelRuns) -> Iterator[str]:
    """Say what could not be had."""
    every = (runs.baseline, *runs.methods)
    lacking = [run.label for run in every if not run.answers]
    if len(lacking) == len(every):
        yield f"utility was not measured, so what a method costs is not known ({HOW})"
    elif lacking:
        yield f"utility was not measured with {', '.join(lacking)} ({HOW})"
    for run in every:
        # A run's own notes are of queries, which no trade shows.
        if not run.run.knows_pairs or run.run.summary is None:
            yield from run.run.notes


def _differences(run: TradeRun, baseline: TradeRun) -> Iterator[str]:
    said, without = run.run.run, baseline.run.run
    for words, name in SAME.items():
        now, was = said.get(name), without.get(name)
        if now is not None and was is not None and now != was:
            yield f"{run.label} has {words} than {baseline.label}: {_told(now)}, not {_told(was)}"
    params = sorted(_other_params(said.get("params"), without.get("params")))
    if params:
        yield f"{run.label} has other parameters than {baseline.label}: {', '.join(params)}"
    digests = said.get("pairs_sha256"), without.get("pairs_sha256")
    if None not in digests and digests[0] != digests[1]:
        yield f"{run.label} was asked other pairs: only those that both have are compared"
    for words, name in (("other questions", "sha256"), ("another grader", "grader")):
        now, was = run.utility.get(name), baseline.utility.get(name)
        if now is not None and was is not None and now != was:
            yield f"{run.label} has {words} of utility than {baseline.label}"


def _other_params(said: object, without: object) -> set[str]:
    if not isinstance(said, Mapping) or not isinstance(without, Mapping):
        return set()
    names = {*said, *without} - COUNTED
    return {str(name) for name in names if said.get(name) != without.get(name)}


def _told(value: Any) -> str:  # noqa: ANN401 - whatever a summary holds
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _incomplete(run: TradeRun) -> Iterator[str]:
    summary = run.run.summary or {}
    if summary.get("complete") is False:
        counts = summary["counts"]
        yield (
            f"{run.label} is incomplete: {counts.get('scored')} of {counts['planned']} planned "
            "cases were scored"
        )
    planned, scored = run.utility.get("planned"), run.utility.get("scored")
    if planned is not None and scored is not None and scored != planned:
        yield (
            f"{run.label} is incomplete in utility: {scored} of {planned} planned questions were "
            "scored"
        )
