from collections.abc import Mapping

import pytest
from routes import ANTHROPIC, as_json, error_for, response_to, set_environment
from servers import Reply

from vscbench.records import Cause, Finish

THINKING = {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}
HELLO = {"type": "text", "text": "Hello.."}
TOOL = {"type": "tool_use", "id": "t1", "name": "look_up", "input": {}}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def message(stop_reason: str, *content: Mapping[str, object], **fields: object) -> Reply:
    usage = {"input_tokens": 3, "output_tokens": 40, "cache_read_input_tokens": 100}
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {**usage, "cache_creation_input_tokens": 0},
    }
    return as_json({**whole, **fields})


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        (None, "refusal"),
        ({"type": "refusal", "category": None, "explanation": None}, "refusal"),
        ({"type": "refusal", "category": "bio", "explanation": "No."}, "refusal: bio: No."),
    ],
)
@pytest.mark.parametrize(("content", "text"), [((), ""), ((HELLO,), "Hello.."), ((THINKING,), "")])
def test_a_refusal_is_a_block_with_what_was_said_before_and_why(
    content: tuple[Mapping[str, object], ...],
    text: str,
    details: Mapping[str, object] | None,
    reason: str,
) -> None:
    fields = {} if details is None else {"stop_details": details}
    response = response_to(ANTHROPIC, message("refusal", *content, **fields))
    assert (response.finish, response.text, response.reason) == (Finish.BLOCKED, text, reason)
    assert (response.prompt_tokens, response.completion_tokens) == (103, 40)
    assert response.served_model == "claude-sonnet-4-5-20250929"


@pytest.mark.parametrize(
    ("reply", "finish", "text", "reason"),
    [
        (message("end_turn"), Finish.STOP, "", None),
        (message("end_turn", THINKING), Finish.STOP, "", None),
        (message("end_turn", THINKING, HELLO), Finish.STOP, "Hello..", None),
        (message("max_tokens", THINKING), Finish.LENGTH, "", None),
        (message("max_tokens", HELLO), Finish.LENGTH, "Hello..", None),
        (message("model_context_window_exceeded", HELLO), Finish.LENGTH, "Hello..", None),
        (message("tool_use", TOOL), Finish.STOP, "", "tool_use"),
        (message("tool_use", HELLO, TOOL), Finish.STOP, "Hello..", None),
    ],
)
def test_silence_cuts_tools_and_thoughts_are_told_apart(
    reply: Reply, finish: Finish, text: str, reason: str | None
) -> None:
    response = response_to(ANTHROPIC, reply)
    assert (response.finish, response.text, response.reason) == (finish, text, reason)
    assert (response.prompt_tokens, response.completion_tokens) == (103, 40)


def fault(status: int, kind: str, said: str, headers: Mapping[str, str] | None = None) -> Reply:
    error = {"type": kind, "message": said}
    return as_json({"type": "error", "error": error, "request_id": "req_1"}, status, headers)


@pytest.mark.parametrize(
    ("reply", "cause", "seconds"),
    [
        (fault(529, "overloaded_error", "Overloaded", {"retry-after": "3"}), Cause.SERVER_ERROR, 3),
        (fault(429, "rate_limit_error", "Slow down", {"retry-after": "9"}), Cause.RATE_LIMIT, 9),
        (fault(500, "api_error", "Internal server error"), Cause.SERVER_ERROR, None),
        (fault(401, "authentication_error", "invalid x-api-key"), Cause.AUTHENTICATION, None),
        (fault(403, "permission_error", "no"), Cause.AUTHENTICATION, None),
        (fault(402, "billing_error", "no"), Cause.QUOTA, None),
        (
            fault(400, "invalid_request_error", "Your credit balance is too low to access this."),
            Cause.QUOTA,
            None,
        ),
        (fault(404, "not_found_error", "model: claude-x"), Cause.NOT_FOUND, None),
        (fault(413, "request_too_large", "too big"), Cause.BAD_REQUEST, None),
        (fault(400, "invalid_request_error", "Could not process image"), Cause.IMAGE, None),
        (fault(200, "overloaded_error", "Overloaded"), Cause.SERVER_ERROR, None),
        (as_json({"type": "message", "content": None}), Cause.UNREADABLE, None),
    ],
)
def test_an_error_is_never_an_answer(reply: Reply, cause: Cause, seconds: float | None) -> None:
    error = error_for(ANTHROPIC, reply)
    assert (error.cause, error.retry_after_s) == (cause, seconds), error


def test_a_filter_that_answers_with_an_error_is_a_block() -> None:
    said = "Output blocked by content filtering policy"
    response = response_to(ANTHROPIC, fault(400, "invalid_request_error", said))
    assert (response.finish, response.text, response.reason) == (Finish.BLOCKED, "", said)
