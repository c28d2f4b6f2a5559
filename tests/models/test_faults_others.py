import json
from collections.abc import Mapping

import pytest
from routes import MISTRAL, OPENROUTER, VLLM, XAI, as_json, error_for, response_to, set_environment
from servers import Reply, error

from vscbench.records import Cause, Finish


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def xai(status: int, code: str, said: str) -> Reply:
    return as_json({"code": code, "error": said}, status)


DENIED = "The caller does not have permission to execute the specified operation"


def test_a_403_of_xai_for_its_content_is_a_block_that_names_no_asker() -> None:
    said = (
        "Content violates usage guidelines. Team: 0a1b, API key ID: 2c3d, Model: grok-4-0709, "
        "Failed check: SAFETY_CHECK_TYPE_BIO"
    )
    response = response_to(XAI, xai(403, DENIED, said))
    assert (response.finish, response.text) == (Finish.BLOCKED, "")
    assert response.reason == (
        "Content violates usage guidelines. Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"
    )


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (xai(403, DENIED, "Your team has no access to this model."), Cause.AUTHENTICATION),
        (xai(400, "Client specified an invalid argument", "Bad image"), Cause.BAD_REQUEST),
        (
            xai(
                429,
                "Some resource has been exhausted",
                "Your team has either used all available credits or reached its limit.",
            ),
            Cause.QUOTA,
        ),
        (xai(429, "Some resource has been exhausted", "Too many requests."), Cause.RATE_LIMIT),
    ],
)
def test_an_error_of_xai_is_never_an_answer(reply: Reply, cause: Cause) -> None:
    assert error_for(XAI, reply).cause is cause


def openrouter(code: int, said: str, **metadata: object) -> Mapping[str, object]:
    return {"error": {"code": code, "message": said, "metadata": metadata}}


def broken_choice(fault: Mapping[str, object], text: str) -> Reply:
    choice = {"index": 0, "finish_reason": "error", "native_finish_reason": None}
    message = {"role": "assistant", "content": text}
    return Reply(body={"choices": [{**choice, "message": message, **fault}]})


def test_moderation_of_openrouter_is_a_block_with_its_reasons_but_not_the_input() -> None:
    said = "openai/gpt-4o requires moderation. Your input was flagged."
    body = openrouter(403, said, reasons=["violence", "hate"], flagged_input="what I asked")
    response = response_to(OPENROUTER, as_json(body, 403))
    assert (response.finish, response.text) == (Finish.BLOCKED, "")
    assert response.reason == f"{said.rstrip('.')}: violence, hate"


def test_a_filter_behind_openrouter_is_a_block() -> None:
    behind = {"error": {"code": "content_filter", "message": "Filtered.", "status": 400}}
    body = openrouter(400, "Provider returned error", raw=json.dumps(behind), provider_name="Azure")
    response = response_to(OPENROUTER, as_json(body, 400))
    assert response.finish is Finish.BLOCKED
    assert response.reason == "content_filter: Provider returned error: Filtered."


@pytest.mark.parametrize(
    ("native", "finish", "reason"),
    [
        ("SAFETY", Finish.BLOCKED, "SAFETY"),
        ("refusal", Finish.BLOCKED, "refusal"),
        ("content_filter", Finish.BLOCKED, "content_filter"),
        ("RECITATION", Finish.STOP, "RECITATION"),
        (None, Finish.BLOCKED, "content_filter"),
    ],
)
def test_openrouter_passes_on_the_word_of_the_provider_behind_it(
    native: str | None, finish: Finish, reason: str
) -> None:
    choice = {"index": 0, "finish_reason": "content_filter", "native_finish_reason": native}
    message = {"role": "assistant", "content": ""}
    response = response_to(OPENROUTER, Reply(body={"choices": [{**choice, "message": message}]}))
    assert (response.finish, response.reason) == (finish, reason)


@pytest.mark.parametrize("text", ["", "Well, "])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"code": 502, "message": "Upstream died"}, Cause.SERVER_ERROR),
        ({"code": 429, "message": "Slow down"}, Cause.RATE_LIMIT),
        ({"code": "server_error", "message": "Upstream died"}, Cause.SERVER_ERROR),
        ({"message": "Something happened"}, Cause.UNREADABLE),
    ],
)
def test_an_error_inside_an_answer_is_an_error(
    fault: Mapping[str, object], cause: Cause, text: str
) -> None:
    error = error_for(OPENROUTER, broken_choice({"error": fault}, text))
    assert (error.cause, str(fault["message"]) in str(error)) == (cause, True), error


def test_an_error_beside_an_empty_answer_is_an_error() -> None:
    reply = Reply("", body={"error": {"code": 502, "message": "Upstream died"}})
    for litellm_id in (OPENROUTER, VLLM):
        assert error_for(litellm_id, reply).cause is Cause.SERVER_ERROR


def test_a_block_inside_an_answer_is_a_block_that_keeps_its_text() -> None:
    fault = {"code": 403, "message": "Flagged.", "metadata": {"reasons": ["violence"]}}
    response = response_to(OPENROUTER, broken_choice({"error": fault}, "Well, "))
    assert (response.finish, response.text) == (Finish.BLOCKED, "Well, ")
    assert response.reason == "Flagged: violence"


def test_a_day_that_is_used_up_is_a_quota() -> None:
    body = openrouter(429, "Rate limit exceeded: free-models-per-day. Add credits.")
    assert error_for(OPENROUTER, as_json(body, 429)).cause is Cause.QUOTA


def test_a_guardrail_of_mistral_is_a_block_that_names_its_categories() -> None:
    scores = {
        "sexual": {"score": 0.0, "threshold": 0.1, "violated": False},
        "criminal": {"score": 0.9, "threshold": 0.1, "violated": True},
    }
    body = {
        "error": {"message": "Content blocked by guardrail", "status": 403},
        "guardrails": {"results": {"moderation_llm_v2": {"categories": scores}}},
    }
    response = response_to(MISTRAL, as_json(body, 403))
    assert response.finish is Finish.BLOCKED
    assert response.reason == "Content blocked by guardrail: criminal"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (as_json({"message": "Unauthorized", "request_id": "1"}, 401), Cause.AUTHENTICATION),
        (
            as_json(
                {"object": "error", "message": "Invalid model: x", "type": "invalid_model"}, 400
            ),
            Cause.NOT_FOUND,
        ),
        (as_json({"message": "Requests rate limit exceeded"}, 429), Cause.RATE_LIMIT),
        (Reply("", finish_reason="error"), Cause.SERVER_ERROR),
    ],
)
def test_an_error_of_mistral_is_never_an_answer(reply: Reply, cause: Cause) -> None:
    assert error_for(MISTRAL, reply).cause is cause


def test_mistrals_own_word_for_a_cut_is_a_cut_and_its_thoughts_are_no_text() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    cut = response_to(MISTRAL, Reply("Well, it", finish_reason="model_length"))
    assert (cut.finish, cut.text) == (Finish.LENGTH, "Well, it")
    for parts, text in (([thinking], ""), ([thinking, {"type": "text", "text": "Yes."}], "Yes.")):
        response = response_to(MISTRAL, Reply(message={"content": parts}))
        assert (response.finish, response.text) == (Finish.STOP, text)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error(400, "Content Exists Risk"), "Content Exists Risk"),
        (
            error(400, "Input may be inappropriate.", "data_inspection_failed"),
            "data_inspection_failed: Input may be inappropriate.",
        ),
        (Reply("", finish_reason="sensitive"), "sensitive"),
        (Reply("", finish_reason="SAFETY"), "SAFETY"),
    ],
)
def test_the_filters_of_other_providers_are_blocks(reply: Reply, reason: str) -> None:
    response = response_to(VLLM, reply)
    assert (response.finish, response.reason) == (Finish.BLOCKED, reason)
