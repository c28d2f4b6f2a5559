"""A model that several runs share: closing one run does not end it for the next."""

from vscbench.models.known import KnownModel
from vscbench.models.protocol import Model, facts_of
from vscbench.records import Request, Response


class KeptOpen(KnownModel):
    """Asks a model that lives in a process of its own, which whoever started it ends."""

    def __init__(self, model: Model) -> None:
        """Ask ``model``."""
        super().__init__(facts_of(model))
        self._model = model

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            VscbenchError: as the model raises it.
        """
        return await self._model.respond(request)

    async def close(self) -> None:
        """Leave it open."""
