"""A model's response, read: its text is the final answer, and its reasoning is beside it."""

from collections.abc import Sequence
from dataclasses import replace

from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.reasoning.separation import separate_reasoning
from vscbench.reasoning.wrapping import unwrapped
from vscbench.records import Response


def set_apart(response: Response, forms: Sequence[ReasoningForm] = BUILT_IN_FORMS) -> Response:
    """Return a response whose text is the final answer alone.

    What a provider gave as reasoning, in a field of its own, comes before that in the text. A
    response without reasoning comes back as it is.
    """
    answer, found = separate_reasoning(response.text, forms, response.finish)
    beside = (response.reasoning or "").strip()
    if beside and found is None:
        answer = unwrapped(answer)
    if answer == response.text:
        return response
    apart = dict.fromkeys(filter(None, (beside, found)))
    return replace(response, text=answer, reasoning="\n\n".join(apart) or response.reasoning)
