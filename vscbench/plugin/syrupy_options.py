"""Syrupy's own plugin, installed with us: where another plugin has its options, it gives way.

Two plugins with an option ``--snapshot-update`` end pytest before it starts. So syrupy's flags are
taken out of pytest's parser until every plugin and conftest is loaded, and come back unless
somebody else has one of them by then. This needs attributes that pytest and argparse do not
promise; where they are gone, nothing is done.
"""

import contextlib
import importlib.util
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest

SYRUPY: Final = "syrupy"
UPDATE: Final = "--snapshot-update"
NOT_INSTALLED: Final = (
    "snapshots need syrupy, which is not installed: pip install 'vscbench[snapshots]'"
)
# Another plugin that has one of them was there first.
_KNOWN: Final = frozenset(
    f"--snapshot-{name}"
    for name in (
        "declaration-order",
        "default-extension",
        "details",
        "diff-mode",
        "dirname",
        "disable-unused",
        "no-cleanup",
        "no-colors",
        "update",
        "update-new-only",
        "warn-unused",
    )
)


class SyrupyOptions:
    """Watches which plugins are loaded, and who has an option of syrupy's in the end."""

    def __init__(self, parser: pytest.Parser) -> None:
        """Keep pytest's parser of the command line."""
        self._parser: Any = parser
        self._group: Any = None
        self._options: list[Any] = []
        self.gave_way = False

    def pytest_plugin_registered(
        self, plugin_name: str, manager: pytest.PytestPluginManager
    ) -> None:
        """Hide syrupy's options, or keep syrupy from an option that is taken."""
        with contextlib.suppress(AttributeError):
            if plugin_name == SYRUPY:
                self._hide()
            elif not manager.has_plugin(SYRUPY) and _KNOWN & self._strings.keys():
                self._give_way(manager)

    def require_owner(self, args: Sequence[str]) -> None:
        """Check that somebody has the option that asks to write snapshots, where it is given.

        Raises:
            pytest.UsageError: nobody has, as syrupy is not installed.
        """
        with contextlib.suppress(AttributeError):
            missing = UPDATE in args and UPDATE not in self._strings
            if missing and importlib.util.find_spec(SYRUPY) is None:
                raise pytest.UsageError(f"{UPDATE}: {NOT_INSTALLED}")

    def settle(self, manager: pytest.PytestPluginManager) -> None:
        """Bring the options back, or take syrupy's plugin out where somebody else has one."""
        with contextlib.suppress(AttributeError):
            if self._group is None or not manager.has_plugin(SYRUPY):
                return
            if self._is_taken():
                manager.unregister(name=SYRUPY)
                self._give_way(manager)
                self._forget()
            else:
                self._strings.update(_by_string(self._options))
                self._group.options[:0] = self._options

    @property
    def _strings(self) -> dict[str, Any]:
        strings: dict[str, Any] = self._parser.optparser._option_string_actions
        return strings

    def _give_way(self, manager: pytest.PytestPluginManager) -> None:
        self.gave_way = True
        manager.set_blocked(SYRUPY)

    def _hide(self) -> None:
        self._group = next((each for each in self._parser._groups if each.name == SYRUPY), None)
        if self._group is None:
            return
        self._options = list(self._group.options)
        self._group.options.clear()
        # Those with a value stay: pytest would take the value of an unknown one for a path.
        for name, action in _by_string(self._options).items():
            if action.nargs == 0:
                del self._strings[name]

    def _is_taken(self) -> bool:
        mine = _by_string(self._options)
        others = [each for group in self._parser._groups for each in group.options]
        # pytest takes no option whose own name leads to the place of another's value.
        own_names = {each.dest for each in others if _leads_to(each) == each.dest}
        return bool(own_names & {each.dest for each in self._options}) or any(
            self._strings.get(name) not in {None, action} for name, action in mine.items()
        )

    def _forget(self) -> None:
        """Leave syrupy's options out of the help as well."""
        mine = _by_string(self._options)
        for name, action in mine.items():
            if self._strings.get(name) is action:
                del self._strings[name]
        parser = self._parser.optparser
        parser._actions[:] = [each for each in parser._actions if each not in mine.values()]
        parser._action_groups.remove(self._group._arggroup)
        self._parser._groups.remove(self._group)


def _leads_to(option: Any) -> str:  # noqa: ANN401 - pytest's, of a class that it does not name
    name: str = next((each for each in option.names() if each.startswith("--")), "")
    return name.removeprefix("--").replace("-", "_")


def _by_string(options: Iterable[Any]) -> dict[str, Any]:
    return {name: each._action for each in options for name in each.names()}
