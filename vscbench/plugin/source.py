"""Where the choices of a run are written: on a command line, above ``[tool.vscbench]``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from vscbench.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Source:
    """Where values come from; each is text, with the name by which a person knows it.

    ``given`` is what the command line says of an option, or ``None``; ``table`` is
    ``[tool.vscbench]``. Relative paths start from ``here``, the folder of the command, or from
    ``root``, that of the table. ``prefix`` stands before an option's name on the command line.
    """

    given: Callable[[str], object]
    table: Mapping[str, object]
    here: Path
    root: Path
    prefix: str = "--vsc-"

    def text(self, name: str) -> str | None:
        """Return a value as text, a list joined by commas; ``None`` where nobody says it."""
        given = self.given(name)
        if given is not None:
            return str(given)
        value = self.table.get(name)
        if isinstance(value, list):
            return ",".join(map(str, value))
        return None if value is None else str(value)

    def known_as(self, name: str) -> str:
        """Return the name by which a person knows where a value was written."""
        if self.given(name) is not None:
            return f"{self.prefix}{name}"
        return f"[tool.vscbench] {name}"

    def path(self, name: str) -> Path | None:
        """Return a path, from the folder where it was written."""
        text = self.text(name)
        return None if text is None else self.base(name) / text

    def base(self, name: str) -> Path:
        """Return the folder a relative path starts from: where it was written."""
        return self.root if self.given(name) is None else self.here

    def number(self, name: str, kind: Callable[[str], Number], low: Number) -> Number | None:
        """Return a finite number from ``low`` on.

        Raises:
            UsageError: it is none.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            value = kind(text)
        except ValueError:
            raise UsageError(f"{self.known_as(name)}: {text!r} is not a number") from None
        if not value >= low or value == float("inf"):
            raise UsageError(f"{self.known_as(name)}: {text} is out of range; at least {low}")
        return value

    def flag(self, name: str) -> bool:
        """Return what is true or false, and false where nobody says it.

        Raises:
            UsageError: it is neither.
        """
        text = self.text(name)
        if text not in {None, "True", "False"}:
            raise UsageError(f"{self.known_as(name)}: {text!r} is neither true nor false")
        return text == "True"

    def choice(self, name: str, kind: type[Choice], default: Choice) -> Choice:
        """Return one of a few words.

        Raises:
            UsageError: it is none of them.
        """
        text = self.text(name)
        return default if text is None else self._one(name, kind, text)

    def optional_choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """Return one of a few words, or ``None`` where nobody says it.

        Raises:
            UsageError: it is none of them.
        """
        text = self.text(name)
        return None if text is None else self._one(name, kind, text)

    def choices(self, name: str, kind: type[Choice]) -> tuple[Choice, ...]:
        """Return several of a few words.

        Raises:
            UsageError: one is none of them.
        """
        return tuple(self._one(name, kind, text) for text in self.words(name))

    def words(self, name: str) -> tuple[str, ...]:
        """Return what stands between commas."""
        words = (self.text(name) or "").split(",")
        return tuple(word.strip() for word in words if word.strip())

    def several(self, name: str) -> tuple[str, ...]:
        """Return each value of an option of the command line that may be given several times."""
        given = self.given(name)
        return tuple(map(str, given)) if isinstance(given, list | tuple) else ()

    def _one(self, name: str, kind: type[Choice], text: str) -> Choice:
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(kind)
            raise UsageError(f"{self.known_as(name)}: {text!r} is none of {known}") from None
