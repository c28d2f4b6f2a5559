"""A model behind a server that is started when the first answer is not in the store."""

import asyncio

from vscbench.models.hosted import HostedModel
from vscbench.models.known import KnownModel
from vscbench.models.protocol import ModelFacts
from vscbench.models.sender_pool import SenderPool
from vscbench.models.served.opening import ServedOpening
from vscbench.models.served.server import Server
from vscbench.records import Request, Response


class ServedModel(KnownModel):
    """Asks as any litellm model does, once its server is ready."""

    def __init__(
        self, opening: ServedOpening, facts: ModelFacts, server: Server, pool: SenderPool
    ) -> None:
        """Remember where to ask; nothing is started as long as nothing is asked.

        Args:
            opening: the model.
            facts: what it says of itself.
            server: its server, which other models may share.
            pool: the sender processes, which other models may share.
        """
        super().__init__(facts)
        self._opening = opening
        self._server = server
        self._pool = pool
        self._opening_at = asyncio.Lock()
        self._at: HostedModel | None = None

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: no answer came back.
            DataError: the image cannot be sent.
            VscbenchError: the server did not become ready, or ended: nobody gets an answer.
        """
        model = await self._ready()
        return await self._server.while_it_lives(model.respond(request))

    async def close(self) -> None:
        """End the server and the processes: who shares them is closed with the same run."""
        await self._server.close()
        await self._pool.close()

    async def _ready(self) -> HostedModel:
        """Return the model at its server, once that is ready."""
        if self._at is None:
            address = await self._server.address()
            async with self._opening_at:
                if self._at is None:
                    number = self._pool.add(self._opening.at(address))
                    self._at = HostedModel(number, self._facts, self._pool)
        return self._at
