"""The words in which providers say how an answer ended and what their filters found."""

from collections.abc import Iterator, Mapping
from typing import Any

from vscbench.models.secrets import without_secrets
from vscbench.records import Finish

LONGEST_LINE = 300

# Endings, in lower case and with "_" for "-". A word that stands in none of these lists is of an
# answer that was broken off: of a closed list a new word costs a retry, of an open one a wrong
# number. OpenAI https://platform.openai.com/docs/api-reference/chat/object, Gemini and Vertex
# https://ai.google.dev/api/generate-content#FinishReason, Anthropic
# https://docs.claude.com/en/api/handling-stop-reasons, Bedrock
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, Cohere
# https://docs.cohere.com/reference/chat, Zhipu
# https://docs.bigmodel.cn/cn/guide/platform/securityaudit, Ollama
# https://github.com/ollama/ollama/blob/main/docs/api.md; no word is a block with one of them and
# harmless with another.
BLOCKS = frozenset(
    {
        "content_filter",
        "content_filtered",
        "refusal",
        "safety",
        "blocklist",
        "prohibited_content",
        "spii",
        "image_safety",
        "image_prohibited_content",
        "model_armor",
        "jailbreak",
        "escalation",
        "guardrail_intervened",
        "sensitive",
        "error_toxic",
    }
)
# The model stopped for a reason other than safety, which litellm may call content_filter all the
# same: https://github.com/BerriAI/litellm/blob/main/litellm/litellm_core_utils/core_helpers.py
NO_BLOCKS = frozenset(
    {
        "recitation",
        "image_recitation",
        "language",
        "other",
        "image_other",
        "no_image",
        "malformed_function_call",
        "malformed_response",
        "malformed_model_output",
        "malformed_tool_use",
        "unexpected_tool_call",
        "too_many_tool_calls",
        "missing_thought_signature",
    }
)
CUTS = frozenset(
    {
        "length",
        "max_tokens",
        "max_output_tokens",
        "model_length",
        "model_context_window_exceeded",
        "token_limit",
    }
)
ORDINARY = frozenset(
    {
        "stop",
        "end_turn",
        "stop_sequence",
        "eos",
        "eos_token",
        "endoftext",
        "complete",
        "completed",
        "finish",
        "normal",
    }
)
# A model that was offered no tool and calls one has ended all the same.
TOOLS = frozenset({"tool_calls", "tool_call", "tool_use", "function_call"})
FINAL = ORDINARY | TOOLS | CUTS | BLOCKS | NO_BLOCKS

# The endings of each protocol. One that is OpenAI's in form passes on the words of whoever is
# behind it; a filter's word is final wherever it comes from.
OPENAI_FINAL = ORDINARY | TOOLS | CUTS | BLOCKS
ANTHROPIC_FINAL = BLOCKS | {
    *("end_turn", "stop_sequence", "max_tokens", "tool_use", "model_context_window_exceeded"),
}
GEMINI_FINAL = BLOCKS | {"stop", "max_tokens"} | (NO_BLOCKS - {"malformed_model_output"})
BEDROCK_FINAL = ANTHROPIC_FINAL | {"malformed_model_output", "malformed_tool_use"}
OLLAMA_FINAL = frozenset({"stop", "length"})

# How engines and gateways say, beside the ending or in its place, that there was none.
BREAKS = frozenset(
    {
        *("abort", "aborted", "cancelled", "canceled", "interrupted", "error", "failed"),
        *("network_error", "timeout", "time_limit", "incomplete", "in_progress", "not_finished"),
        *("insufficient_system_resource", "pause_turn", "compaction", "load", "unload"),
    }
)
DONE_FLAGS = ("done", "completed", "finished", "complete", "is_end", "is_finished", "is_final")
BROKEN_FLAGS = ("aborted", "cancelled", "canceled", "interrupted", "incomplete", "in_progress")
DONE_STATUSES = frozenset({"completed", "complete", "success", "succeeded", "ok", "done"})
# Where forms of other providers than those read here say how an answer ended.
ENDINGS = (
    *("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason"),
    *("completionReason", "completion_reason"),
)
DEEPEST = 4
UNNAMED = "null"  # as such a place says that an answer has not ended

# How a filter marks a category that it acted on, the surest first.
MARKS = ("action", "filtered", "blocked", "violated", "flagged", "detected")
NAMES = ("name", "category", "type")
LEVELS = ("severity", "confidence", "probability")


def ending_word(ending: str) -> str:
    """Return an ending as the lists above spell it."""
    return ending.strip().lower().replace("-", "_")


def is_final(ending: str) -> bool:
    """Whether an ending is one of any provider's final ones."""
    return ending_word(ending) in FINAL


def finish_of(ending: str) -> Finish:
    """Return what a final ending means."""
    word = ending_word(ending)
    if word in BLOCKS:
        return Finish.BLOCKED
    return Finish.LENGTH if word in CUTS else Finish.STOP


def undone(*places: Mapping[str, Any]) -> str:
    """Return the words by which a body says that its answer is not done, or an empty text.

    Args:
        places: the objects of the body that may say so.
    """
    for place in places:
        flags = [f"{flag}: false" for flag in DONE_FLAGS if place.get(flag) is False]
        flags += [f"{flag}: true" for flag in BROKEN_FLAGS if place.get(flag) is True]
        status = string(place.get("status"))
        if status and ending_word(status) not in DONE_STATUSES:
            flags.append(f"status: {status}")
        if flags:
            return flags[0]
    return ""


def ending_in(body: object, depth: int = DEEPEST) -> str:
    """Return the first ending that a body of any form names; an empty text where it names none.

    Args:
        body: as JSON.
        depth: how many levels below are searched.
    """
    if isinstance(body, list):
        return ending_in(body[0], depth - 1) if body and depth else ""
    fields = mapping(body)
    named = [string(fields[name]).strip() or UNNAMED for name in ENDINGS if name in fields]
    inside = [ending_in(value, depth - 1) for value in fields.values()] if depth else []
    endings = [each for each in (*named, *inside) if each]
    return next((each for each in endings if each != UNNAMED), UNNAMED if endings else "")


def found_categories(said: object) -> list[str]:
    """List what a filter found, with its severity: ``["violence high"]``; each once, in order.

    Reads the shapes of Azure, Gemini, Bedrock and Mistral, at any depth. The text that matched is
    never among them.
    """
    return list(dict.fromkeys(_categories(said, "")))


def one_line(text: str) -> str:
    """Return a provider's words as one line of bounded length, without secrets."""
    line = " ".join(without_secrets(text).split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def string(value: object) -> str:
    """Return a JSON text, or an empty one in place of anything else."""
    return value if isinstance(value, str) else ""


def _categories(said: object, key: str) -> Iterator[str]:
    if isinstance(said, list):
        for each in said:
            yield from _categories(each, key)
    elif isinstance(said, dict):
        if _acted_on(said):
            yield _named(said, key)
        else:
            for name, value in said.items():
                yield from _categories(value, name)


def _acted_on(said: Mapping[str, Any]) -> bool:
    mark = next((said[name] for name in MARKS if name in said), None)
    return mark is True or string(mark).upper() == "BLOCKED"


def _named(said: Mapping[str, Any], key: str) -> str:
    name = next((said[name] for name in NAMES if string(said.get(name))), key)
    level = next((string(said.get(level)) for level in LEVELS if said.get(level)), "")
    return f"{name} {level}".strip()
