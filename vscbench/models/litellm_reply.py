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
from vscbench.models.provider_blocks import holds_word
from vscbench.models.provider_errors import error_in, read_error
from vscbench.models.provider_words import ending_in, is_final, mapping, one_line, undone
from vscbench.records import Cause, Response

NO_WORDS: Sequence[str] = ()


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


def read_reply(reply: Completion, wire: Wire, block_words: Sequence[str] = NO_WORDS) -> Response:
    """Turn a completion of litellm's into a ``Response``.

    A choice without content is an empty text, not an error: the provider did answer. How it ended
    is read from the raw body, since litellm calls whatever it does not know "stop"; the text is
    read there too, unless it ended as it should.

    Args:
        reply: as litellm holds it.
        wire: what crossed the wire.
        block_words: what a project calls a block besides.

    Raises:
        TargetError: there is no choice, or it says that the model broke off.
    """
    body = wire.body
    is_error = wire.response is not None and not wire.is_answer
    if is_error or not reply.choices or error_in(body) is not None:
        return read_wire(wire, block_words)
    mapped, raw = _answer_of(reply), read_answer(body)
    if raw is None and "choices" in mapping(body):  # of which litellm makes an empty answer
        raise unreadable(wire)
    answer = _with_raw(mapped, raw, body)
    # litellm leaves the thoughts of an answer that Gemini blocked out of its count and its cost.
    cost = _cost(reply) if answer.tokens == mapped.tokens else None
    return _response(answer, wire, _served(reply, wire, body), cost, block_words)


def read_fault(
    fault: BaseException, wire: Wire, timeout_s: float, block_words: Sequence[str] = NO_WORDS
) -> Response:
    """Read what came where litellm raised: blocks and answers that it cannot read are responses.

    Args:
        fault: what litellm raised.
        wire: what crossed the wire.
        timeout_s: the deadline of the request.
        block_words: what a project calls a block besides.

    Raises:
        TargetError: no answer came, or it is an error; with cause and how long to wait.
    """
    if wire.response is None and wire.fault is None:
        wire = Wire(http_response(fault))
    if wire.redirect is not None:
        raise redirected(wire.redirect)
    if wire.content is None:
        raise no_answer(fault, wire, timeout_s)
    return read_wire(wire, block_words)


def read_wire(wire: Wire, block_words: Sequence[str] = NO_WORDS) -> Response:
    """Read a whole HTTP answer without litellm.

    Args:
        wire: what crossed the wire.
        block_words: what a project calls a block besides.

    Raises:
        TargetError: it is an error, or holds no answer.
    """
    body = wire.body
    status = int(wire.response.status_code) if wire.response is not None else None
    if not wire.is_answer or error_in(body) is not None:
        return blocked_or_raise(read_error(status, body, wire.text, block_words), wire)
    answer = read_answer(body)
    if answer is None:
        raise unreadable(wire)
    return _response(answer, wire, answer.model, None, block_words)


def _response(
    answer: RawAnswer,
    wire: Wire,
    model: str | None,
    cost: float | None,
    block_words: Sequence[str],
) -> Response:
    if answer.fault is not None:
        error = read_error(None, {"error": answer.fault}, "", block_words)
        return replace(blocked_or_raise(error, wire), text=answer.text, served_model=model)
    if answer.unfinished is not None and holds_word(answer.ending, block_words):
        answer = replace(answer, blocked=True)
    if answer.unfinished is not None:
        amount = f"{len(answer.text)} characters of text" if answer.text.strip() else "no text"
        message = f"the provider broke its answer off: {answer.unfinished}, with {amount}"
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
        # Of a known word nothing has to be taken out, which takes time.
        ending=(answer.ending if is_final(answer.ending) else one_line(answer.ending)) or None,
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


def _with_raw(mapped: RawAnswer, raw: RawAnswer | None, body: object) -> RawAnswer:
    """Prefer the provider's own body; of a form that is not read here, only its ending."""
    if raw is None:
        ending = ending_in(body) or mapped.ending
        return replace(mapped, ending=ending, undone=undone(mapping(body)))
    if raw.is_plain and mapped.text.strip() and not mapped.refusal:
        return replace(
            mapped, ending=raw.ending, final=raw.final, reasoning=raw.reasoning or mapped.reasoning
        )
    tokens = raw.tokens if raw.tokens != (None, None) else mapped.tokens
    return replace(raw, tokens=tokens, reasoning=raw.reasoning or mapped.reasoning)


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


def _served(reply: Completion, wire: Wire, body: object) -> str | None:
    """Return the model as the provider named it: litellm puts its own before it, or in its place.

    What the body does not name was made up; where there is no body, litellm's word is all there is.
    """
    return (reply.model or None) if wire.content is None else served_model(body)


def _tokens(reply: Completion) -> tuple[int | None, int | None]:
    usage = getattr(reply, "usage", None)
    mapped: Mapping[str, Any] = {
        name: getattr(usage, name, None)
        for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    }
    details = getattr(usage, "completion_tokens_details", None)
    reasoning = {"reasoning_tokens": getattr(details, "reasoning_tokens", None)}
    prompt, completion = openai_tokens({**mapped, "completion_tokens_details": reasoning})
    # litellm writes zeros where the provider said nothing.
    return (prompt, completion) if prompt or completion else (None, None)


def _cost(reply: Completion) -> float | None:
    hidden = getattr(reply, "_hidden_params", None) or {}
    cost = hidden.get("response_cost")
    return float(cost) if isinstance(cost, int | float) and cost > 0 else None
