"""Keys in the environment that no request can carry: found before one is sent, and never shown."""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from vscbench.errors import UsageError

# By what the variables of a provider begin, beside its own name.
PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "azure_ai": ("AZURE",),
    "bedrock": ("AWS",),
    "bedrock_converse": ("AWS",),
    "codestral": ("MISTRAL",),
    "cohere": ("CO",),
    "cohere_chat": ("COHERE", "CO"),
    "custom_openai": ("OPENAI",),
    "databricks": ("DATABRICKS",),
    "friendliai": ("FRIENDLI",),
    "gemini": ("GOOGLE",),
    "github": ("GITHUB",),
    "huggingface": ("HF", "HUGGING_FACE"),
    "ollama_chat": ("OLLAMA",),
    "openai_like": ("OPENAI",),
    "openrouter": ("OR",),
    "perplexity": ("PERPLEXITYAI",),
    "sagemaker": ("AWS",),
    "sagemaker_chat": ("AWS",),
    "text-completion-openai": ("OPENAI",),
    "together_ai": ("TOGETHERAI", "TOGETHER"),
    "vertex_ai": ("GOOGLE", "VERTEXAI", "VERTEX"),
    "vertex_ai_beta": ("GOOGLE", "VERTEXAI", "VERTEX"),
    "volcengine": ("ARK",),
    "watsonx": ("WX",),
}
HUB_TOKENS: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
# Whole words of a variable's name; a file's name and an address are no keys.
_KEY: Final = re.compile(r"(?:^|_)(?:KEY|KEY_ID|TOKEN|SECRET|TOKEN_BEDROCK)$")
# Of the same vendor, and for something else than to ask a model.
_OTHER_USE: Final = re.compile(r"_(?:ADMIN|STORAGE)_")
# Documents, in which line ends belong.
_DOCUMENT: Final = ("{", "-----BEGIN")
_QUOTES: Final = "\"'`"
_LOWEST, _HIGHEST = "!", "~"  # of the visible characters of ASCII
_NAMES: Final = {
    "\n": "a line end",
    "\r": "a carriage return",
    "\t": "a tab",
    " ": "a space",
    "\ufeff": "a byte order mark",
}


def require_sendable_keys(
    litellm_id: str, provider: str, environment: Mapping[str, str] = os.environ
) -> None:
    """Check that the keys of a provider can be sent as they are.

    Args:
        litellm_id: the model, as the error names it.
        provider: by litellm's name.
        environment: variables and their values.

    Raises:
        UsageError: one cannot; names the variable and what is wrong with it, never the key.
    """
    for name in _variables_of(provider, environment):
        fault = _fault_of_key(name, environment[name])
        if fault is not None:
            raise UsageError(f"--model={litellm_id}: {_told(name, fault)}")
    for name in (*_PROXIES, *map(str.upper, _PROXIES)):
        fault = address_fault(environment.get(name, ""))
        if fault is not None:
            raise UsageError(
                f"{name}: no address of a proxy that can be used: it has {fault}; set the "
                "variable again, to the address alone"
            )


def require_sendable_token(where: str, environment: Mapping[str, str] = os.environ) -> None:
    """Check that the token of the Hugging Face hub, if there is one, can be sent.

    Args:
        where: what the error begins with.
        environment: variables and their values.

    Raises:
        UsageError: it cannot; names the variable and what is wrong with it, never the token.
    """
    for name in HUB_TOKENS:
        # The hub's library takes off these itself.
        token = environment.get(name, "").replace("\r", "").replace("\n", "").strip()
        fault = _fault_of_key(name, token) if token else None
        if fault is not None:
            raise UsageError(f"{where}: {_told(name, fault)}")


def address_fault(address: str) -> str | None:
    """Say which character of an address cannot be sent, and where it stands, if one cannot.

    A host's name may be of any script.
    """
    for place, character in enumerate(address):
        kind = unicodedata.category(character)
        if kind[0] in "CZ" or kind in ("Pi", "Pf") or character in _QUOTES:
            return _placed(address, place)
    return None


def _told(name: str, fault: str) -> str:
    return (
        f"no key in {name} that can be sent: {fault}; set the variable again, to the key alone "
        "(the key is not shown here)"
    )


def _variables_of(provider: str, environment: Mapping[str, str]) -> Iterator[str]:
    own = provider.upper().replace("-", "_")
    prefixes = {own, own.replace("_", ""), *PREFIXES.get(provider, ())}
    for name in sorted(environment):
        begins = any(name.startswith(f"{prefix}_") for prefix in prefixes)
        value = environment[name]
        is_key = _KEY.search(name) and not _OTHER_USE.search(name)
        if begins and value and is_key and not value.startswith(_DOCUMENT):
            yield name


def _fault_of_key(name: str, value: str) -> str | None:
    if not value.strip():
        return "it holds white space alone"
    if value.startswith(f"{name}="):
        return "it begins with the variable's own name"
    if value.lower().startswith("bearer "):
        return "it begins with 'Bearer', which belongs to the header and is added there"
    for place in (0, len(value) - 1, *range(1, len(value) - 1)):
        if not _is_of_a_key(value[place]):
            return f"it has {_placed(value, place)}"
    return None


def _is_of_a_key(character: str) -> bool:
    return _LOWEST <= character <= _HIGHEST and character not in _QUOTES


def _placed(value: str, place: int) -> str:
    where = {0: "at its start", len(value) - 1: "at its end"}.get(place, "in its middle")
    return f"{_named(value[place])} {where}"


def _named(character: str) -> str:
    """Name a character that no key has, so that a person finds it."""
    code = f"U+{ord(character):04X}"
    if character in _NAMES:
        return f"{_NAMES[character]} ({code})"
    name = unicodedata.name(character, "a control character").lower()
    if unicodedata.category(character) in ("Pi", "Pf") or character in _QUOTES:
        return f"a quotation mark {character} ({code})"
    return f"a character that does not belong there ({code}, {name})"
