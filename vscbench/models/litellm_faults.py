"""What to make of a request without an answer: a provider's block, or an error in one line."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vscbench.errors import TargetError
from vscbench.models.litellm_raw import Wire
from vscbench.models.provider_errors import ProviderError
from vscbench.models.provider_words import one_line
from vscbench.models.retry_after import retry_after
from vscbench.models.secrets import public_address
from vscbench.records import Cause, Finish, Response

if TYPE_CHECKING:
    import httpx

WORDS = {403: "not allowed", 407: "the proxy wants a login", 413: "request too large"}
PROXY_LOGIN = 407
# litellm's own classes, where it refused a request before there was any.
REFUSALS = {
    "AuthenticationError": Cause.AUTHENTICATION,
    "NotFoundError": Cause.NOT_FOUND,
    "BadRequestError": Cause.BAD_REQUEST,
    "UnsupportedParamsError": Cause.BAD_REQUEST,
}
# litellm's "AuthenticationError: OpenAIException - " and its like, before what it says.
PREFIX = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)(?:: | - |\. ))+")
ADVICE = re.compile(r"\s*(?:Handle with `litellm|Traceback \(most recent call last\)).*", re.DOTALL)
CERTIFICATE_ADVICE = "; for a certificate of your own, set SSL_CERT_FILE to its CA's file"


def blocked_or_raise(error: ProviderError, wire: Wire) -> Response:
    """Return a block, or a budget that left no room for text, that came as an error.

    Raises:
        TargetError: the error is one, with its cause and how long to wait.
    """
    if error.block is not None:
        return Response("", Finish.BLOCKED, reason=error.block)
    if error.is_output_limit:
        return Response("", Finish.LENGTH)
    word = WORDS.get(error.status or 0, error.cause.value)
    kind = f"{word} (HTTP {error.status})" if error.status else word
    message = f"{kind}: {error.message}" if error.message else kind
    headers = wire.response.headers if wire.response is not None else {}
    raise TargetError(message, error.cause, retry_after(headers, error.error))


def unreadable(wire: Wire) -> TargetError:
    """Say that a whole answer came, and that it holds none."""
    status = f" (HTTP {wire.response.status_code})" if wire.response is not None else ""
    text = one_line(wire.text)
    return TargetError(f"unreadable answer{status}: {text or 'it is empty'}", Cause.UNREADABLE)


def redirected(address: str) -> TargetError:
    """Say that the address points elsewhere; what is sent there is for a person to decide."""
    shown = one_line(public_address(address))
    return TargetError(
        f"the provider's address redirects to {shown}, which is not followed; if that is the "
        "right one, give it with --vsc-api-base",
        Cause.NOT_FOUND,
    )


def no_answer(fault: BaseException, wire: Wire, timeout_s: float) -> TargetError:
    """Say why no whole answer came: the deadline, the network, or litellm before it sent."""
    chain = list(_chain(fault))
    if any("Timeout" in type(link).__name__ for link in chain):
        return TargetError(f"no answer within {timeout_s:g} s", Cause.TIME_OUT)
    if any(getattr(link, "status", None) == PROXY_LOGIN for link in chain):
        return TargetError(f"{WORDS[PROXY_LOGIN]} (HTTP 407)", Cause.AUTHENTICATION)
    if any(type(link).__name__ in ("DecodingError", "JSONDecodeError") for link in chain):
        return TargetError(f"unreadable answer: {_last_words(chain)}", Cause.UNREADABLE)
    if wire.response is not None:
        return TargetError("connection failed: it broke in mid-answer", Cause.CONNECTION)
    if wire.fault is not None or _is_network(chain):
        words = _last_words(chain)
        advice = CERTIFICATE_ADVICE if "CERTIFICATE_VERIFY_FAILED" in words else ""
        return TargetError(f"connection failed: {words}{advice}", Cause.CONNECTION)
    return _refused(fault, chain)


def _refused(fault: BaseException, chain: list[BaseException]) -> TargetError:
    """Say why litellm sent nothing."""
    missing = [link for link in chain if isinstance(link, ImportError)]
    if missing:
        message = f"litellm needs a package for this model that is not installed: {missing[0]}"
        return TargetError(one_line(message), Cause.NOT_FOUND)
    names = [type(link).__name__ for link in chain]
    cause = next((REFUSALS[name] for name in names if name in REFUSALS), Cause.OTHER)
    said = ADVICE.sub("", PREFIX.sub("", str(fault)))
    return TargetError(f"{names[0]}: {one_line(said)}", cause)


def http_response(fault: BaseException) -> "httpx.Response | None":
    """Return the HTTP response behind a fault of a client that does not send through litellm's.

    litellm's own status codes are guesses: only the client's error holds the answer's.
    """
    for link in _chain(fault):
        if type(link).__name__.endswith("HTTPStatusError"):
            return getattr(link, "response", None)
    return None


def without_frames(fault: Exception) -> Exception:
    """Let go of the frames that a fault came through: each holds the whole request, image and all.

    They and the fault hold each other, so that only a late collection would free them.
    """
    links: list[BaseException] = [fault]
    for link in links:
        link.__traceback__ = None
        behind = (link.__cause__, link.__context__)
        links += [each for each in behind if each is not None and each not in links]
    return fault


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """Walk from litellm's error to what the HTTP client raised."""
    seen: set[int] = set()
    link: BaseException | None = fault
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _is_network(chain: list[BaseException]) -> bool:
    # litellm calls other faults APIConnectionError too: only the clients' own names count.
    names = ("ConnectionError", "ConnectError", "ReadError", "RemoteProtocolError")
    outside = [link for link in chain if not type(link).__module__.startswith("litellm")]
    return any(isinstance(link, ConnectionError) for link in outside) or any(
        type(link).__name__.endswith(names) for link in outside
    )


def _last_words(chain: list[BaseException]) -> str:
    """Return what the network itself said, which is further in than litellm's "Connection error."""
    said = [one_line(str(link)) for link in chain]
    return next((words for words in reversed(said) if words), type(chain[0]).__name__)
