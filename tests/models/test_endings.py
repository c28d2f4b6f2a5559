"""Only what is known to have ended is an answer, in every protocol and on every way to it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from routes import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    COHERE,
    GEMINI,
    OLLAMA,
    OLLAMA_CHAT,
    OPENAI,
    OPENROUTER,
    PROXY,
    VLLM,
    as_json,
    ask_once,
    error_for,
    exchange,
    response_to,
    set_environment,
)
from servers import Reply, openai_server

from vscbench.models.provider_answers import RawAnswer, read_answer
from vscbench.models.provider_words import (
    ANTHROPIC_FINAL,
    BEDROCK_FINAL,
    FINAL,
    GEMINI_FINAL,
    OLLAMA_FINAL,
    OPENAI_FINAL,
    ending_word,
)
from vscbench.records import Cause, Finish

Form = Callable[[object], dict[str, Any]]
HALF = "Sure. Fir"
MISSING = object()


def openai(ending: object, text: str = HALF) -> dict[str, Any]:
    named = {} if ending is MISSING else {"finish_reason": ending}
    return {"choices": [{**named, "message": {"content": text}}]}


def anthropic(ending: object, text: str = HALF) -> dict[str, Any]:
    named = {} if ending is MISSING else {"stop_reason": ending}
    return {"type": "message", "content": [{"type": "text", "text": text}], **named}


def gemini(ending: object, text: str = HALF) -> dict[str, Any]:
    named = {} if ending is MISSING else {"finishReason": ending}
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **named}]}


def bedrock(ending: object, text: str = HALF) -> dict[str, Any]:
    named = {} if ending is MISSING else {"stopReason": ending}
    return {"output": {"message": {"content": [{"text": text}]}}, **named}


def chat(ending: object, text: str = HALF) -> dict[str, Any]:
    done = {"done": False} if ending is MISSING else {"done": True, "done_reason": ending}
    return {"message": {"content": text}, **done}


def generate(ending: object, text: str = HALF) -> dict[str, Any]:
    done = {"done": False} if ending is MISSING else {"done": True, "done_reason": ending}
    return {"response": text, **done}


def responses(ending: object, text: str = HALF) -> dict[str, Any]:
    said = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    status = {} if ending is MISSING else {"status": ending}
    return {"object": "response", "output": [said], **status}


FORMS: Mapping[Form, frozenset[str]] = {
    openai: OPENAI_FINAL,
    anthropic: ANTHROPIC_FINAL,
    gemini: GEMINI_FINAL,
    bedrock: BEDROCK_FINAL,
    chat: OLLAMA_FINAL,
    generate: OLLAMA_FINAL,
    responses: OPENAI_FINAL,
}
BROKEN = (
    *("abort", "ABORT", "aborted", "error", "ERROR", "network_error", "cancelled", "canceled"),
    *("in_progress", "incomplete", "pause_turn", "compaction", "load", "unload", "timeout"),
    *("insufficient_system_resource", "FINISH_REASON_UNSPECIFIED", "null", "unknown", "queued"),
)
ANY_FORM = pytest.mark.parametrize("form", FORMS)


def read(body: object) -> RawAnswer:
    answer = read_answer(body)
    assert answer is not None
    return answer


@ANY_FORM
def test_each_protocol_has_its_own_closed_list_of_endings(form: Form) -> None:
    for word in FORMS[form]:
        for spelt in (word, word.upper(), word.replace("_", "-")):
            assert read(form(spelt)).unfinished is None, spelt
    assert {each for each in FORMS[form] if each not in FINAL} == set()


@ANY_FORM
@pytest.mark.parametrize("text", [HALF, ""])
def test_what_is_known_to_be_no_end_is_none(form: Form, text: str) -> None:
    for word in BROKEN:
        assert read(form(word, text)).unfinished, word  # type: ignore[call-arg]
    assert read(form(MISSING, text)).unfinished  # type: ignore[call-arg]


@ANY_FORM
@given(word=st.text(min_size=1))
def test_a_word_that_nobody_has_heard_of_is_no_end(form: Form, word: str) -> None:
    assume(word.strip() and ending_word(word) not in FORMS[form])
    assert read(form(word)).unfinished


@ANY_FORM
@pytest.mark.parametrize("ending", [None, "", " ", 0, ["stop"]])
def test_an_ending_that_is_not_named_is_none(form: Form, ending: object) -> None:
    unfinished = read(form(ending)).unfinished
    # Before it gave reasons Ollama said "done" alone.
    assert (unfinished is None) == (form in {chat, generate} and ending in (None, "", 0, ["stop"]))


MARKS: list[dict[str, Any]] = [
    {"done": False},
    {"completed": False},
    {"is_end": False},
    {"status": "incomplete"},
    {"status": "in_progress"},
    {"status": "failed"},
    {"status": "a new word"},
    {"cancelled": True},
    {"interrupted": True},
]


@pytest.mark.parametrize("mark", MARKS)
def test_a_body_that_says_elsewhere_that_it_is_not_done_is_not(mark: dict[str, Any]) -> None:
    body = openai("stop")
    assert read({**body, **mark}).unfinished
    (choice,) = body["choices"]
    assert read({"choices": [{**choice, **mark}]}).unfinished
    for form, ending in ((anthropic, "end_turn"), (gemini, "STOP"), (bedrock, "end_turn")):
        assert read({**form(ending), **mark}).unfinished


@pytest.mark.parametrize(
    ("fields", "unfinished"),
    [
        ({"stop_reason": "abort"}, True),
        ({"stop_reason": "###"}, False),
        ({"stop_reason": 128009}, False),
        ({"stop_reason": None}, False),
        ({"native_finish_reason": "abort"}, True),
        ({"native_finish_reason": "cancelled"}, True),
        ({"native_finish_reason": "completed"}, False),
        ({"native_finish_reason": "STOP"}, False),
        ({"native_finish_reason": None}, False),
    ],
)
def test_an_engines_own_word_beside_the_usual_one_counts(
    fields: dict[str, object], unfinished: bool
) -> None:
    (choice,) = openai("stop")["choices"]
    assert bool(read({"choices": [{**choice, **fields}]}).unfinished) == unfinished


@pytest.mark.parametrize(
    ("body", "finish", "reason"),
    [
        ({**openai("stop", ""), "input_sensitive": True}, Finish.BLOCKED, "input_sensitive"),
        ({**openai("stop"), "input_sensitive": True}, Finish.STOP, None),
        ({**openai("stop"), "input_sensitive": False}, Finish.STOP, None),
        ({**openai("stop"), "output_sensitive": True}, Finish.BLOCKED, "output_sensitive"),
        ({**openai("normal"), "need_clear_history": True}, Finish.BLOCKED, "need_clear_history"),
        (
            {"choices": [{**openai("stop")["choices"][0], "flag": 1, "ban_round": -1}]},
            Finish.BLOCKED,
            "flag",
        ),
        (
            {**openai("stop"), "amazon-bedrock-guardrailAction": "INTERVENED"},
            Finish.BLOCKED,
            "guardrail_intervened",
        ),
        (
            {**responses("incomplete"), "incomplete_details": {"reason": "max_output_tokens"}},
            Finish.LENGTH,
            None,
        ),
        (
            {**responses("incomplete"), "incomplete_details": {"reason": "content_filter"}},
            Finish.BLOCKED,
            "content_filter",
        ),
        (responses("completed"), Finish.STOP, None),
    ],
)
def test_a_filters_mark_and_a_status_are_read_as_they_mean(
    body: dict[str, Any], finish: Finish, reason: str | None
) -> None:
    answer = read(body)
    assert (answer.unfinished, answer.finish, answer.reason) == (None, finish, reason)


# On their way through litellm, which calls "stop" what it does not know.
WAYS = (OPENAI, VLLM, AZURE, ANTHROPIC, GEMINI, BEDROCK, OPENROUTER, PROXY, OLLAMA_CHAT, OLLAMA)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


@pytest.mark.parametrize("litellm_id", WAYS)
@pytest.mark.parametrize("text", [HALF, ""])
def test_an_answer_that_was_broken_off_is_a_fault_that_may_pass(litellm_id: str, text: str) -> None:
    error = error_for(litellm_id, Reply(text, finish_reason="abort"))
    assert error.cause is Cause.SERVER_ERROR
    assert error.cause.is_transient
    assert "broke its answer off: it ended with 'abort'" in str(error)


@pytest.mark.parametrize("litellm_id", WAYS)
def test_an_answer_that_ended_keeps_its_providers_word_for_it(litellm_id: str) -> None:
    response = response_to(litellm_id, Reply("Sure."))
    assert (response.text, response.finish) == ("Sure.", Finish.STOP)
    assert ending_word(response.ending or "") in {"stop", "end_turn"}


@pytest.mark.parametrize(
    ("litellm_id", "body"),
    [
        (OPENAI, openai(None)),
        (VLLM, openai(MISSING)),
        (VLLM, {**openai("stop"), "error": {"message": "the engine died", "code": 500}}),
        (VLLM, {"choices": [{**openai("stop")["choices"][0], "error": {"code": 502}}]}),
        (VLLM, {**openai("stop"), "status": "in_progress"}),
        (VLLM, {"choices": [{"finish_reason": "stop", "message": None}]}),
        (VLLM, {"choices": [{"finish_reason": "stop", "delta": {"content": HALF}}]}),
        (VLLM, {"choices": [{"finish_reason": "stop", "error": "the engine died"}]}),
        (ANTHROPIC, {**anthropic(None), "role": "assistant", "usage": {}, "model": "m"}),
        (ANTHROPIC, {**anthropic("compaction"), "role": "assistant", "usage": {}, "model": "m"}),
        (GEMINI, gemini(MISSING)),
        (BEDROCK, {**bedrock(MISSING), "usage": {}}),
        (OLLAMA_CHAT, {**chat(MISSING), "model": "m"}),
        (OLLAMA_CHAT, {**chat("load", ""), "model": "m"}),
        (OLLAMA, {**generate(MISSING), "model": "m"}),
    ],
)
def test_a_body_that_is_not_done_is_never_an_answer(litellm_id: str, body: object) -> None:
    asked = exchange(litellm_id, as_json(body))
    assert asked.error is not None, asked.response
    assert asked.error.cause.is_transient
    assert asked.requests == 1


def test_a_filters_mark_beside_a_text_is_a_block_that_keeps_it() -> None:
    response = response_to(VLLM, Reply("Well, ", body={"output_sensitive": True}))
    assert (response.finish, response.text) == (Finish.BLOCKED, "Well, ")
    assert response.reason == "output_sensitive"


def test_an_error_of_minimax_that_looks_like_an_answer_is_what_it_says() -> None:
    sensitive = {"base_resp": {"status_code": 1026, "status_msg": "input sensitive"}}
    response = response_to(VLLM, Reply("", body={**sensitive, "choices": None}))
    assert (response.finish, response.reason) == (Finish.BLOCKED, "base_resp 1026: input sensitive")
    limited = {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}
    assert error_for(VLLM, Reply(HALF, body=limited)).cause is Cause.RATE_LIMIT


@pytest.mark.parametrize("finish", ["policy_stop", "POLICY_STOP"])
def test_a_projects_own_word_for_an_ending_is_a_block(finish: str) -> None:
    with openai_server(lambda body: Reply("Well, ", finish_reason=finish)) as server:
        response = ask_once(server, VLLM, block_words=("Policy_Stop", "stop"))
        assert (response.finish, response.reason) == (Finish.BLOCKED, finish)
    with openai_server() as server:
        assert ask_once(server, VLLM, block_words=("stop",)).finish is Finish.STOP


def test_a_form_that_is_not_read_here_is_held_to_its_ending_too() -> None:
    def cohere(ending: str) -> Reply:
        message = {"role": "assistant", "content": [{"type": "text", "text": HALF}]}
        usage = {"tokens": {"input_tokens": 3, "output_tokens": 2}}
        return as_json({"id": "1", "finish_reason": ending, "message": message, "usage": usage})

    for ending, text in (("COMPLETE", HALF), ("ERROR", None), ("TIMEOUT", None)):
        asked = exchange(COHERE, cohere(ending))
        assert (asked.response and asked.response.text) == text
