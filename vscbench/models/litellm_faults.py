"""What went wrong when no answer came: a provider's block, or an error in one line."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vscbench.models.secrets import without_secrets

if TYPE_CHECKING:
    import httpx

LONGEST_MESSAGE = 300
BLOCK_CODES = ("content_filter", "content_policy_violation")
WORDS = {
    400: "bad request",
    401: "not authenticated",
    403: "not allowed",
    404: "not found",
    408: "time-out",
    413: "request too large",
    422: "bad request",
    429: "rate limit",
}
CONNECTION_FAULTS = {
    "APIConnectionError",
    "ConnectError",
    "ReadError",
    "RemoteProtocolError",
    "ServerDisconnectedError",
}
# litellm's "AuthenticationError: OpenAIException - " and its like, before the provider's words.
PREFIX = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)(?:: | - |\. ))+")
ADVICE = re.compile(r"\s*(?:Handle with `litellm|Traceback \(most recent call last\)).*", re.DOTALL)


def block_reason(fault: BaseException) -> str | None:
    """Return the provider's own words where it raised its content filter as an error.

    OpenAI and Azure answer HTTP 400 with such a code; ``None`` means the fault is an error.
    """
    named = type(fault).__name__ == "ContentPolicyViolationError"
    if named or any(_code(link) in BLOCK_CODES for link in _chain(fault)):
        return _provider_message(fault)
    return None


def describe_fault(fault: BaseException) -> str:
    """Return class of fault, HTTP status and the provider's message, in one line, no secrets."""
    kind = _kind(fault)
    message = _provider_message(fault)
    return f"{kind}: {message}" if message else kind


def is_timeout(fault: BaseException) -> bool:
    """Say whether a fault is our deadline that passed, and not a time-out the provider reports."""
    if _http_response(fault) is not None:
        return False
    return any("Timeout" in type(link).__name__ for link in _chain(fault))


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """Walk from litellm's error to what the HTTP client raised."""
    seen: set[int] = set()
    link: BaseException | None = fault
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _http_response(fault: BaseException) -> "httpx.Response | None":
    # litellm's own status codes are guesses: only the client's error holds the answer's.
    for link in _chain(fault):
        if type(link).__name__.endswith("HTTPStatusError"):
            return getattr(link, "response", None)
    return None


def _kind(fault: BaseException) -> str:
    response = _http_response(fault)
    if response is not None:
        status = int(response.status_code)
        word = WORDS.get(status, "server error" if response.is_server_error else "error")
        return f"{word} (HTTP {status})"
    if any(_is_connection_fault(link) for link in _chain(fault)):
        return "connection failed"
    if any(isinstance(link, json.JSONDecodeError) for link in _chain(fault)):
        return "unreadable answer"
    return type(fault).__name__


def _is_connection_fault(link: BaseException) -> bool:
    # litellm calls other faults APIConnectionError too: only the client's own names count.
    if type(link).__module__.startswith("litellm"):
        return False
    return isinstance(link, ConnectionError) or type(link).__name__ in CONNECTION_FAULTS


def _body(fault: BaseException) -> dict[str, Any]:
    response = _http_response(fault)
    try:
        body = json.loads(response.text) if response is not None else {}
    except Exception:  # an error page, or a body that was never read
        return {}
    error = body.get("error", body) if isinstance(body, dict) else {}
    return error if isinstance(error, dict) else {}


def _code(link: BaseException) -> object:
    code = getattr(link, "code", None)
    if code is None and type(link).__name__.endswith("HTTPStatusError"):
        return _body(link).get("code")
    return code


def _provider_message(fault: BaseException) -> str:
    message = _body(fault).get("message")
    if not isinstance(message, str):
        message = ADVICE.sub("", PREFIX.sub("", str(getattr(fault, "message", fault))))
    line = " ".join(without_secrets(message).split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}..."
