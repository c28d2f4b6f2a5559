"""What is known of a model that lives in another process, where a run asks for it."""

from collections.abc import Mapping

from vscbench.models.protocol import ModelFacts, ParamValue, Price


class KnownModel:
    """Says of a model what it said of itself, now or in an earlier run; asking is left open."""

    def __init__(self, facts: ModelFacts) -> None:
        """Keep what it said."""
        self._facts = facts

    @property
    def name(self) -> str:
        """The name the person gave."""
        return self._facts.name

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """The parameters of every request."""
        return self._facts.params

    @property
    def default_concurrency(self) -> int:
        """How many requests are kept in flight unless the person says otherwise."""
        return self._facts.default_concurrency

    @property
    def identity(self) -> Mapping[str, object] | None:
        """Everything of the model that can change a response."""
        return self._facts.identity

    @property
    def price(self) -> Price | None:
        """What a token costs, or ``None`` where nobody knows."""
        return self._facts.price
