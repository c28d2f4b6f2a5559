"""A model whose responses a calibration method reads before anybody else does."""

from collections.abc import Sequence
from dataclasses import replace

from vscbench.methods.protocol import Method
from vscbench.models.known import KnownModel
from vscbench.models.protocol import Model, facts_of
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.reasoning.responses import set_apart
from vscbench.records import Request, Response


class ThroughMethod(KnownModel):
    """Asks a model, and sets apart in its response what the method asked for beside the answer.

    The method reads what the model wrote behind its own reasoning.
    """

    def __init__(
        self, model: Model, method: Method, forms: Sequence[ReasoningForm] = BUILT_IN_FORMS
    ) -> None:
        """Ask ``model``; requests were prepared by ``method`` when the run planned them."""
        super().__init__(facts_of(model))
        self._model = model
        self._method = method
        self._forms = forms

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            VscbenchError: as the model raises it.
        """
        raw = await self._model.respond(request)
        answered = set_apart(raw, self._forms)
        found = self._method.read(answered)
        if found == answered:
            return raw  # its reasoning is set apart when it is read, as that of every answer
        if answered.reasoning is None or found.reasoning in {None, answered.reasoning}:
            return replace(found, reasoning=found.reasoning or answered.reasoning)
        return replace(found, reasoning=f"{answered.reasoning}\n\n{found.reasoning}".strip())

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()
