"""A model whose responses a calibration method reads before anybody else does."""

from vscbench.methods.protocol import Method
from vscbench.models.known import KnownModel
from vscbench.models.protocol import Model, facts_of
from vscbench.records import Request, Response


class ThroughMethod(KnownModel):
    """Asks a model, and sets apart in its response what the method asked for beside the answer."""

    def __init__(self, model: Model, method: Method) -> None:
        """Ask ``model``; requests were prepared by ``method`` when the run planned them."""
        super().__init__(facts_of(model))
        self._model = model
        self._method = method

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            VscbenchError: as the model raises it.
        """
        return self._method.read(await self._model.respond(request))

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()
