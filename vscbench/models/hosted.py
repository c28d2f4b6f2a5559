"""A litellm model that lives in processes of its own, so that every core can send requests."""

from vscbench.models.known import KnownModel
from vscbench.models.protocol import ModelFacts
from vscbench.models.sender_pool import SenderPool
from vscbench.records import Request, Response

IN_FLIGHT_A_SENDER = 16


class HostedModel(KnownModel):
    """Hands each request to a sender process; they are started when the first one is asked."""

    def __init__(self, number: int, facts: ModelFacts, pool: SenderPool) -> None:
        """Remember where to ask; no process is needed as long as nothing is asked.

        Args:
            number: the model's, in the pool.
            facts: what the model said of itself, now or in an earlier run.
            pool: the processes, which other models may share.
        """
        super().__init__(facts)
        self._number = number
        self._pool = pool

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: no answer came back.
            DataError: the image cannot be sent.
            UsageError: the model cannot be opened after all.
        """
        return await self._pool.respond(self._number, request)

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
