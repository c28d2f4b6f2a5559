"""What lets pytest run many times within one process: libraries are imported once."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

InlineRun = Callable[..., pytest.HookRecorder]


class Libraries:
    """Remembers what runs imported, but for modules that stand in a test's own folder.

    pytester forgets every module that a run imported; numpy cannot be imported a second time, and
    the others take a second or more.
    """

    def __init__(self, tests_folder: Path) -> None:
        self._tests_folder = tests_folder.resolve()
        # What is there already stays by itself, and whole suites have thousands of modules.
        self._earlier = frozenset(sys.modules)
        self._modules: dict[str, ModuleType] = {}

    def pytest_unconfigure(self) -> None:
        imported = sys.modules.keys() - self._earlier - self._modules.keys()
        self._modules |= {
            name: sys.modules[name] for name in imported if self._stays(sys.modules[name])
        }

    def restore(self) -> None:
        for name, module in self._modules.items():
            sys.modules.setdefault(name, module)

    def keep_after(self, inline_run: InlineRun) -> InlineRun:
        """Wrap ``pytester.inline_run`` so that the next run finds what this one imported."""

        def run(
            *args: object, plugins: Sequence[object] = (), **named: object
        ) -> pytest.HookRecorder:
            try:
                return inline_run(*args, plugins=[*plugins, self], **named)
            finally:
                self.restore()

        return run

    def _stays(self, module: ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        places = [file] if file else [*getattr(module, "__path__", ())]
        if any(Path(each).resolve().is_relative_to(self._tests_folder) for each in places):
            return False
        name = getattr(module, "__name__", "").rpartition(".")[2]
        return not name.startswith(("conftest", "test_"))
