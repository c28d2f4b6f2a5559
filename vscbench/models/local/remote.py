"""A local model as the run sees it: one process holds its weights and answers for all workers."""

from collections.abc import Callable

from vscbench.errors import TargetError, VscbenchError
from vscbench.models.known import KnownModel
from vscbench.models.protocol import ModelFacts
from vscbench.models.sender_pool import SenderPool
from vscbench.records import Cause, Request, Response


class RemoteLocalModel(KnownModel):
    """Hands each request to the local engine, which is started when the first one is asked."""

    def __init__(
        self,
        number: int,
        facts: ModelFacts,
        pool: SenderPool,
        remember: Callable[[ModelFacts], None],
    ) -> None:
        """Remember where to ask; no process is needed as long as nothing is asked.

        Args:
            number: the model's, in the pool.
            facts: what the model said of itself, now or in an earlier run.
            pool: the engine.
            remember: keeps what the model says of itself now, if that is something else.
        """
        super().__init__(facts)
        self._number = number
        self._pool = pool
        self._remember = remember

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: this request has no answer.
            DataError: its image cannot be read.
            VscbenchError: the engine ended, or the model cannot be loaded after all; every
                other request will meet the same.
        """
        self._require_same(await self._pool.facts(self._number))
        try:
            return await self._pool.respond(self._number, request)
        except TargetError as error:
            raise self._gone(error) from None

    async def close(self) -> None:
        """End the engine: models that share it are closed together, with their run."""
        await self._pool.close()

    def _require_same(self, found: ModelFacts) -> None:
        if found.identity != self._facts.identity:
            self._remember(found)
            raise VscbenchError(
                f"{self.name}: its files, or what loads them, have changed since the answers in "
                "the store were given; run the same command again to ask the model as it is now"
            )

    def _gone(self, error: TargetError) -> VscbenchError:
        if error.cause is not Cause.CONNECTION:
            return error
        return VscbenchError(
            f"{error}. What was answered is in the store: run the same "
            "command again, and only the rest is asked (if memory ran out: a smaller "
            "--vsc-param batch_tokens=N)"
        )
