from collections.abc import Mapping

import pytest
from routes import BEDROCK, as_json, error_for, response_to, set_environment
from servers import Reply

from vscbench.records import Cause, Finish

USAGE = {"inputTokens": 4, "outputTokens": 6, "totalTokens": 10}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Let me see.", "signature": "c2ln"}}}
HELLO = {"text": "Hello.."}
TOOL = {"toolUse": {"toolUseId": "t1", "name": "look_up", "input": {}}}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def message(stop_reason: str, *content: Mapping[str, object], **fields: object) -> Reply:
    output = {"message": {"role": "assistant", "content": list(content)}}
    whole = {"output": output, "stopReason": stop_reason, "usage": USAGE}
    return as_json({**whole, "metrics": {"latencyMs": 1}, **fields})


def guardrail(policy: Mapping[str, object], side: str = "inputAssessment") -> Mapping[str, object]:
    found: object = {"gr-1": policy}
    if side == "outputAssessments":
        found = {"gr-1": [policy]}
    return {"guardrail": {side: found, "actionReason": "Guardrail blocked."}}


TOPIC = {"topics": [{"name": "weapons", "type": "DENY", "action": "BLOCKED"}]}
FILTERS = {
    "filters": [
        {"type": "HATE", "confidence": "LOW", "action": "NONE", "detected": True},
        {"type": "VIOLENCE", "confidence": "HIGH", "action": "BLOCKED", "detected": True},
    ]
}
WORDS = {"customWords": [{"match": "xyzzy", "action": "BLOCKED"}]}
PERSON = {"piiEntities": [{"match": "a@b.c", "type": "EMAIL", "action": "ANONYMIZED"}]}


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (None, "guardrail_intervened"),
        (
            guardrail({"topicPolicy": TOPIC, "contentPolicy": FILTERS}),
            "guardrail_intervened: weapons, VIOLENCE HIGH",
        ),
        (
            guardrail({"contentPolicy": FILTERS}, "outputAssessments"),
            "guardrail_intervened: VIOLENCE HIGH",
        ),
        (
            guardrail({"wordPolicy": WORDS, "sensitiveInformationPolicy": PERSON}),
            "guardrail_intervened: customWords",
        ),
    ],
)
def test_a_guardrail_is_a_block_that_names_what_its_trace_found(
    trace: Mapping[str, object] | None, reason: str
) -> None:
    fields = {} if trace is None else {"trace": trace}
    sorry = {"text": "Sorry, not this."}
    response = response_to(BEDROCK, message("guardrail_intervened", sorry, **fields))
    assert (response.finish, response.text) == (Finish.BLOCKED, "Sorry, not this.")
    assert response.reason == reason


def test_the_models_own_filter_is_a_block() -> None:
    response = response_to(BEDROCK, message("content_filtered", HELLO))
    assert (response.finish, response.text) == (Finish.BLOCKED, "Hello..")
    assert response.reason == "content_filtered"


@pytest.mark.parametrize(
    ("reply", "finish", "text", "reason"),
    [
        (message("end_turn"), Finish.STOP, "", None),
        (message("end_turn", THOUGHT), Finish.STOP, "", None),
        (message("end_turn", THOUGHT, HELLO), Finish.STOP, "Hello..", None),
        (message("max_tokens", THOUGHT), Finish.LENGTH, "", None),
        (message("max_tokens", HELLO), Finish.LENGTH, "Hello..", None),
        (message("model_context_window_exceeded", HELLO), Finish.LENGTH, "Hello..", None),
        (message("tool_use", TOOL), Finish.STOP, "", "tool_use"),
        (message("malformed_model_output"), Finish.STOP, "", "malformed_model_output"),
    ],
)
def test_silence_cuts_tools_and_thoughts_are_told_apart(
    reply: Reply, finish: Finish, text: str, reason: str | None
) -> None:
    response = response_to(BEDROCK, reply)
    assert (response.finish, response.text, response.reason) == (finish, text, reason)
    assert (response.prompt_tokens, response.completion_tokens) == (4, 6)


def test_converse_names_no_model() -> None:
    assert response_to(BEDROCK, Reply("Yes.")).served_model is None


@pytest.mark.parametrize(
    ("status", "said", "cause"),
    [
        (429, "Too many requests, please wait before trying again.", Cause.RATE_LIMIT),
        (403, "The security token included in the request is invalid.", Cause.AUTHENTICATION),
        (404, "Model not found.", Cause.NOT_FOUND),
        (400, "The provided model identifier is invalid.", Cause.NOT_FOUND),
        (400, "Malformed input request.", Cause.BAD_REQUEST),
        (400, "The model returned: Could not process image", Cause.IMAGE),
        (408, "Model has timed out in processing the request.", Cause.TIME_OUT),
        (424, "The model encountered an error.", Cause.SERVER_ERROR),
        (500, "Internal.", Cause.SERVER_ERROR),
        (503, "Too many connections.", Cause.SERVER_ERROR),
    ],
)
def test_an_error_is_never_an_answer(status: int, said: str, cause: Cause) -> None:
    error = error_for(BEDROCK, as_json({"message": said}, status))
    assert (error.cause, said in str(error)) == (cause, True), error


def test_a_filter_that_answers_with_an_error_is_a_block() -> None:
    said = "This request has been blocked by our content filters."
    response = response_to(BEDROCK, as_json({"message": said}, 400))
    assert (response.finish, response.text, response.reason) == (Finish.BLOCKED, "", said)
