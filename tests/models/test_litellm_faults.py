from email.utils import formatdate

import pytest
from routes import (
    GEMINI,
    HANDLERS,
    KEY,
    OPENAI,
    VLLM,
    ask_once,
    error_for,
    exchange,
    set_environment,
)
from servers import Reply, error, openai_server

from vscbench.errors import TargetError
from vscbench.models.litellm_faults import no_answer
from vscbench.models.litellm_raw import Wire
from vscbench.models.litellm_setup import load_litellm
from vscbench.records import Cause

ANYWHERE = pytest.mark.parametrize("litellm_id", HANDLERS)
HTML = b"<html><body>" + b"<p>Bad gateway</p>" * 500 + b"</body></html>"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


FAULTS: list[tuple[Reply, Cause, str]] = [
    (error(400, "too long"), Cause.BAD_REQUEST, "bad request (HTTP 400): too long"),
    (error(401, "bad key"), Cause.AUTHENTICATION, "not authenticated (HTTP 401): bad key"),
    (error(402, "no money"), Cause.QUOTA, "quota (HTTP 402): no money"),
    (error(403, "not yours"), Cause.AUTHENTICATION, "not allowed (HTTP 403): not yours"),
    (error(404, "no such model"), Cause.NOT_FOUND, "not found (HTTP 404): no such model"),
    (error(408, "too slow"), Cause.TIME_OUT, "time-out (HTTP 408): too slow"),
    (error(413, "too big"), Cause.BAD_REQUEST, "request too large (HTTP 413): too big"),
    (error(422, "no such field"), Cause.BAD_REQUEST, "bad request (HTTP 422): no such field"),
    (error(429, "slow down"), Cause.RATE_LIMIT, "rate limit (HTTP 429): slow down"),
    (error(500, "boom"), Cause.SERVER_ERROR, "server error (HTTP 500): boom"),
    (error(504, "upstream"), Cause.SERVER_ERROR, "server error (HTTP 504): upstream"),
    (error(529, "overloaded"), Cause.SERVER_ERROR, "server error (HTTP 529): overloaded"),
    (Reply(raw=HTML, status=503), Cause.SERVER_ERROR, "server error (HTTP 503): <html>"),
    (Reply(raw=HTML), Cause.UNREADABLE, "unreadable answer (HTTP 200): <html>"),
    (Reply(raw=b""), Cause.UNREADABLE, "unreadable answer (HTTP 200): it is empty"),
    (Reply(raw=b'{"choices": [{'), Cause.UNREADABLE, "unreadable answer (HTTP 200): {"),
    (Reply(raw=b"null"), Cause.UNREADABLE, "unreadable answer (HTTP 200): null"),
    (Reply(raw=b"[]"), Cause.UNREADABLE, "unreadable answer (HTTP 200): []"),
    (
        Reply(raw=b"{}", headers={"Content-Encoding": "gzip"}),
        Cause.UNREADABLE,
        "unreadable answer: ",
    ),
    (Reply(hang_up=True), Cause.CONNECTION, "connection failed: Server disconnected"),
    (Reply(reset=True), Cause.CONNECTION, "connection failed: "),
    (Reply("x" * 99, cut_short=True), Cause.CONNECTION, "failed: it broke in mid-answer"),
    (
        Reply(status=307, raw=b"", headers={"Location": "http://127.0.0.1:9/login?key=abc"}),
        Cause.NOT_FOUND,
        "redirects to http://127.0.0.1:9/login, which is not followed",
    ),
    (
        error(429, "You exceeded your current quota.", "insufficient_quota"),
        Cause.QUOTA,
        "quota (HTTP 429): You exceeded",
    ),
]
# What litellm makes of a fault differs by its handler only in kind: an error of HTTP, a body that
# is none, a connection that breaks. All else is read from the wire, which is one for all.
KINDS = [FAULTS[n] for n in (9, 13, 19)]


def check_fault(litellm_id: str, reply: Reply, cause: Cause, said: str) -> None:
    asked = exchange(litellm_id, reply)
    assert asked.error is not None
    message = str(asked.error)
    assert (asked.error.cause, said in message) == (cause, True), message
    assert asked.requests == 1
    assert "\n" not in message
    assert "litellm" not in message.lower()
    assert len(message) < 400


@pytest.mark.parametrize(("reply", "cause", "said"), FAULTS)
def test_a_fault_is_an_error_with_its_true_cause_and_is_asked_for_once(
    reply: Reply, cause: Cause, said: str
) -> None:
    check_fault(OPENAI, reply, cause, said)


@pytest.mark.parametrize("litellm_id", HANDLERS[1:])
@pytest.mark.parametrize(("reply", "cause", "said"), KINDS)
def test_a_fault_of_each_kind_is_the_same_whoever_sends(
    litellm_id: str, reply: Reply, cause: Cause, said: str
) -> None:
    check_fault(litellm_id, reply, cause, said)


@ANYWHERE
def test_nobody_listening_is_a_lost_connection(litellm_id: str) -> None:
    with openai_server() as gone:
        pass
    with pytest.raises(TargetError, match=r"connection failed: .*Connect call failed") as raised:
        ask_once(gone, litellm_id)
    assert raised.value.cause is Cause.CONNECTION


@ANYWHERE
def test_an_answer_after_the_deadline_is_a_time_out(litellm_id: str) -> None:
    with openai_server(latency_s=1.0) as slow:
        with pytest.raises(TargetError, match=r"^no answer within 0\.2 s$") as raised:
            ask_once(slow, litellm_id, timeout_s=0.2)
        assert raised.value.cause is Cause.TIME_OUT
        assert len(slow.requests) <= 1, "a deadline may pass before anything was sent"


def test_an_unknown_host_is_a_lost_connection() -> None:
    with openai_server() as server:
        server.scheme = "http://no-such-host.invalid:80#"
        with pytest.raises(TargetError) as raised:
            ask_once(server, VLLM)
    assert raised.value.cause is Cause.CONNECTION


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (503, {"retry-after": "0.5"}, 0.5),
        (429, {"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        (429, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m6s"}, 66.0),
        (429, {"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6s"}, None),
        (429, {}, None),
    ],
)
def test_how_long_to_wait_is_passed_on(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    reply = Reply(raw=error(status, "later").raw, status=status, headers=headers)
    assert error_for(OPENAI, reply).retry_after_s == seconds


def test_a_date_to_wait_for_is_read_by_the_providers_own_clock() -> None:
    headers = {"Retry-After": formatdate(1_750_000_030, usegmt=True)}
    headers["Date"] = formatdate(1_750_000_000, usegmt=True)
    reply = Reply(raw=b"{}", status=429, headers=headers)
    assert error_for(OPENAI, reply).retry_after_s == pytest.approx(30.0, abs=1.0)


@pytest.mark.parametrize("litellm_id", [OPENAI, GEMINI])
def test_no_key_leaves_in_a_message(litellm_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "q1w2e3r4t5z6")
    leak = f"Incorrect key {KEY}, Bearer abc.def.ghi, q1w2e3r4t5z6, AIzaSy0123456789abc"
    for status in (401, 500):
        message = str(error_for(litellm_id, error(status, leak)))
        for secret in (KEY, "abc.def", "q1w2e3", "AIzaSy0"):
            assert secret not in message


def test_an_error_does_not_hold_on_to_the_request() -> None:
    fault = error_for(OPENAI, error(500, "boom"))
    assert (fault.__cause__, fault.__context__) == (None, None)


@pytest.mark.parametrize(
    ("reply", "cause", "said"),
    [
        (error(500, "boom"), Cause.SERVER_ERROR, "server error (HTTP 500): boom"),
        (error(429, "later"), Cause.RATE_LIMIT, "rate limit (HTTP 429): later"),
        (Reply(raw=b"{no json"), Cause.UNREADABLE, "unreadable answer: "),
        (Reply(hang_up=True), Cause.CONNECTION, "connection failed: "),
    ],
)
@pytest.mark.parametrize("litellm_id", [OPENAI, VLLM])
def test_a_client_that_cannot_be_tapped_is_read_from_its_exceptions(
    litellm_id: str,
    reply: Reply,
    cause: Cause,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISABLE_AIOHTTP_TRANSPORT", "True")
    fault = error_for(litellm_id, reply)
    assert (fault.cause, said in str(fault)) == (cause, True), fault


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("AuthenticationError", Cause.AUTHENTICATION),
        ("NotFoundError", Cause.NOT_FOUND),
        ("BadRequestError", Cause.BAD_REQUEST),
        ("InternalServerError", Cause.OTHER),
    ],
)
def test_what_litellm_refuses_before_it_sends_says_why(name: str, cause: Cause) -> None:
    litellm = load_litellm()
    refusal = getattr(litellm, name)("OurException - No credentials.", "m", "p")
    error = no_answer(refusal, Wire(), 9.0)
    assert (str(error), error.cause) == (f"{name}: No credentials.", cause)


def test_a_package_that_litellm_lacks_is_named_and_ends_the_run() -> None:
    litellm = load_litellm()
    fault = litellm.APIConnectionError("No module named 'some_cloud'", "p", "m")
    fault.__cause__ = ModuleNotFoundError("No module named 'some_cloud'")
    error = no_answer(fault, Wire(), 9.0)
    assert "not installed: No module named 'some_cloud'" in str(error)
    assert error.cause.is_fatal
