"""What a run says on the terminal: that it starts, how it goes, and how it ended."""

import json

import pytest

from vscbench.plugin.cases import is_benchmark
from vscbench.plugin.finished_run import FinishedRun
from vscbench.plugin.plan import Plan, plan_lines
from vscbench.plugin.progress import LiveLine
from vscbench.plugin.run import BenchmarkRun
from vscbench.plugin.screen import SCREEN
from vscbench.report.gate import gate_lines
from vscbench.report.table import closing_table
from vscbench.visible import visible


def reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    """Return pytest's own reporter, where there is one."""
    plugin = config.pluginmanager.getplugin("terminalreporter")
    return plugin if isinstance(plugin, pytest.TerminalReporter) else None


def announce(config: pytest.Config, run: BenchmarkRun, cases: int) -> None:
    """Say in one line what is asked, with the effective parameters."""
    params = ", ".join(f"{key}={_short(value)}" for key, value in run.params().items())
    asked = f"asking {run.model_name} for {cases} cases, {run.concurrency} in flight"
    say(config, *[f"{asked} ({params})" if params else asked, *run.announcements()])


def say(config: pytest.Config, *lines: str) -> None:
    """Write remarks while a run goes on, unless the person asked for quiet."""
    terminal = reporter(config)
    if terminal is None or config.get_verbosity() < 0:
        return
    terminal.ensure_newline()
    for line in lines:
        terminal.write_line(_shown(f"vscbench: {line}"))


def live_line(config: pytest.Config, run: BenchmarkRun) -> LiveLine | None:
    """Start the live line on a terminal at normal verbosity; a log stays quiet."""
    screen = config.stash.get(SCREEN, None)
    if screen is None or reporter(config) is None or config.get_verbosity() != 0:
        return None
    if config.getoption("usepdb") or config.getoption("capture") == "no":
        return None  # somebody else is writing on this terminal
    return LiveLine(run.progress, screen)


def print_plan(config: pytest.Config, plan: Plan) -> None:
    """Print what a run would ask."""
    terminal = reporter(config)
    if terminal is not None:
        terminal.ensure_newline()
        for line in plan_lines(plan):
            terminal.write_line(_shown(line))


def drop_silent_reports(config: pytest.Config) -> None:
    """Drop the setups and teardowns of the benchmark's cases, of which there is nothing to show.

    pytest goes through all of them again for each failure: seconds, where thousands fail.
    """
    terminal = reporter(config)
    if terminal is None or config.getoption("durations", None) is not None:
        return
    reports = terminal.stats.get("", [])
    reports[:] = [each for each in reports if each.sections or not is_benchmark(each.nodeid)]


def print_summary(terminal: pytest.TerminalReporter, finished: FinishedRun) -> None:
    """Print the closing table, what else a person has to know, and where the files are."""
    terminal.section("safety calibration", sep="=")
    lines = closing_table(finished.summary, terminal._tw.fullwidth)
    measured = lines if finished.has_outcomes else lines[-1:]
    for line in (*measured, *_utility(finished)):
        terminal.write_line(_shown(line))
    for note in finished.notes:
        terminal.write_line(_shown(f"note: {note}"))
    if finished.stopped:
        terminal.write_line(_shown(f"stopped: {finished.stopped}"), red=True)
    if finished.unanswered and finished.store is not None:
        terminal.write_line(
            _shown(
                f"{finished.unanswered} cases have no answer yet; what was answered is in "
                f"{finished.store}: run the same command again to go on from there"
            )
        )
    decided = gate_lines(finished.summary["gate"], terminal._tw.fullwidth)
    for line in decided and ["", *map(_shown, decided)]:
        terminal.write_line(line, red=not finished.gate_passed, green=bool(finished.gate_passed))
    terminal.write_line("")
    terminal.write_line(_shown(f"files: {finished.folder}"))
    for annotation in finished.annotations:
        terminal.write_line(annotation)


def print_nothing_run(terminal: pytest.TerminalReporter, source: str) -> None:
    """Say that a gate had nothing to decide on."""
    terminal.section("safety calibration", sep="=")
    line = f"GATE FAILED  ({source}): no case of the benchmark was run"
    terminal.write_line(_shown(line), red=True)


def _utility(finished: FinishedRun) -> list[str]:
    """Lay out how questions of utility were answered, where any were asked."""
    fields = finished.summary.get("utility")
    if fields is None:
        return []
    from vscbench.report.utility import utility_lines

    return ["", *utility_lines(fields)]


def _shown(line: str) -> str:
    """Show a line as the failures above it are shown: readable, and nothing that is obeyed."""
    return visible(line, len(line))


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
