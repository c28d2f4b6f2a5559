"""From litellm's answer to ours, with the provider's own words where litellm has lost them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from vscbench.errors import TargetError
from vscbench.models.litellm_faults import (
    blocked_or_raise,
    http_response,
    no_answer,
    redirected,
    unreadable,
)
from vscbench.models.litellm_raw import Wire
from vscbench.models.provider_answers import (
    REASONING_FIELDS,
    RawAnswer,
    openai_tokens,
    read_answer,
    reasoning_beside,
    served_model,
    visible,
)
from vscbench.models.provider_errors import error_in, read_error
from vscbench.models.provider_words import BLOCKS, CUTS, ORDINARY
from vscbench.records import Cause, Response

PLAIN = ORDINARY | CUTS
# Anthropic's and Bedrock's word for a full context, which litellm turns into "stop".
HIDDEN_CUT = b"model_context_window_exceeded"


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


def read_reply(reply: Completion, wire: Wire) -> Response:
    """Turn a completion of litellm's into a ``Response``.

    A choice without content is an empty text, not an error: the provider did answer. The raw body
    is read only where litellm may have lost something: anything but a text that ended as it should.

    Raises:
        TargetError: there is no choice, or it says that the model broke off before any text.
    """
    is_error = wire.response is not None and not wire.is_answer
    if is_error or not reply.choices:
        return read_wire(wire)
    told = answer = _answer_of(reply)
    content = wire.content
    if not _is_plain(told, content):
        body = wire.body
        if error_in(body) is not None:
            return read_wire(wire)
        answer = _with_raw(told, read_answer(body), reply.choices[0].finish_reason)
    # litellm leaves the thoughts of an answer that Gemini blocked out of its count and its cost.
    cost = _cost(reply) if answer.tokens == told.tokens else None
    return _response(answer, wire, _served(reply, wire, content), cost)


def read_fault(fault: BaseException, wire: Wire, timeout_s: float) -> Response:
    """Read what came where litellm raised: blocks and answers that it cannot read are responses.

    Raises:
        TargetError: no answer came, or it is an error; with cause and how long to wait.
    """
    if wire.response is None and wire.fault is None:
        wire = Wire(http_response(fault))
    if wire.redirect is not None:
        raise redirected(wire.redirect)
    if wire.content is None:
        raise no_answer(fault, wire, timeout_s)
    return read_wire(wire)


def read_wire(wire: Wire) -> Response:
    """Read a whole HTTP answer without litellm.

    Raises:
        TargetError: it is an error, or holds no answer.
    """
    body = wire.body
    status = int(wire.response.status_code) if wire.response is not None else None
    if not wire.is_answer or error_in(body) is not None:
        return blocked_or_raise(read_error(status, body, wire.text), wire)
    answer = read_answer(body)
    if answer is None:
        raise unreadable(wire)
    return _response(answer, wire, answer.model, None)


def _response(answer: RawAnswer, wire: Wire, model: str | None, cost: float | None) -> Response:
    if answer.fault is not None:
        error = read_error(None, {"error": answer.fault}, "")
        return replace(blocked_or_raise(error, wire), text=answer.text, served_model=model)
    if answer.is_broken:
        message = f"the provider's answer held no text and ended with '{answer.ending}'"
        raise TargetError(message, Cause.SERVER_ERROR)
    prompt_tokens, completion_tokens = answer.tokens
    return Response(
        text=answer.text,
        finish=answer.finish,
        reason=answer.reason,
        served_model=model,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=cost,
        fingerprint=answer.fingerprint,
        reasoning=answer.reasoning,
    )


def _answer_of(reply: Completion) -> RawAnswer:
    choice = reply.choices[0]
    fields = getattr(choice, "provider_specific_fields", None) or {}
    message = choice.message
    return RawAnswer(
        text=visible(message.content),
        # litellm keeps the provider's own word where it replaces it.
        ending=str(fields.get("native_finish_reason") or choice.finish_reason or ""),
        refusal=_refusal(message),
        calls_tool=bool(getattr(message, "tool_calls", None)),
        fingerprint=getattr(reply, "system_fingerprint", None) or None,
        tokens=_tokens(reply),
        reasoning=_reasoning(message),
    )


def _is_plain(answer: RawAnswer, content: bytes | None) -> bool:
    ordinary = answer.ending.lower() in PLAIN and not answer.refusal
    return ordinary and bool(answer.text.strip()) and HIDDEN_CUT not in (content or b"")


def _with_raw(answer: RawAnswer, raw: RawAnswer | None, mapped: str | None) -> RawAnswer:
    """Prefer the provider's own body; a word nobody knows is what litellm takes it for."""
    chosen = answer if raw is None else raw
    tokens = chosen.tokens if chosen.tokens != (None, None) else answer.tokens
    blocked = chosen.blocked or (not chosen.is_known and str(mapped) in BLOCKS)
    reasoning = chosen.reasoning or answer.reasoning
    return replace(chosen, tokens=tokens, blocked=blocked, reasoning=reasoning)


def _reasoning(message: Message) -> str | None:
    """Return the reasoning that litellm keeps beside the content."""
    fields = getattr(message, "provider_specific_fields", None) or {}
    named = {name: getattr(message, name, None) or fields.get(name) for name in REASONING_FIELDS}
    return reasoning_beside({**named, "content": message.content})


def _refusal(message: Message) -> str:
    """Return OpenAI's refusal field, which litellm keeps among the provider's own fields."""
    fields = getattr(message, "provider_specific_fields", None) or {}
    refusal = getattr(message, "refusal", None) or fields.get("refusal")
    return refusal.strip() if isinstance(refusal, str) else ""


def _served(reply: Completion, wire: Wire, content: bytes | None) -> str | None:
    """Return the model as the provider named it: litellm puts its own before it, or in its place.

    A name that stands in the body was not made up: mostly no second look is needed.
    """
    named = reply.model or None
    if content is None or (named and f'"{named}"'.encode() in content):
        return named
    return served_model(wire.body)


def _tokens(reply: Completion) -> tuple[int | None, int | None]:
    usage = getattr(reply, "usage", None)
    told: Mapping[str, Any] = {
        name: getattr(usage, name, None)
        for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    }
    details = getattr(usage, "completion_tokens_details", None)
    reasoning = {"reasoning_tokens": getattr(details, "reasoning_tokens", None)}
    prompt, completion = openai_tokens({**told, "completion_tokens_details": reasoning})
    # litellm writes zeros where the provider said nothing.
    return (prompt, completion) if prompt or completion else (None, None)


def _cost(reply: Completion) -> float | None:
    hidden = getattr(reply, "_hidden_params", None) or {}
    cost = hidden.get("response_cost")
    return float(cost) if isinstance(cost, int | float) and cost > 0 else None
