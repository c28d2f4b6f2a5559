"""Answers as providers write them: what litellm maps away, read from the raw body."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vscbench.models.provider_words import (
    ANTHROPIC_FINAL,
    BEDROCK_FINAL,
    BLOCKS,
    BREAKS,
    FINAL,
    GEMINI_FINAL,
    OLLAMA_FINAL,
    OPENAI_FINAL,
    ORDINARY,
    ending_word,
    finish_of,
    found_categories,
    mapping,
    one_line,
    string,
    undone,
)
from vscbench.records import Finish

# The fields in which servers of OpenAI's protocol put reasoning: DeepSeek's and vLLM's, vLLM's of
# today and OpenRouter's, Ollama's.
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
# The parts of a content that hold reasoning, by their type.
REASONING_PARTS = frozenset(("thinking", "reasoning"))

Tokens = tuple[int | None, int | None]
Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What a provider's own body says of one answer.

    ``text`` is the text of the answer; ``reasoning`` what the provider gave as such beside it.
    ``ending`` is the provider's word for how it ended, and ``final`` are the words with which its
    protocol ends an answer; ``detail`` is what it said besides, and ``undone`` what else says that
    the answer is not done. ``refusal`` is OpenAI's field. ``blocked`` is set where the place of
    the word, not the word, says that it was a block. ``fault`` is an error that stands where the
    answer should. ``tokens`` are those of the prompt and, with reasoning, those of the completion.
    """

    text: str
    ending: str = ""
    detail: str = ""
    final: frozenset[str] = FINAL
    undone: str = ""
    refusal: str = ""
    blocked: bool = False
    calls_tool: bool = False
    fault: Said | None = None
    model: str | None = None
    fingerprint: str | None = None
    tokens: Tokens = (None, None)
    reasoning: str | None = None

    @property
    def unfinished(self) -> str | None:
        """How the body says that the answer was broken off; ``None`` where it was not."""
        if self.blocked:
            return None
        if self.undone:
            return f"it says '{one_line(self.undone)}'"
        if ending_word(self.ending) in self.final:
            return None
        if not self.ending.strip():
            return "it names no reason for its end"
        return f"it ended with '{one_line(self.ending)}'"

    @property
    def is_plain(self) -> bool:
        """Whether the body says no more than that a text ended, or was cut by length."""
        stopped = ending_word(self.ending) in ORDINARY and self.finish is Finish.STOP
        return (stopped or self.finish is Finish.LENGTH) and not (self.unfinished or self.fault)

    @property
    def finish(self) -> Finish:
        """How the answer ended, in our words."""
        return Finish.BLOCKED if self.blocked or self.refusal else finish_of(self.ending)

    @property
    def reason(self) -> str | None:
        """Why there is a block, or no text; ``None`` where there is nothing to explain."""
        if self.refusal:
            return one_line(self.refusal)
        if self.finish is not Finish.BLOCKED and (
            self.text.strip() or self.finish is Finish.LENGTH
        ):
            return None
        ending = "" if ending_word(self.ending) in ORDINARY else self.ending
        said = ": ".join(filter(None, (ending, self.detail)))
        return one_line(said or ("tool_calls" if self.calls_tool else "")) or None


def read_answer(body: object) -> RawAnswer | None:
    """Read an answer in the form of OpenAI (chat or responses), Gemini, Anthropic, Bedrock, Ollama.

    Returns ``None`` where it is in none of these forms, or holds no answer at all.
    """
    said = mapping(body)
    names = said.keys()
    has_parts = isinstance(said.get("content"), list)
    has_items = isinstance(said.get("output"), list)
    forms: tuple[tuple[bool, Callable[[Said], RawAnswer | None]], ...] = (
        ("choices" in names, _openai),
        (bool({"candidates", "promptFeedback"} & names), _gemini),
        (has_items and said.get("object") == "response", _responses),
        (has_parts and bool({"stop_reason", "type"} & names), _anthropic),
        ("stopReason" in names or "message" in mapping(said.get("output")), _bedrock),
        (bool({"done", "done_reason"} & names), _ollama),
    )
    read = next((read for applies, read in forms if applies), None)
    return read(said) if read is not None else None


def visible(content: object) -> str:
    """Return the text of OpenAI's ``content``, a text or a list of parts, without reasoning."""
    if not isinstance(content, list):
        return string(content)
    parts = (mapping(part) for part in content)
    return "".join(
        string(part.get("text")) for part in parts if part.get("type") not in REASONING_PARTS
    )


def reasoning_beside(message: Said) -> str | None:
    """Return what a message of OpenAI's form gives as reasoning; ``None`` where it gives none.

    Servers write the same under several names at once: the first that holds something counts.
    """
    content = message.get("content")
    parts = [mapping(part) for part in content] if isinstance(content, list) else []
    found = (
        *(_words(message.get(field)) for field in REASONING_FIELDS),
        _joined(
            part.get(str(part.get("type"))) or part.get("text")
            for part in parts
            if part.get("type") in REASONING_PARTS
        ),
    )
    return next((each for each in found if each.strip()), None)


def _joined(pieces: Iterable[object]) -> str:
    return "\n\n".join(filter(None, (_words(piece) for piece in pieces)))


def _words(value: object) -> str:
    """Return a text, or those of a list of parts."""
    if isinstance(value, list):
        return "".join(string(mapping(part).get("text")) for part in value)
    return string(value)


def served_model(body: object) -> str | None:
    """Return the model that answered, as the body names it."""
    said = mapping(body)
    return string(said.get("model")) or string(said.get("modelVersion")) or None


def _first(values: object) -> Said:
    return mapping(values[0]) if isinstance(values, list) and values else {}


def _openai(said: Said) -> RawAnswer | None:
    choice = _first(said.get("choices"))
    if not (isinstance(choice.get("message"), dict) or {"text", "error"} & choice.keys()):
        return None
    message = mapping(choice.get("message"))
    text = visible(message.get("content"))
    finish = string(choice.get("finish_reason"))
    native = string(choice.get("native_finish_reason"))  # OpenRouter's
    # It names the reason of a block, and is the better witness that an answer was broken off.
    is_native = native and (ending_word(finish) in BLOCKS or ending_word(native) not in FINAL)
    fault = choice.get("error")
    mark = _filter_mark(said, choice, text)
    found = found_categories(choice.get("content_filter_results"))
    return RawAnswer(
        text=text,
        ending=native if is_native else finish,
        detail=", ".join(filter(None, (*found, mark))),
        final=FINAL if is_native else OPENAI_FINAL,
        undone=undone(said, choice, message) or _stopped_by(choice),
        refusal=string(message.get("refusal")).strip(),
        blocked=bool(mark),
        calls_tool=bool(message.get("tool_calls") or message.get("function_call")),
        fault=(mapping(fault) or {"message": str(fault)}) if fault else None,
        model=served_model(said),
        fingerprint=string(said.get("system_fingerprint")) or None,
        tokens=openai_tokens(mapping(said.get("usage"))),
        reasoning=reasoning_beside(message),
    )


def _stopped_by(choice: Said) -> str:
    """Return vLLM's word for what stopped it, where that was no stop string."""
    stopped = string(choice.get("stop_reason"))
    return f"stop_reason: {stopped}" if ending_word(stopped) in BREAKS else ""


def _filter_mark(body: Said, choice: Said, text: str) -> str:
    """Return the mark that a filter left beside an answer that ends as any other, or "".

    MiniMax (https://platform.minimax.io/docs/api-reference/text-post) answers a prompt that it
    only found sensitive; Baidu (https://cloud.baidu.com/doc/qianfan-api) asks for the history to
    be cleared; Bedrock marks the bodies that are in a model's own form.
    """
    marks = {
        "output_sensitive": body.get("output_sensitive") is True,
        "input_sensitive": body.get("input_sensitive") is True and not text.strip(),
        "need_clear_history": any(
            place.get("need_clear_history") is True for place in (body, choice)
        ),
        "flag": "ban_round" in choice and bool(choice.get("flag")),
        "guardrail_intervened": body.get("amazon-bedrock-guardrailAction") == "INTERVENED",
    }
    return next((mark for mark, is_set in marks.items() if is_set), "")


def _responses(body: Said) -> RawAnswer:
    """Read OpenAI's responses API, which has a status, and a reason where it is incomplete."""
    items = [mapping(item) for item in _parts(body.get("output"))]
    messages = [item for item in items if item.get("type") == "message"]
    parts = [mapping(part) for item in messages for part in _parts(item.get("content"))]
    status = string(body.get("status"))
    reason = string(mapping(body.get("incomplete_details")).get("reason"))
    usage = mapping(body.get("usage"))
    fault = body.get("error")
    return RawAnswer(
        text="".join(string(part.get("text")) for part in parts),
        ending=reason if ending_word(status) == "incomplete" and reason else status,
        final=OPENAI_FINAL,
        undone=undone(*messages),
        refusal=" ".join(filter(None, (string(part.get("refusal")).strip() for part in parts))),
        calls_tool=any(string(item.get("type")).endswith("_call") for item in items),
        fault=mapping(fault) if fault else None,
        model=served_model(body),
        tokens=(_count(usage, "input_tokens"), _count(usage, "output_tokens")),
        reasoning=_joined(
            item.get("content") or item.get("summary")
            for item in items
            if item.get("type") == "reasoning"
        )
        or None,
    )


def _ollama(body: Said) -> RawAnswer:
    """Read /api/chat or /api/generate; older servers say "done" and not why."""
    message = mapping(body.get("message"))
    is_done = body.get("done") is True
    return RawAnswer(
        text=visible(message.get("content") if message else body.get("response")),
        ending=string(body.get("done_reason")) or ("stop" if is_done else ""),
        final=OLLAMA_FINAL,
        undone="" if is_done else f"done: {str(body.get('done')).lower()}",
        calls_tool=bool(message.get("tool_calls")),
        model=served_model(body),
        tokens=(_count(body, "prompt_eval_count"), _count(body, "eval_count")),
        reasoning=reasoning_beside(message or body),
    )


def _gemini(said: Said) -> RawAnswer | None:
    usage = mapping(said.get("usageMetadata"))
    model, tokens = served_model(said), gemini_tokens(usage)
    feedback = mapping(said.get("promptFeedback"))
    if feedback.get("blockReason"):
        details = [string(feedback.get("blockReasonMessage")), *found_categories(feedback)]
        ending = f"blockReason {feedback['blockReason']}"
        detail = ", ".join(filter(None, details))
        return RawAnswer("", ending, detail, blocked=True, model=model, tokens=tokens)
    candidate = _first(said.get("candidates"))
    if not candidate:
        return None
    parts = [mapping(part) for part in _parts(mapping(candidate.get("content")).get("parts"))]
    details = [string(candidate.get("finishMessage")), *found_categories(candidate)]
    return RawAnswer(
        text="".join(string(part.get("text")) for part in parts if not part.get("thought")),
        ending=string(candidate.get("finishReason")),
        final=GEMINI_FINAL,
        undone=undone(said, candidate),
        detail=", ".join(filter(None, details)),
        calls_tool=any("functionCall" in part for part in parts),
        model=model,
        tokens=tokens,
        reasoning=_joined(part.get("text") for part in parts if part.get("thought")) or None,
    )


def _anthropic(said: Said) -> RawAnswer:
    parts = [mapping(part) for part in _parts(said.get("content"))]
    details = mapping(said.get("stop_details"))
    category, explanation = (string(details.get(name)) for name in ("category", "explanation"))
    return RawAnswer(
        text="".join(string(part.get("text")) for part in parts if part.get("type") == "text"),
        ending=string(said.get("stop_reason")),
        final=ANTHROPIC_FINAL,
        undone=undone(said),
        detail=": ".join(filter(None, (category, explanation))),
        calls_tool=any(part.get("type") == "tool_use" for part in parts),
        model=served_model(said),
        tokens=anthropic_tokens(mapping(said.get("usage"))),
        reasoning=_joined(part.get("thinking") for part in parts) or None,
    )


def _bedrock(said: Said) -> RawAnswer:
    message = mapping(mapping(said.get("output")).get("message"))
    parts = [mapping(part) for part in _parts(message.get("content"))]
    usage = mapping(said.get("usage"))
    return RawAnswer(
        text="".join(string(part.get("text")) for part in parts),
        ending=string(said.get("stopReason")),
        final=BEDROCK_FINAL,
        undone=undone(said),
        detail=", ".join(found_categories(mapping(said.get("trace")).get("guardrail"))),
        calls_tool=any("toolUse" in part for part in parts),
        tokens=(_count(usage, "inputTokens"), _count(usage, "outputTokens")),
        reasoning=_joined(
            mapping(mapping(part.get("reasoningContent")).get("reasoningText")).get("text")
            for part in parts
        )
        or None,
    )


def _parts(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _count(usage: Said, *names: str) -> int | None:
    """Add up the counts that are there; ``None`` where none is."""
    found = [usage[name] for name in names if isinstance(usage.get(name), int)]
    return sum(found) if found else None


def openai_tokens(usage: Said) -> Tokens:
    """Read OpenAI's usage, whose completion holds the reasoning already.

    xAI counts reasoning beside the completion; the total gives it away:
    https://docs.x.ai/docs/guides/reasoning
    """
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    reasoning = _count(mapping(usage.get("completion_tokens_details")), "reasoning_tokens") or 0
    together = (prompt or 0) + (completion or 0) + reasoning
    if completion is not None and reasoning and _count(usage, "total_tokens") == together:
        completion += reasoning
    return prompt, completion


def gemini_tokens(usage: Said) -> Tokens:
    """Read Gemini's usage, whose candidates do not hold the thoughts.

    Where they do, the total gives it away.
    """
    prompt = _count(usage, "promptTokenCount", "toolUsePromptTokenCount")
    candidates = _count(usage, "candidatesTokenCount")
    total = _count(usage, "totalTokenCount")
    if candidates is not None and total == (prompt or 0) + candidates:
        return prompt, candidates
    return prompt, _count(usage, "candidatesTokenCount", "thoughtsTokenCount")


def anthropic_tokens(usage: Said) -> Tokens:
    """Read Anthropic's usage, whose input leaves out what went through its cache."""
    cache = ("cache_creation_input_tokens", "cache_read_input_tokens")
    return _count(usage, "input_tokens", *cache), _count(usage, "output_tokens")
