from collections.abc import Mapping

import pytest
from routes import AZURE, OPENAI, PROXY, VLLM, as_json, error_for, response_to, set_environment
from servers import Reply, error

from vscbench.reasoning.responses import set_apart
from vscbench.records import Cause, Finish

OPENAI_FORM = pytest.mark.parametrize("litellm_id", [OPENAI, VLLM, AZURE, PROXY])
CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
SAFE = {"filtered": False, "severity": "safe"}
FOUND = {
    "hate": SAFE,
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": {"filtered": True, "severity": "medium"},
    "violence": {"filtered": True, "severity": "high"},
}
TOO_SMALL = "Could not finish the message because max_tokens or model output limit was reached."


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def choice(**fields: object) -> Mapping[str, object]:
    message = {"role": "assistant", "content": None}
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message, **fields}]}


@OPENAI_FORM
@pytest.mark.parametrize(
    ("reply", "text", "reason"),
    [
        (Reply(None, refusal="I can't help with that."), "", "I can't help with that."),
        (Reply("Well, ", refusal="No, I won't."), "Well, ", "No, I won't."),
        (Reply(None, finish_reason="content_filter"), "", "content_filter"),
        (Reply("Well, ", finish_reason="content_filter"), "Well, ", "content_filter"),
        (
            Reply(
                "Well, ", body=choice(finish_reason="content_filter", content_filter_results=FOUND)
            ),
            "",
            "content_filter: self_harm medium, violence high",
        ),
        (error(400, "Filtered.", "content_filter"), "", "content_filter: Filtered."),
        (
            error(400, "Rejected.", "content_policy_violation"),
            "",
            "content_policy_violation: Rejected.",
        ),
        (
            error(400, "Unsafe image.", "moderation_blocked"),
            "",
            "moderation_blocked: Unsafe image.",
        ),
        (
            error(400, "Invalid prompt: your prompt was flagged as a risk.", "invalid_prompt"),
            "",
            "Invalid prompt: your prompt was flagged as a risk.",
        ),
        (error(403, "Content blocked: keyword found"), "", "Content blocked: keyword found"),
    ],
)
def test_a_block_is_a_response_with_its_reason_and_what_text_there_was(
    litellm_id: str, reply: Reply, text: str, reason: str
) -> None:
    response = response_to(litellm_id, reply)
    assert (response.finish, response.text, response.reason) == (Finish.BLOCKED, text, reason)


@OPENAI_FORM
def test_azures_filter_names_what_it_found_and_how_bad(litellm_id: str) -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FOUND}
    said = {"message": "Filtered.", "type": None, "param": "prompt", "code": "content_filter"}
    response = response_to(
        litellm_id, as_json({"error": {**said, "status": 400, "innererror": inner}}, 400)
    )
    assert (response.finish, response.text) == (Finish.BLOCKED, "")
    assert response.reason == (
        "content_filter: self_harm medium, violence high (ResponsibleAIPolicyViolation)"
    )


@OPENAI_FORM
@pytest.mark.parametrize(
    ("reply", "finish", "text", "reason"),
    [
        (Reply(None), Finish.STOP, "", None),
        (Reply(" \n"), Finish.STOP, " \n", None),
        (Reply("", refusal=""), Finish.STOP, "", None),
        (Reply("Well, it", finish_reason="length"), Finish.LENGTH, "Well, it", None),
        (Reply("", finish_reason="length"), Finish.LENGTH, "", None),
        (error(400, TOO_SMALL), Finish.LENGTH, "", None),
        (
            Reply(None, finish_reason="tool_calls", message={"tool_calls": [CALL]}),
            Finish.STOP,
            "",
            "tool_calls",
        ),
        (
            Reply(
                None,
                finish_reason="function_call",
                message={"function_call": {"name": "look_up", "arguments": "{}"}},
            ),
            Finish.STOP,
            "",
            "function_call",
        ),
        (
            Reply("I look.", finish_reason="tool_calls", message={"tool_calls": [CALL]}),
            Finish.STOP,
            "I look.",
            None,
        ),
        (
            Reply(None, finish_reason="length", message={"reasoning_content": "Hm, let me see"}),
            Finish.LENGTH,
            "",
            None,
        ),
        (Reply(None, message={"reasoning_content": "Hm."}), Finish.STOP, "", None),
    ],
)
def test_silence_cuts_tools_and_thoughts_are_told_apart(
    litellm_id: str, reply: Reply, finish: Finish, text: str, reason: str | None
) -> None:
    response = response_to(litellm_id, reply)
    assert (response.finish, response.text, response.reason) == (finish, text, reason)
    assert response.reasoning == reply.message.get("reasoning_content")


@OPENAI_FORM
@pytest.mark.parametrize(
    "reply",
    [
        Reply("<think>Hm.</think>Yes."),
        Reply("Hm.</think>\n\nYes."),
        Reply("Yes.", message={"reasoning_content": "Hm."}),
        Reply("Yes.", message={"reasoning": "Hm."}),
    ],
)
def test_thoughts_come_apart_from_the_answer_however_a_server_hands_them_on(
    litellm_id: str, reply: Reply
) -> None:
    response = set_apart(response_to(litellm_id, reply))
    assert (response.text, response.reasoning) == ("Yes.", "Hm.")


@OPENAI_FORM
@pytest.mark.parametrize(
    ("reply", "cause", "said"),
    [
        (Reply("", body={"choices": []}), Cause.UNREADABLE, "unreadable answer (HTTP 200): {"),
        (as_json({}), Cause.UNREADABLE, "unreadable answer (HTTP 200): {}"),
        (as_json({"choices": None}), Cause.UNREADABLE, "unreadable answer (HTTP 200): {"),
        (Reply("", finish_reason="error"), Cause.SERVER_ERROR, "ended with 'error', with no text"),
        (Reply(" ", finish_reason="network_error"), Cause.SERVER_ERROR, "with 'network_error'"),
        (as_json({"error": {"message": "down", "code": 502}}), Cause.SERVER_ERROR, "down"),
        (as_json({"error": {"message": "later", "code": "429"}}), Cause.RATE_LIMIT, "later"),
        (as_json({"error": "upstream is down"}), Cause.UNREADABLE, "upstream is down"),
        (as_json({"detail": "Not Found"}, 404), Cause.NOT_FOUND, "(HTTP 404): Not Found"),
        (
            as_json({"detail": [{"loc": ["body"], "msg": "missing"}]}, 422),
            Cause.BAD_REQUEST,
            '(HTTP 422): [{"loc": ["body"], "msg": "missing"}]',
        ),
        (
            as_json({"object": "error", "message": "out of memory", "code": 500}, 500),
            Cause.SERVER_ERROR,
            "(HTTP 500): out of memory",
        ),
        (error(429, "No money.", "billing_not_active"), Cause.QUOTA, "quota (HTTP 429): No money."),
        (error(403, "No access.", "model_not_found"), Cause.NOT_FOUND, "No access."),
        (error(400, "Bad picture.", "image_parse_error"), Cause.IMAGE, "image (HTTP 400): Bad"),
        (
            error(400, "cannot identify image file <_io.BytesIO>"),
            Cause.IMAGE,
            "image (HTTP 400): cannot identify",
        ),
        (
            as_json({"statusCode": 401, "message": "Invalid subscription key"}, 401),
            Cause.AUTHENTICATION,
            "(HTTP 401): Invalid subscription key",
        ),
        (
            Reply(raw=b"<h1>403 ERROR</h1> Content blocked.", status=403),
            Cause.AUTHENTICATION,
            "not allowed (HTTP 403): <h1>",
        ),
    ],
)
def test_an_error_is_never_an_answer(
    litellm_id: str, reply: Reply, cause: Cause, said: str
) -> None:
    fault = error_for(litellm_id, reply)
    assert (fault.cause, said in str(fault)) == (cause, True), fault


@pytest.mark.parametrize(
    "message",
    [
        "Violated guardrail policy",
        "{'error': 'Violated guardrail policy', 'bedrock_guardrail_response': 'Sorry.'}",
        "Blocked entity detected: PHONE by Guardrail: presidio.",
        "litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - Filtered.",
    ],
)
def test_a_proxys_own_guardrail_is_a_block(message: str) -> None:
    said = {"message": message, "type": "None", "param": "None", "code": "400"}
    response = response_to(PROXY, as_json({"error": said}, 400))
    assert (response.finish, response.reason) == (Finish.BLOCKED, message)


def test_a_proxys_guardrail_names_what_it_found() -> None:
    match = {"category": "topics", "name": "weapons", "type": "DENY", "action": "BLOCKED"}
    fields = {"assessments": [{"policy": "topicPolicy", "matches": [match]}]}
    said = {"message": "Violated guardrail policy", "code": "400"}
    body = {"error": {**said, "provider_specific_fields": fields}}
    assert response_to(PROXY, as_json(body, 400)).reason == "Violated guardrail policy: weapons"


def test_a_guardrail_that_is_down_is_an_error() -> None:
    said = {"message": "Bedrock guardrail failed: no route to host", "code": "500"}
    assert error_for(PROXY, as_json({"error": said}, 500)).cause is Cause.SERVER_ERROR


@OPENAI_FORM
def test_the_version_that_answered_is_the_providers_own_word(litellm_id: str) -> None:
    body = {"model": "gpt-4o-2024-08-06", "system_fingerprint": "fp_50cad350e4"}
    for text in ("Yes.", ""):
        response = response_to(litellm_id, Reply(text, body=body))
        assert response.served_model == "gpt-4o-2024-08-06"
        assert response.fingerprint == "fp_50cad350e4"


@OPENAI_FORM
def test_a_version_that_nobody_named_stays_unknown(litellm_id: str) -> None:
    body = {"choices": [{"index": 0, "message": {"content": "Yes."}, "finish_reason": "stop"}]}
    response = response_to(litellm_id, as_json(body))
    assert (response.text, response.served_model, response.fingerprint) == ("Yes.", None, None)


@OPENAI_FORM
@pytest.mark.parametrize("text", ["Yes.", None])
def test_tokens_of_reasoning_are_tokens_of_the_completion(
    litellm_id: str, text: str | None
) -> None:
    inside = {"completion_tokens": 207, "total_tokens": 218}
    beside = {"completion_tokens": 7, "total_tokens": 218}
    for counts in (inside, beside):
        details = {"completion_tokens_details": {"reasoning_tokens": 200}}
        body = {"usage": {"prompt_tokens": 11, **counts, **details}}
        response = response_to(litellm_id, Reply(text, finish_reason="length", body=body))
        assert (response.prompt_tokens, response.completion_tokens) == (11, 207)
        assert response.finish is Finish.LENGTH
