"""Ways through litellm to the loopback provider, and how a test asks along one of them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from servers import LoopbackServer, Reply, openai_server

from vscbench.errors import TargetError
from vscbench.models.litellm_model import open_litellm
from vscbench.models.protocol import ModelSpec, ParamValue
from vscbench.records import Request, Response

KEY = "sk-test-0123456789abcdef"
TEXT_ONLY = Request("p", 1, "Is it safe?", None, None)

# litellm's ids, and what its address ends with.
ROUTES = {
    "openai/gpt-4o": "/v1",
    "hosted_vllm/llava": "/v1",
    "azure/our-deployment": "",
    "anthropic/claude-sonnet-4-5": "",
    "gemini/gemini-2.5-flash": "",
    "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0": "",
    "openrouter/openai/gpt-4o": "/v1",
    "xai/grok-4": "/v1",
    "mistral/mistral-large-latest": "/v1",
    "litellm_proxy/behind": "/v1",
    "ollama_chat/llava": "",
    "ollama/llava": "",
    "cohere_chat/command-a-vision-07-2025": "/v2/chat",
}
OPENAI, VLLM, AZURE, ANTHROPIC, GEMINI, BEDROCK, OPENROUTER, XAI, MISTRAL, PROXY, *REST = ROUTES
OLLAMA_CHAT, OLLAMA, COHERE = REST
# Of Ollama's server litellm also asks once what the model is.
PLAIN_ROUTES = tuple(name for name in ROUTES if name not in {OLLAMA_CHAT, OLLAMA})
# One of each of litellm's own ways to send and to fail: all others go as OpenAI's does.
HANDLERS = (OPENAI, AZURE, ANTHROPIC, GEMINI, BEDROCK, OLLAMA_CHAT, OLLAMA)

ENVIRONMENT = {
    **{f"{name}_API_KEY": KEY for name in ("OPENAI", "AZURE", "ANTHROPIC", "GEMINI")},
    **{f"{name}_API_KEY": KEY for name in ("OPENROUTER", "XAI", "MISTRAL", "COHERE")},
    "AZURE_API_VERSION": "2024-10-21",
    "AWS_ACCESS_KEY_ID": "AKIA0123456789ABCDEF",
    "AWS_SECRET_ACCESS_KEY": "0123456789abcdef0123456789abcdef",
    "AWS_REGION_NAME": "us-east-1",
}
UNWANTED = (
    *(f"{name}_{part}" for name in ("OPENAI", "ANTHROPIC") for part in ("API_BASE", "BASE_URL")),
    *("AWS_SESSION_TOKEN", "AWS_PROFILE", "AZURE_API_BASE"),
    *("OLLAMA_API_BASE", "OLLAMA_API_KEY"),
    *("SSL_CERT_FILE", "SSL_VERIFY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)


def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each route a key of its kind, and take away what would lead elsewhere."""
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request, and how often the provider was asked."""

    response: Response | None
    error: TargetError | None
    requests: int


def ask_once(
    server: LoopbackServer,
    litellm_id: str,
    params: Mapping[str, ParamValue] | None = None,
    timeout_s: float = 20.0,
    block_words: tuple[str, ...] = (),
) -> Response:
    """Ask one text of a running provider."""
    base = server.root_url + ROUTES[litellm_id]
    spec = ModelSpec("m", base, params or {}, timeout_s=timeout_s, block_words=block_words)
    model = open_litellm(spec, litellm_id)

    async def ask() -> Response:
        try:
            return await model.respond(TEXT_ONLY)
        finally:
            await model.close()

    return asyncio.run(ask())


def exchange(litellm_id: str, reply: Reply, timeout_s: float = 20.0) -> Asked:
    """Ask one text of a provider that answers with ``reply``."""
    with openai_server(lambda body: reply) as server:
        try:
            response = ask_once(server, litellm_id, timeout_s=timeout_s)
        except TargetError as error:
            return Asked(None, error, questions_to(server))
        return Asked(response, None, questions_to(server))


def questions_to(server: LoopbackServer) -> int:
    """Count what a provider was asked, but not what litellm asks Ollama of a model besides."""
    return sum(not each.path.endswith("/api/show") for each in server.requests)


def response_to(litellm_id: str, reply: Reply) -> Response:
    """Return the response to one request, which must be one."""
    asked = exchange(litellm_id, reply)
    assert asked.response is not None, asked.error
    return asked.response


def error_for(litellm_id: str, reply: Reply) -> TargetError:
    """Return the error of one request, which must be one."""
    asked = exchange(litellm_id, reply)
    assert asked.error is not None, asked.response
    return asked.error


def as_json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply whose whole body is this."""
    return Reply(raw=json.dumps(body).encode(), status=status, headers=headers or {})
