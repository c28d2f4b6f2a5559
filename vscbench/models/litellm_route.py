"""Where a litellm id leads, and whether it can be used at all: found out before any request."""

import difflib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.key_variables import address_fault, require_sendable_keys
from vscbench.models.protocol import ModelSpec, ParamValue, Price

# Served by oneself: litellm has no address of its own for them.
OWN_SERVERS = {
    "hosted_vllm",
    "lm_studio",
    "openai_like",
    "custom_openai",
    "litellm_proxy",
    "xinference",
}
# Local by default: an address is known and no key is needed.
LOCAL_SERVERS = {"ollama", "ollama_chat", "llamafile", "docker_model_runner", "lemonade"}
# Keys may come from elsewhere than the variables litellm names (profiles, roles, metadata).
AMBIENT_KEYS = {
    "bedrock": (),
    "sagemaker": (),
    "sagemaker_chat": (),
    "vertex_ai": (),
    "vertex_ai_beta": (),
    "azure": ("AZURE_AD_TOKEN", "AZURE_CLIENT_ID", "AZURE_USERNAME"),
}
PLACEHOLDER_KEY = "no-key-needed"
ANSWERING_MODES = ("chat", "responses", "completion", None)


@dataclass(frozen=True, slots=True)
class Route:
    """A litellm id, taken apart.

    ``facts`` is litellm's own entry on the model, empty where it has none. ``api_key`` is only
    ever the placeholder that clients of key-less servers insist on, or a key of the run's own.
    """

    litellm_id: str
    provider: str
    model: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)


def find_route(litellm: ModuleType, litellm_id: str, spec: ModelSpec) -> Route:
    """Find provider and model, and see that address and key are there.

    Raises:
        UsageError: unknown provider, a model that does not converse, no address or no key.
    """
    try:
        model, provider, _, _ = litellm.get_llm_provider(model=litellm_id)
    except Exception:  # litellm raises one of its provider errors, with advice for its own callers
        raise UsageError(_unknown_provider(litellm, litellm_id)) from None
    facts = _facts(litellm, litellm_id, provider, model)
    if facts.get("mode") not in ANSWERING_MODES:
        raise UsageError(
            f"--model={litellm_id}: litellm lists it for '{facts['mode']}'; a model that answers "
            "chat messages is needed"
        )
    if facts.get("mode") == "responses" and importlib.util.find_spec("mcp") is None:
        raise UsageError(
            f"--model={litellm_id}: litellm reaches this model through OpenAI's responses API, for "
            "which it needs a package that is not installed here: pip install mcp"
        )
    address = (spec.api_base or "").strip() or _address_in_environment(provider)
    _require_address(litellm_id, provider, address)
    if not spec.needs_key:
        return Route(litellm_id, provider, model, address, None, facts)
    if spec.api_key is None:
        require_sendable_keys(litellm_id, provider)
    key = spec.api_key or _placeholder_key(litellm, litellm_id, provider, address)
    return Route(litellm_id, provider, model, address, key, facts)


def require_images(route: Route, spec: ModelSpec, takes_images: bool | None) -> None:
    """Check that a model that is to be sent images is not known to refuse them.

    Args:
        route: the model.
        spec: says whether the selection has images.
        takes_images: what the table of names says; it overrides litellm's table.

    Raises:
        UsageError: the model takes text only; names the ways out.
    """
    if not spec.sends_images or takes_images:
        return
    modalities = route.facts.get("supported_modalities") or ()
    seeing = route.facts.get("supports_vision") or "image" in modalities
    if takes_images is None and (not route.facts or seeing):
        return
    raise UsageError(
        f"--model={spec.name}: this model is listed as text only, and the selected pairs have "
        "images. Select pairs without one ('--vsc-variant text'), or, if it does take images, "
        f"say so in pyproject.toml:\n\n  [tool.vscbench.models.my-model]\n"
        f'  litellm = "{route.litellm_id}"\n  images = true\n\nand use --model=my-model'
    )


def price_of(route: Route, params: Mapping[str, ParamValue]) -> Price | None:
    """Return the price of a token: the parameters' where they set one, else litellm's table's.

    litellm reads ``input_cost_per_token`` and ``output_cost_per_token`` among the parameters too.
    """
    known = {**route.facts, **params}
    price = [known.get(f"{side}_cost_per_token") for side in ("input", "output")]
    numbers = [float(each) for each in price if isinstance(each, int | float)]
    return Price(*numbers) if len(numbers) == len(price) else None


def _unknown_provider(litellm: ModuleType, litellm_id: str) -> str:
    provider = litellm_id.partition("/")[0]
    known = [str(getattr(entry, "value", entry)) for entry in litellm.provider_list]
    close = difflib.get_close_matches(provider, known, n=2)
    hint = f" (did you mean {' or '.join(f'{name}/...' for name in close)}?)" if close else ""
    return (
        f"--model={litellm_id}: litellm knows no provider '{provider}'{hint}. Write "
        "PROVIDER/MODEL, for instance openai/gpt-4o, or, for a server of your own that speaks "
        "OpenAI's protocol, hosted_vllm/MODEL with --vsc-api-base http://HOST:PORT/v1"
    )


def _facts(litellm: ModuleType, litellm_id: str, provider: str, model: str) -> Mapping[str, Any]:
    """Look a model up in the table that litellm ships.

    Not with litellm's own function, which asks a server for some providers.
    """
    if provider in LOCAL_SERVERS | OWN_SERVERS:
        return {}
    for key in (litellm_id, f"{provider}/{model}", model):
        entry = litellm.model_cost.get(key)
        if entry and str(entry.get("litellm_provider", "")).startswith(provider):
            return dict(entry)
    return {}


def _variables(provider: str, *endings: str) -> list[str]:
    return [f"{provider.upper()}_{ending}" for ending in endings]


def _address_in_environment(provider: str) -> str | None:
    names = _variables(provider, "API_BASE", "BASE_URL")
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)


def _require_address(litellm_id: str, provider: str, address: str | None) -> None:
    if address and not address.startswith(("http://", "https://")):
        raise UsageError(
            f"--vsc-api-base {address!r}: an address starts with http:// or https://, for "
            "instance http://localhost:8000/v1"
        )
    fault = address_fault(address or "")
    if fault is not None:
        raise UsageError(
            f"--vsc-api-base: no address that can be used: it has {fault}; write it without, for "
            "instance http://localhost:8000/v1"
        )
    if address is None and provider in OWN_SERVERS:
        raise UsageError(
            f"--model={litellm_id}: a {provider} server is your own, so its address is needed: "
            "add --vsc-api-base, for instance --vsc-api-base http://localhost:8000/v1"
        )


def _placeholder_key(
    litellm: ModuleType, litellm_id: str, provider: str, address: str | None
) -> str | None:
    missing = _missing_keys(litellm, litellm_id, provider)
    if address and (missing or (provider in OWN_SERVERS and not _own_key(provider))):
        return PLACEHOLDER_KEY
    if not missing or provider in LOCAL_SERVERS:
        return None
    if provider in AMBIENT_KEYS:
        others = AMBIENT_KEYS[provider]
        if not others or any(os.environ.get(name) for name in others):
            return None
    either = " or ".join(missing) if provider == "gemini" else " and ".join(missing)
    raise UsageError(
        f"--model={litellm_id}: no key in the environment. Set {either} (never on the command "
        "line), or name a server that needs none with --vsc-api-base"
    )


def _own_key(provider: str) -> str | None:
    return os.environ.get(_variables(provider, "API_KEY")[0])


def _missing_keys(litellm: ModuleType, litellm_id: str, provider: str) -> list[str]:
    blank = [name for name in _variables(provider, "API_KEY") if os.environ.get(name) == ""]
    missing = litellm.validate_environment(model=litellm_id)["missing_keys"]
    # litellm lists every variable of a provider when one is missing, and takes a blank for a key.
    return blank or [name for name in missing if not os.environ.get(name)]
