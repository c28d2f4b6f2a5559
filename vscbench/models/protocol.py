"""What every system under test looks like to the rest of the project."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vscbench.records import Request, Response

# Of one request, where nobody says another.
DEFAULT_DEADLINE_S = 120.0
ParamValue = str | int | float | bool | None | list[object] | dict[str, object]


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in US dollars."""

    input_per_token: float
    output_per_token: float


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How a person named the system under test, and how it is to be called.

    ``params`` are the ``--vsc-param`` pairs, already parsed (numbers, booleans and JSON where
    they read as such). ``sends_images``, ``sends_system`` and ``sends_demonstrations`` say what
    will be sent: a model that is known not to take it is refused before the first request.
    ``timeout_s`` is
    the deadline of one request in seconds, where a person set one. ``needs_key`` is false where
    nothing will be sent. ``answer_schema`` is a JSON Schema for the answers, for models that can
    be held to one. ``api_key`` is the key of a server that the run started itself; any other is
    in the environment. ``block_words`` are the words by which the project knows a block in a
    provider's error.
    """

    name: str
    api_base: str | None = None
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    sends_images: bool = True
    sends_system: bool = False
    sends_demonstrations: bool = False
    timeout_s: float | None = None
    needs_key: bool = True
    answer_schema: Mapping[str, object] | None = None
    api_key: str | None = field(default=None, repr=False)
    block_words: tuple[str, ...] = ()

    @property
    def deadline_s(self) -> float:
        """The deadline of one request in seconds, for a model that should have one."""
        return DEFAULT_DEADLINE_S if self.timeout_s is None else self.timeout_s


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What an opened model says of itself; see ``Model`` for each field."""

    name: str
    params: Mapping[str, ParamValue]
    default_concurrency: int
    identity: Mapping[str, object] | None
    price: Price | None


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

    @property
    def identity(self) -> Mapping[str, object] | None:
        """Everything of the model that can change a response; ``None``: nothing is to be stored."""

    @property
    def price(self) -> Price | None:
        """What a token costs, or ``None`` where nobody knows."""

    async def respond(self, request: Request) -> Response:
        """Ask once and return what came back.

        Raises:
            TargetError: nothing came back that could be judged.
        """

    async def close(self) -> None:
        """Release what was opened."""


def facts_of(model: Model) -> ModelFacts:
    """Collect what a model says of itself."""
    return ModelFacts(
        model.name, model.params, model.default_concurrency, model.identity, model.price
    )
