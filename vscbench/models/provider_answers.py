"""Answers as four providers write them: what litellm maps away, read from the raw body."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vscbench.models.provider_words import (
    BLOCKS,
    BREAKS,
    CUTS,
    NO_BLOCKS,
    ORDINARY,
    found_categories,
    mapping,
    one_line,
    string,
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
    ``ending`` is the provider's word for how it ended; ``detail`` is what it said besides.
    ``refusal`` is OpenAI's field. ``blocked`` is set where the place of the word, not the word,
    says that it was a block. ``fault`` is an error that stands where the answer should. ``tokens``
    are those of the prompt and, with reasoning, those of the completion.
    """

    text: str
    ending: str = ""
    detail: str = ""
    refusal: str = ""
    blocked: bool = False
    calls_tool: bool = False
    fault: Said | None = None
    model: str | None = None
    fingerprint: str | None = None
    tokens: Tokens = (None, None)
    reasoning: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether the ending is a word that we know."""
        return self.ending.lower() in BLOCKS | NO_BLOCKS | CUTS | BREAKS | ORDINARY

    @property
    def is_broken(self) -> bool:
        """Whether the model broke off before any visible text."""
        nothing = not (self.text.strip() or self.refusal)
        return self.fault is not None or (nothing and self.ending.lower() in BREAKS)

    @property
    def finish(self) -> Finish:
        """How the answer ended, in our words."""
        if self.blocked or self.refusal or self.ending.lower() in BLOCKS:
            return Finish.BLOCKED
        return Finish.LENGTH if self.ending.lower() in CUTS else Finish.STOP

    @property
    def reason(self) -> str | None:
        """Why there is a block, or no text; ``None`` where there is nothing to explain."""
        if self.refusal:
            return one_line(self.refusal)
        if self.finish is not Finish.BLOCKED and (
            self.text.strip() or self.finish is Finish.LENGTH
        ):
            return None
        ending = "" if self.ending.lower() in ORDINARY else self.ending
        said = ": ".join(filter(None, (ending, self.detail)))
        return one_line(said or ("tool_calls" if self.calls_tool else "")) or None


def read_answer(body: object) -> RawAnswer | None:
    """Read an answer in the form of OpenAI, Gemini, Anthropic or Bedrock's Converse.

    Returns ``None`` where it is in none of these forms, or holds no answer at all.
    """
    said = mapping(body)
    if "choices" in said:
        return _openai(said)
    if "candidates" in said or "promptFeedback" in said:
        return _gemini(said)
    if "stop_reason" in said:
        return _anthropic(said)
    if "stopReason" in said:
        return _bedrock(said)
    return None


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
    if not choice:
        return None
    message = mapping(choice.get("message"))
    finish = string(choice.get("finish_reason"))
    native = string(choice.get("native_finish_reason"))  # OpenRouter's
    fault = choice.get("error")
    return RawAnswer(
        text=visible(message.get("content")),
        ending=native if native and finish.lower() in BLOCKS else finish,
        detail=", ".join(found_categories(choice.get("content_filter_results"))),
        refusal=string(message.get("refusal")).strip(),
        calls_tool=bool(message.get("tool_calls") or message.get("function_call")),
        fault=mapping(fault) if fault else None,
        model=served_model(said),
        fingerprint=string(said.get("system_fingerprint")) or None,
        tokens=openai_tokens(mapping(said.get("usage"))),
        reasoning=reasoning_beside(message),
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
