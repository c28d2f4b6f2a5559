"""Whether answers in the store are of the version that answers today, before they are used."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class VersionCheck:
    """Compares the versions of stored answers with the first one that comes in.

    A provider's alias (``gpt-4o``) is moved from one version to another now and then. Stored
    answers wait until the first new answer of the run names its version: if no stored answer has
    that version, all of them are of an older one.
    """

    stored: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    _answered: bool = False

    def found(self, versions: Iterable[str | None]) -> None:
        """Note the versions of answers that were in the store."""
        self.stored.update(version for version in versions if version)

    def answered(self, version: str | None) -> None:
        """Note the version of an answer that has just come in."""
        self._answered = True
        if version:
            self.served.add(version)

    @property
    def is_known(self) -> bool:
        """Whether an answer has come in to compare with."""
        return self._answered

    @property
    def has_moved(self) -> bool:
        """Whether what answers today is none of the versions in the store."""
        return bool(self.stored and self.served and not self.stored & self.served)

    def message(self, model: str, stored: int) -> str:
        """Say what happened and what is done about it.

        Args:
            model: the name that a person gave.
            stored: how many stored answers are not used.
        """
        return (
            f"{model} now answers as {_names(self.served)}; the store holds {stored} answers of "
            f"{_names(self.stored)}. They stay there, and are not mixed in: these cases are asked "
            "again (--vsc-offline uses what is stored)"
        )


def _names(versions: Iterable[str]) -> str:
    return ", ".join(sorted(versions))
