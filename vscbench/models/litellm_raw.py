"""What really crossed the wire for one request, beside what litellm makes of it."""

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    Send = Callable[[Any, httpx.Request], Awaitable[httpx.Response]]


@dataclass(slots=True)
class Wire:
    """One request's way to the provider and back, as far as it got.

    ``response`` is the HTTP response, whose body the client reads after us; ``fault`` is what
    broke before there was one; ``redirect`` is the address that the provider pointed to instead.
    """

    response: "httpx.Response | None" = None
    fault: Exception | None = None
    redirect: str | None = None

    @property
    def content(self) -> bytes | None:
        """The body, or ``None`` where it did not arrive whole."""
        import httpx

        try:
            return self.response.content if self.response is not None else None
        except httpx.StreamError:
            return None

    @property
    def text(self) -> str:
        """The body for a person to read."""
        return (self.content or b"").decode("utf-8", "replace")

    @property
    def body(self) -> object:
        """The body as JSON, or ``None`` where it is none; parsed anew each time."""
        try:
            return json.loads(self.content or b"")
        except (ValueError, RecursionError):
            return None

    @property
    def is_answer(self) -> bool:
        """Whether the provider answered, and not with an HTTP error."""
        return self.response is not None and bool(self.response.is_success)


_WATCHED: ContextVar[Wire | None] = ContextVar("vscbench_wire", default=None)


@contextlib.contextmanager
def watched() -> Iterator[Wire]:
    """Keep what crosses the wire for the request that is sent in this ``with`` block.

    Requests share litellm's clients, so each is told apart by its task's context. Where a request
    takes several exchanges (a token, then the answer), the last is kept. It is to be read inside
    the block: the context lives on in whatever was started in it, a pooled connection say, and
    must not hold a request's image as long.
    """
    import httpx

    wire = Wire()
    token = _WATCHED.set(wire)
    try:
        yield wire
    finally:
        _WATCHED.reset(token)
        if wire.response is not None:
            # It and its stream hold each other, and the request: freed late, if by chance.
            wire.response.stream = httpx.ByteStream(b"")
        wire.response = wire.fault = None


def tap_litellm() -> None:
    """Stand between litellm and the network; a second call changes nothing.

    All of litellm's clients, whatever the provider, send through this one transport. Seen here:

    - the provider's own words, which litellm maps away or drops: Gemini's and Anthropic's reasons
      (https://github.com/BerriAI/litellm/pull/23899, .../issues/20357), Azure's and OpenAI's
      filter (.../issues/42247), and the true HTTP status of a fault;
    - a lost connection, on which litellm sends a request again that may have been answered and
      paid for (.../pull/34830);
    - a redirect, which would carry prompt and key to an address nobody gave.
    """
    from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

    send: Send = LiteLLMAiohttpTransport.handle_async_request
    if getattr(send, "sends_watched", False):
        return

    async def handle_async_request(self: object, request: "httpx.Request") -> "httpx.Response":
        return await _send_watched(send, self, request)

    handle_async_request.sends_watched = True  # type: ignore[attr-defined]
    LiteLLMAiohttpTransport.handle_async_request = handle_async_request  # type: ignore[method-assign]


async def _send_watched(
    send: "Send", transport: object, request: "httpx.Request"
) -> "httpx.Response":
    import httpx

    wire = _WATCHED.get()
    if wire is None:  # somebody else's request
        return await send(transport, request)
    wire.response = wire.fault = wire.redirect = None
    try:
        wire.response = response = await send(transport, request)
    except Exception as fault:
        wire.fault = fault
        if isinstance(fault, httpx.ConnectError | httpx.RemoteProtocolError):
            # The two that litellm answers by sending once more; this one it passes on.
            raise httpx.ReadError(str(fault)) from fault
        raise
    if response.is_redirect:
        wire.redirect = response.headers.pop("location", None)
    return response
