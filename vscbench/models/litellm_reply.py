"""From litellm's answer to ours."""

from collections.abc import Sequence
from typing import Protocol

from vscbench.errors import TargetError
from vscbench.records import Finish, Response

# litellm writes the first for all providers; the others pass through some of its versions.
BLOCKS = ("content_filter", "refusal", "safety", "guardrail_intervened")
# What a proxy writes where the model behind it broke off; litellm calls these "stop".
BREAKS = ("error", "network_error")


class Message(Protocol):
    """What the model said, as litellm holds it."""

    content: object


class Choice(Protocol):
    """One answer and why it ended."""

    finish_reason: str | None
    message: Message


class Completion(Protocol):
    """An answer of litellm's, as far as it is read here."""

    choices: Sequence[Choice]
    model: str | None


def read_reply(reply: Completion, image_change: str | None) -> Response:
    """Turn a completion of litellm's into a ``Response``.

    A choice without content is an empty text, not an error: the provider did answer.

    Raises:
        TargetError: there is no choice, or it says that the model broke off before any text.
    """
    if not reply.choices:
        raise TargetError("the provider's answer held no choice")
    choice = reply.choices[0]
    text = _text(choice.message.content)
    refusal = _refusal(choice.message)
    broken = _native_finish_reason(choice)
    if broken.lower() in BREAKS and not (text.strip() or refusal):
        raise TargetError(f"the provider's answer held no text and ended with '{broken}'")
    finish_reason = choice.finish_reason
    finish = _finish(finish_reason, refusal)
    prompt_tokens, completion_tokens = _usage(reply)
    return Response(
        text=text,
        finish=finish,
        reason=(refusal or finish_reason) if finish is Finish.BLOCKED else None,
        served_model=reply.model or None,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=_cost(reply),
        image_change=image_change,
    )


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def _refusal(message: Message) -> str | None:
    """Return OpenAI's refusal field, which litellm keeps among the provider's own fields."""
    fields = getattr(message, "provider_specific_fields", None) or {}
    refusal = getattr(message, "refusal", None) or fields.get("refusal")
    return refusal if isinstance(refusal, str) and refusal.strip() else None


def _native_finish_reason(choice: Choice) -> str:
    """Return the provider's own word, which litellm keeps where it replaces it."""
    fields = getattr(choice, "provider_specific_fields", None) or {}
    return str(fields.get("native_finish_reason") or choice.finish_reason)


def _finish(finish_reason: str | None, refusal: str | None) -> Finish:
    if refusal or str(finish_reason).lower() in BLOCKS:
        return Finish.BLOCKED
    return Finish.LENGTH if finish_reason == "length" else Finish.STOP


def _usage(reply: Completion) -> tuple[int | None, int | None]:
    usage = getattr(reply, "usage", None)
    prompt, completion = (
        getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    # litellm writes zeros where the provider said nothing.
    return (prompt, completion) if prompt or completion else (None, None)


def _cost(reply: Completion) -> float | None:
    hidden = getattr(reply, "_hidden_params", None) or {}
    cost = hidden.get("response_cost")
    return float(cost) if isinstance(cost, int | float) and cost > 0 else None
