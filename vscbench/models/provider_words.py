"""The words in which providers say how an answer ended and what their filters found."""

from collections.abc import Iterator, Mapping
from typing import Any

from vscbench.models.secrets import without_secrets

LONGEST_LINE = 300

# In lower case, of all providers together: no word is a block with one and harmless with another.
# OpenAI https://platform.openai.com/docs/api-reference/chat/object, Gemini and Vertex
# https://ai.google.dev/api/generate-content#FinishReason, Anthropic
# https://docs.claude.com/en/api/handling-stop-reasons, Bedrock
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, Zhipu, Cohere
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
        "guardrail_intervened",
        "sensitive",
        "error_toxic",
    }
)
# Gemini stopped for a reason other than safety, which litellm calls content_filter all the same:
# https://github.com/BerriAI/litellm/blob/main/litellm/litellm_core_utils/core_helpers.py
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
        "unexpected_tool_call",
        "too_many_tool_calls",
        "missing_thought_signature",
    }
)
CUTS = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded"})
# What a proxy writes where the model behind it broke off; litellm calls these "stop".
BREAKS = frozenset({"error", "network_error"})
ORDINARY = frozenset({"", "stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete"})

# How a filter marks a category that it acted on, the surest first.
MARKS = ("action", "filtered", "blocked", "violated", "flagged", "detected")
NAMES = ("name", "category", "type")
LEVELS = ("severity", "confidence", "probability")


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
