"""No method at all: every request goes out as it is, and every response is its own answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vscbench.methods.protocol import ParamValue
from vscbench.records import NO_METHOD, Pair, Request, Response


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What all methods are compared with; see `vscbench.methods.protocol.Method`."""

    name: str = NO_METHOD
    key: str = NO_METHOD
    revises_activations: bool = False

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """There are none."""
        return {}

    def require_apart(self, pairs: Sequence[Pair]) -> None:
        """Made from nothing, it shares nothing."""

    def require_model(self, name: str, identity: Mapping[str, object] | None) -> None:
        """It fits every model."""

    def prepare(self, request: Request) -> Request:
        """Change nothing."""
        return request

    def read(self, response: Response) -> Response:
        """Change nothing."""
        return response
