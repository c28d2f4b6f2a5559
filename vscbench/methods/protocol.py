"""What every calibration method looks like to the rest of the project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vscbench.records import Pair, Request, Response

ParamValue = str | int | float | bool | None | list[object] | dict[str, object]


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """How a person named a method.

    ``name`` is that of a method; ``source`` a file or folder that it reads, where one was named
    behind a colon (``safety-prompt:reminder.txt``). ``params`` are the ``--vsc-method-param``
    pairs, already parsed. Relative paths start from ``base``.
    """

    name: str
    source: str | None = None
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    base: Path = Path()


class Method(Protocol):
    """A test-time calibration method, opened once a run.

    Others can bring theirs: an entry point of the group ``vscbench.methods`` names a callable
    that is given a ``MethodSpec`` and returns one, or raises a ``UsageError``.
    """

    @property
    def name(self) -> str:
        """The name that every output carries."""

    @property
    def key(self) -> str:
        """Stands in the store's key for everything of the method that can change a response."""

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """What is recorded of it beside its name."""

    @property
    def revises_activations(self) -> bool:
        """Whether it needs a model whose weights are loaded here."""

    def require_apart(self, pairs: Sequence[Pair]) -> None:
        """Check that nothing the method was made from is among the pairs that are asked.

        Raises:
            UsageError: something is; names both.
        """

    def require_model(self, name: str, identity: Mapping[str, object] | None) -> None:
        """Check that it fits the model that will be asked, by what the model says of itself.

        Raises:
            UsageError: it was made for another.
        """

    def prepare(self, request: Request) -> Request:
        """Return what is asked in place of a request; the run adds the method's key to it."""

    def read(self, response: Response) -> Response:
        """Return a response with the final answer as its text, and the reasoning apart.

        A response without a final answer has no text, and everything it said as ``reasoning``.
        """
