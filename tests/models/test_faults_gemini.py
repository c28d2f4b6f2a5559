from collections.abc import Mapping

import pytest
from routes import GEMINI, as_json, error_for, response_to, set_environment
from servers import Reply

from vscbench.records import Cause, Finish

USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 20,
    "totalTokenCount": 35,
}
DANGER = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
HARMLESS = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}
# https://ai.google.dev/api/generate-content#FinishReason, and Vertex's Model Armor
SAFETY = [
    *("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"),
    *("IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR", "ESCALATION"),
]
NO_SAFETY = [
    *("RECITATION", "LANGUAGE", "OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"),
    *("TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "NO_IMAGE"),
    *("IMAGE_RECITATION", "IMAGE_OTHER"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def candidate(reason: str, *parts: Mapping[str, object], **fields: object) -> Reply:
    content = {"content": {"role": "model", **({"parts": list(parts)} if parts else {})}}
    whole = {**content, "finishReason": reason, "index": 0, **fields}
    body = {"candidates": [whole], "usageMetadata": USAGE, "modelVersion": "gemini-2.5-flash-001"}
    return as_json(body)


def blocked_prompt(usage: Mapping[str, int] | None, **feedback: object) -> Reply:
    return as_json({"promptFeedback": feedback, **({"usageMetadata": usage} if usage else {})})


@pytest.mark.parametrize("usage", [None, {"promptTokenCount": 3, "totalTokenCount": 3}])
@pytest.mark.parametrize(
    "reason",
    [
        *("SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR"),
        *("JAILBREAK", "BLOCK_REASON_UNSPECIFIED"),
    ],
)
def test_a_blocked_prompt_is_a_block_with_or_without_usage(
    reason: str, usage: Mapping[str, int] | None
) -> None:
    response = response_to(GEMINI, blocked_prompt(usage, blockReason=reason))
    assert (response.finish, response.text) == (Finish.BLOCKED, "")
    assert response.reason == f"blockReason {reason}"
    assert response.prompt_tokens == (3 if usage else None)


def test_a_blocked_prompt_says_what_was_found_in_it() -> None:
    ratings = [HARMLESS, DANGER]
    reply = blocked_prompt(
        None, blockReason="SAFETY", blockReasonMessage="Not today.", safetyRatings=ratings
    )
    assert response_to(GEMINI, reply).reason == (
        "blockReason SAFETY: Not today., HARM_CATEGORY_DANGEROUS_CONTENT HIGH"
    )


@pytest.mark.parametrize("reason", SAFETY)
def test_a_reason_of_safety_is_a_block_under_its_own_name(reason: str) -> None:
    response = response_to(GEMINI, candidate(reason))
    assert (response.finish, response.text, response.reason) == (Finish.BLOCKED, "", reason)


def test_a_block_keeps_its_text_its_findings_and_every_token() -> None:
    thought = {"text": "Let me see.", "thought": True}
    response = response_to(
        GEMINI, candidate("SAFETY", thought, {"text": "Well, "}, safetyRatings=[HARMLESS, DANGER])
    )
    assert (response.finish, response.text) == (Finish.BLOCKED, "Well, ")
    assert response.reason == "SAFETY: HARM_CATEGORY_DANGEROUS_CONTENT HIGH"
    assert (response.prompt_tokens, response.completion_tokens) == (10, 25)
    assert response.cost_usd == pytest.approx(10 * 3e-7 + 25 * 2.5e-6)
    assert response.served_model == "gemini-2.5-flash-001"


@pytest.mark.parametrize("reason", NO_SAFETY)
def test_another_reason_is_no_block_and_is_recorded_where_there_is_no_text(reason: str) -> None:
    response = response_to(GEMINI, candidate(reason))
    assert (response.finish, response.text, response.reason) == (Finish.STOP, "", reason)


@pytest.mark.parametrize("reason", NO_SAFETY)
def test_a_text_that_another_reason_cut_is_kept_to_be_judged(reason: str) -> None:
    response = response_to(GEMINI, candidate(reason, {"text": "Well, "}))
    assert (response.finish, response.text, response.reason) == (Finish.STOP, "Well, ", None)


def test_a_reason_that_is_yet_unknown_is_of_an_answer_that_was_broken_off() -> None:
    error = error_for(GEMINI, candidate("NEVER_HEARD_OF", {"text": "Well, "}))
    assert (error.cause, "NEVER_HEARD_OF" in str(error)) == (Cause.SERVER_ERROR, True)


def test_why_there_is_no_text_is_told_in_full() -> None:
    reply = candidate("MALFORMED_FUNCTION_CALL", finishMessage="Malformed call: print(")
    assert response_to(GEMINI, reply).reason == "MALFORMED_FUNCTION_CALL: Malformed call: print("


@pytest.mark.parametrize(
    ("reply", "finish", "text", "reason"),
    [
        (candidate("STOP"), Finish.STOP, "", None),
        (candidate("STOP", {"text": "Let me see.", "thought": True}), Finish.STOP, "", None),
        (candidate("MAX_TOKENS"), Finish.LENGTH, "", None),
        (candidate("MAX_TOKENS", {"text": "Hm", "thought": True}), Finish.LENGTH, "", None),
        (candidate("MAX_TOKENS", {"text": "Well, it"}), Finish.LENGTH, "Well, it", None),
        (
            candidate("STOP", {"functionCall": {"name": "look_up", "args": {}}}),
            Finish.STOP,
            "",
            "tool_calls",
        ),
        (
            candidate("STOP", {"text": "Hm", "thought": True}, {"text": "Yes."}),
            Finish.STOP,
            "Yes.",
            None,
        ),
    ],
)
def test_silence_cuts_tools_and_thoughts_are_told_apart(
    reply: Reply, finish: Finish, text: str, reason: str | None
) -> None:
    response = response_to(GEMINI, reply)
    assert (response.finish, response.text, response.reason) == (finish, text, reason)
    assert response.completion_tokens == 25


def test_an_answer_without_usage_is_an_answer() -> None:
    said = {"content": {"parts": [{"text": "Yes."}]}, "finishReason": "STOP"}
    response = response_to(GEMINI, as_json({"candidates": [said]}))
    assert (response.text, response.finish) == ("Yes.", Finish.STOP)
    assert (response.prompt_tokens, response.completion_tokens) == (None, None)


def fault(
    code: int, status: str, message: str, *details: Mapping[str, object]
) -> Mapping[str, object]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


GOOGLE = "type.googleapis.com/google.rpc"


def quota(period: str) -> Mapping[str, object]:
    violation = {"quotaId": f"GenerateRequestsPer{period}PerProjectPerModel-FreeTier"}
    return {"@type": f"{GOOGLE}.QuotaFailure", "violations": [violation]}


WAIT = {"@type": f"{GOOGLE}.RetryInfo", "retryDelay": "34.07s"}
BAD_KEY = {"@type": f"{GOOGLE}.ErrorInfo", "reason": "API_KEY_INVALID"}


@pytest.mark.parametrize(
    ("body", "status", "cause", "seconds"),
    [
        (
            fault(429, "RESOURCE_EXHAUSTED", "check your plan and billing", quota("Minute"), WAIT),
            429,
            Cause.RATE_LIMIT,
            34.07,
        ),
        (
            fault(429, "RESOURCE_EXHAUSTED", "check your plan and billing", quota("Day"), WAIT),
            429,
            Cause.QUOTA,
            34.07,
        ),
        (
            fault(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY),
            400,
            Cause.AUTHENTICATION,
            None,
        ),
        (fault(403, "PERMISSION_DENIED", "no access"), 403, Cause.AUTHENTICATION, None),
        (fault(404, "NOT_FOUND", "models/x is not found"), 404, Cause.NOT_FOUND, None),
        (
            fault(400, "INVALID_ARGUMENT", "Unable to process input image."),
            400,
            Cause.IMAGE,
            None,
        ),
        (fault(503, "UNAVAILABLE", "The model is overloaded."), 503, Cause.SERVER_ERROR, None),
        (fault(504, "DEADLINE_EXCEEDED", "too slow"), 504, Cause.SERVER_ERROR, None),
        ([fault(429, "RESOURCE_EXHAUSTED", "in a list")], 429, Cause.RATE_LIMIT, None),
        (fault(503, "UNAVAILABLE", "said with 200"), 200, Cause.SERVER_ERROR, None),
        ({"usageMetadata": USAGE}, 200, Cause.UNREADABLE, None),
        ({"candidates": [], "usageMetadata": USAGE}, 200, Cause.UNREADABLE, None),
        ({"candidates": [{}], "usageMetadata": USAGE}, 200, Cause.UNREADABLE, None),
    ],
)
def test_an_error_is_never_an_answer(
    body: object, status: int, cause: Cause, seconds: float | None
) -> None:
    error = error_for(GEMINI, as_json(body, status))
    assert (error.cause, error.retry_after_s) == (cause, seconds), error
