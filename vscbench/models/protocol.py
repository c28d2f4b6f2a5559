"""What every system under test looks like to the rest of the project."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vscbench.records import Request, Response

ParamValue = str | int | float | bool | None | list[object] | dict[str, object]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How a person named the system under test, and how it is to be called.

    ``params`` are the ``--vsc-param`` pairs, already parsed (numbers, booleans and JSON where
    they read as such). ``sends_images`` and ``sends_system`` say what the selection will send:
    a model that is known not to take it is refused before the first request. ``timeout_s`` is
    the deadline of one request in seconds.
    """

    name: str
    api_base: str | None = None
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    sends_images: bool = True
    sends_system: bool = False
    timeout_s: float = 120.0


class Model(Protocol):
    """A system under test, opened once a run and asked from one event loop."""

    @property
    def name(self) -> str:
        """The name that every output carries; says what the system is."""

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """The effective parameters, without secrets, as printed and recorded."""

    @property
    def default_concurrency(self) -> int:
        """How many requests are kept in flight unless the person says otherwise."""

    async def respond(self, request: Request) -> Response:
        """Ask once and return what came back.

        Raises:
            TargetError: nothing came back that could be judged.
        """

    async def close(self) -> None:
        """Release what was opened."""
