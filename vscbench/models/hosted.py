"""A litellm model that lives in processes of its own, so that every core can send requests."""

from collections.abc import Mapping

from vscbench.models.frames import pack_request, unpack_error, unpack_response
from vscbench.models.protocol import ModelFacts, ParamValue, Price
from vscbench.models.sender_pool import SenderPool
from vscbench.records import Request, Response

IN_FLIGHT_A_SENDER = 16


class HostedModel:
    """Hands each request to a sender process; they are started when the first one is asked."""

    def __init__(self, number: int, facts: ModelFacts, pool: SenderPool) -> None:
        """Remember where to ask; no process is needed as long as nothing is asked.

        Args:
            number: the model's, in the pool.
            facts: what the model said of itself, now or in an earlier run.
            pool: the processes, which other models may share.
        """
        self._number = number
        self._facts = facts
        self._pool = pool

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
        """What a token costs, from litellm's table or the parameters."""
        return self._facts.price

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: no answer came back.
            DataError: the image cannot be sent.
            UsageError: the model cannot be opened after all.
        """
        answer = await self._pool.ask(self._number, pack_request(request))
        if "response" not in answer:
            raise unpack_error(answer)
        return unpack_response(answer["response"])

    async def close(self) -> None:
        """End the processes: models that share them are closed together, with their run."""
        await self._pool.close()


def sender_count(concurrency: int, workers: int, cores: int) -> int:
    """Return how many processes are worth their memory (200 MB for the first, less for others).

    One serves some two hundred requests a second. With pytest-xdist there are as many as it has
    workers, at most: who asks for two processes gets them, and no more.

    Args:
        concurrency: requests in flight.
        workers: pytest-xdist's, or 0.
        cores: that this process may use.
    """
    useful = -(-concurrency // IN_FLIGHT_A_SENDER)
    return max(1, min(useful, workers, cores))
