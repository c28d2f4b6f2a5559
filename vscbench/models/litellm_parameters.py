"""Which parameters go with every request: the defaults that the model takes, and what was asked."""

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.litellm_route import Route
from vscbench.models.protocol import ParamValue
from vscbench.models.secrets import secret_names

DEFAULT_TEMPERATURE = 0.0
DEFAULT_MAX_TOKENS = 4096
LIMITS = ("max_tokens", "max_completion_tokens")
# Headers go to every provider, although litellm's translation of some does not know them.
NOT_TRANSLATED = {"model", "custom_llm_provider", "extra_headers"}

# What is ours to say, and how a person says it instead.
RESERVED = {
    "model": "use --model",
    "messages": "the pairs are the messages",
    "api_base": "use --vsc-api-base",
    "base_url": "use --vsc-api-base",
    "timeout": "use --vsc-timeout",
    "request_timeout": "use --vsc-timeout",
    "stream": "answers are judged whole",
    "n": "one answer a request",
    "num_retries": "litellm's own retries stay off",
    "max_retries": "litellm's own retries stay off",
    "fallbacks": "another model's answer is not this model's",
    "mock_response": "a mock says nothing of the model",
    "drop_params": "parameters are sent as they are printed",
    "caching": "litellm's own cache stays off",
    "cache": "litellm's own cache stays off",
}


def choose_parameters(
    litellm: ModuleType,
    route: Route,
    asked: Mapping[str, ParamValue],
    answer_schema: Mapping[str, object] | None = None,
) -> dict[str, ParamValue]:
    """Return the parameters of every request to this model, by the names the model wants.

    Temperature 0 and a limit of 4096 tokens (less where the model's own limit is lower), each left
    out where the model does not take it; ``asked`` overrides, and ``None`` takes a default away.
    ``answer_schema`` goes along where litellm's table says that the model can be held to one.

    Raises:
        UsageError: a parameter is ours to set, looks like a secret, or is not taken by the model.
    """
    _refuse_reserved(asked)
    _refuse_secrets(asked)
    wanted = {name: value for name, value in asked.items() if value is not None}
    defaults = _defaults(route, asked)
    taken = _accepted(litellm, route, {**defaults, **wanted})
    if taken is None and "temperature" in defaults:
        del defaults["temperature"]
        taken = _accepted(litellm, route, {**defaults, **wanted})
    if taken is None:
        raise UsageError(_not_taken(litellm, route, wanted))
    if "thinking" in taken:
        # Anthropic refuses a temperature other than 1 while the model thinks.
        defaults.pop("temperature", None)
    if "max_completion_tokens" in taken and "max_tokens" in defaults:
        defaults["max_completion_tokens"] = defaults.pop("max_tokens")
    form = {} if "response_format" in asked else _answer_form(litellm, route, answer_schema)
    if form and _accepted(litellm, route, {**defaults, **form, **wanted}) is not None:
        defaults |= form
    return {**defaults, **wanted}


def _answer_form(
    litellm: ModuleType, route: Route, schema: Mapping[str, object] | None
) -> dict[str, ParamValue]:
    if schema is None or not litellm.supports_response_schema(route.model, route.provider):
        return {}
    form: dict[str, object] = {"name": "answer", "strict": True, "schema": dict(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


def _defaults(route: Route, asked: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    defaults: dict[str, ParamValue] = {}
    if "temperature" not in asked:
        defaults["temperature"] = DEFAULT_TEMPERATURE
    if not any(limit in asked for limit in LIMITS):
        most = route.facts.get("max_output_tokens") or DEFAULT_MAX_TOKENS
        defaults["max_tokens"] = min(DEFAULT_MAX_TOKENS, int(most))
    return defaults


def _accepted(
    litellm: ModuleType, route: Route, parameters: Mapping[str, ParamValue]
) -> Mapping[str, Any] | None:
    """Return litellm's translation for the provider, or ``None`` where it refuses to make one."""
    translate = litellm.utils.get_optional_params
    known = inspect.signature(translate).parameters.keys() - NOT_TRANSLATED
    sent = {name: value for name, value in parameters.items() if name in known}
    try:
        return dict(translate(model=route.model, custom_llm_provider=route.provider, **sent))
    except (litellm.UnsupportedParamsError, TypeError, ValueError):
        return None


def _refuse_reserved(asked: Mapping[str, ParamValue]) -> None:
    for name in asked:
        if name in RESERVED:
            raise UsageError(f"--vsc-param {name}: not a parameter to set here; {RESERVED[name]}")


def _refuse_secrets(asked: Mapping[str, ParamValue]) -> None:
    found = secret_names(asked)
    if found:
        raise UsageError(
            f"--vsc-param {found[0]}: this looks like a secret, and parameters are printed and "
            "recorded. Put it in the environment variable that litellm reads for this provider"
        )


def _not_taken(litellm: ModuleType, route: Route, wanted: Mapping[str, ParamValue]) -> str:
    alone = [
        name for name, value in wanted.items() if _accepted(litellm, route, {name: value}) is None
    ]
    named = ", ".join(f"{name}={wanted[name]}" for name in alone or wanted)
    return f"--vsc-param {named}: {route.litellm_id} does not take this; leave it out or change it"
