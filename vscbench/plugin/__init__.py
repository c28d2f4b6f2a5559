"""The pytest plugin: hooks that delegate, and nothing else until a run is asked for."""

from collections.abc import Generator
from pathlib import Path

import pytest

from vscbench.plugin.options import add_model_option, add_options

OURS = ("--vsc-", "--model")
MODEL_IS_OURS = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ``--vsc-*`` options."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Undo what pytest guessed before it knew our options, and add ``--model`` last.

    Last, so that another plugin or a conftest with that option keeps it.
    """
    if any(argument.startswith(OURS) for argument in args):
        from vscbench.plugin.rootdir import settle_root
        from vscbench.plugin.screen import keep_screen

        settle_root(early_config, args)
        keep_screen(early_config)
    yield
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


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say in one line where ``--model`` belongs to somebody else."""
    if config.stash.get(MODEL_IS_OURS, True):
        return None
    return "vscbench: --model belongs to another plugin or conftest here; use --vsc-model=NAME"


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Give the benchmark's own file the same node id wherever it is installed."""
    from vscbench.plugin import cases

    return cases.make_module(module_path, parent)
