"""The pytest plugin: hooks that delegate, and nothing else until a run is asked for."""

from collections.abc import Generator
from pathlib import Path

import pytest

from vscbench.plugin.options import add_model_option, add_options
from vscbench.plugin.syrupy_options import SyrupyOptions

OURS = ("--vsc-", "--model")
MODEL_IS_OURS = pytest.StashKey[bool]()
SYRUPY_OPTIONS = "vscbench-syrupy-options"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the ``--vsc-*`` options, and let syrupy's give way to those of other plugins."""
    add_options(parser)
    pluginmanager.register(SyrupyOptions(parser), SYRUPY_OPTIONS)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Undo what pytest guessed before it knew our options, and add ``--model`` last.

    Last, so that another plugin or a conftest with that option keeps it.
    """
    is_ours = any(argument.startswith(OURS) for argument in args)
    if is_ours:
        from vscbench.plugin.rootdir import settle_root
        from vscbench.plugin.screen import keep_screen

        settle_root(early_config, args)
        keep_screen(early_config)
    manager = early_config.pluginmanager
    syrupy: SyrupyOptions = manager.getplugin(SYRUPY_OPTIONS)
    try:
        yield
    finally:
        syrupy.settle(manager)
    if is_ours:
        syrupy.require_owner(args)
    early_config.stash[MODEL_IS_OURS] = add_model_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Set up a run where the command line asks for one."""
    config.addinivalue_line("markers", "utility: questions with known answers (--vsc-utility)")
    # Imported here: a session without the benchmark pays for the options alone.
    from vscbench.plugin import settings

    if settings.is_asked_for(config):
        from vscbench.plugin.session import register

        register(config)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Keep pytest-xdist out of a dry run: nothing is run that workers could share."""
    if config.getoption("vsc_dry_run", None):
        config.option.numprocesses, config.option.dist, config.option.tx = None, "no", []


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say in a line each where ``--model`` and ``--snapshot-update`` belong to somebody else."""
    syrupy: SyrupyOptions = config.pluginmanager.getplugin(SYRUPY_OPTIONS)
    lines = []
    if not config.stash.get(MODEL_IS_OURS, True):
        lines.append("--model belongs to another plugin or conftest here; use --vsc-model=NAME")
    if syrupy.gave_way and config.pluginmanager.hasplugin("vscbench-fixtures"):
        lines.append("--snapshot-update belongs to another plugin here; use --vsc-snapshot-update")
    return [f"vscbench: {each}" for each in lines]


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Give the benchmark's own file the same node id wherever it is installed."""
    from vscbench.plugin import cases

    return cases.make_module(module_path, parent)
