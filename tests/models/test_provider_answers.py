import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.provider_answers import (
    RawAnswer,
    anthropic_tokens,
    gemini_tokens,
    openai_tokens,
    read_answer,
    visible,
)
from vscbench.records import Finish

KEYS = st.sampled_from(
    (
        *("choices", "candidates", "promptFeedback", "stop_reason", "stopReason", "message"),
        *("content", "parts", "text", "usage", "usageMetadata", "finish_reason", "finishReason"),
        *("blockReason", "error", "refusal", "output", "model", "stop_details", "trace"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


@given(JSON)
def test_any_json_is_an_answer_or_none(body: object) -> None:
    answer = read_answer(body)
    if answer is not None:
        assert isinstance(answer.text, str)
        assert answer.finish in Finish
        assert answer.reason is None or "\n" not in answer.reason


@pytest.mark.parametrize(
    "body",
    [None, [], "", {}, {"choices": []}, {"choices": None}, {"candidates": []}, {"id": "x"}],
)
def test_what_holds_no_answer_is_none(body: object) -> None:
    assert read_answer(body) is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("Yes.", "Yes."),
        (["Yes."], ""),
        ([{"type": "text", "text": "Yes"}, {"type": "text", "text": "."}], "Yes."),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}], "Yes."),
        ([{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "Yes."}], "Yes."),
        ("<think>Hm.</think>\n\nYes.", "<think>Hm.</think>\n\nYes."),
    ],
)
def test_parts_that_hold_reasoning_are_no_text_and_a_text_stays_whole(
    content: object, text: str
) -> None:
    assert visible(content) == text


YES = {"type": "text", "text": "Yes."}


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {"content": "Yes.", "reasoning_content": "Hm."}}]},
        {"choices": [{"message": {"content": "Yes.", "reasoning": "Hm."}}]},
        {"choices": [{"message": {"content": "Yes.", "thinking": "Hm."}}]},
        {
            "choices": [
                {"message": {"content": "Yes.", "reasoning": "Hm.", "reasoning_content": "Hm."}}
            ]
        },
        {
            "choices": [
                {
                    "message": {
                        "content": [
                            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                            YES,
                        ]
                    }
                }
            ]
        },
        {
            "stop_reason": "end_turn",
            "content": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, YES],
        },
        {
            "candidates": [
                {"content": {"parts": [{"text": "Hm.", "thought": True}, {"text": "Yes."}]}}
            ]
        },
        {
            "stopReason": "end_turn",
            "output": {
                "message": {
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
                        {"text": "Yes."},
                    ]
                }
            },
        },
    ],
)
def test_what_a_provider_gives_as_reasoning_is_kept_beside_the_answer(
    body: dict[str, object],
) -> None:
    answer = read_answer(body)
    assert answer is not None
    assert (answer.text, answer.reasoning) == ("Yes.", "Hm.")


@pytest.mark.parametrize(
    ("answer", "finish", "reason"),
    [
        (RawAnswer("Yes.", "stop"), Finish.STOP, None),
        (RawAnswer("", "stop"), Finish.STOP, None),
        (RawAnswer("", "tool_calls", calls_tool=True), Finish.STOP, "tool_calls"),
        (RawAnswer("", "STOP", calls_tool=True), Finish.STOP, "tool_calls"),
        (RawAnswer("", "LENGTH", "no room"), Finish.LENGTH, None),
        (RawAnswer("", "SAFETY", "hate high"), Finish.BLOCKED, "SAFETY: hate high"),
        (RawAnswer("Well", "safety"), Finish.BLOCKED, "safety"),
        (RawAnswer("", "OTHER", blocked=True), Finish.BLOCKED, "OTHER"),
        (RawAnswer("", "stop", refusal="No\nway."), Finish.BLOCKED, "No way."),
        (RawAnswer("Well", "RECITATION"), Finish.STOP, None),
        (RawAnswer("", "RECITATION"), Finish.STOP, "RECITATION"),
        (RawAnswer("", "max-tokens"), Finish.LENGTH, None),
    ],
)
def test_an_ending_in_a_providers_words_becomes_one_of_ours(
    answer: RawAnswer, finish: Finish, reason: str | None
) -> None:
    assert (answer.finish, answer.reason) == (finish, reason)


def test_a_key_in_a_reason_is_taken_out() -> None:
    answer = RawAnswer("", "SAFETY", "key sk-0123456789abcdef")
    assert answer.reason is not None
    assert "0123456789" not in answer.reason


COUNTS = st.integers(0, 10_000)


@given(prompt=COUNTS, visible=COUNTS, hidden=COUNTS)
def test_tokens_of_reasoning_are_counted_once_whatever_the_provider_counts(
    prompt: int, visible: int, hidden: int
) -> None:
    total = prompt + visible + hidden
    details = {"completion_tokens_details": {"reasoning_tokens": hidden}}
    within = {"prompt_tokens": prompt, "completion_tokens": visible + hidden, "total_tokens": total}
    beside = {**within, "completion_tokens": visible}
    assert openai_tokens({**within, **details}) == (prompt, visible + hidden)
    assert openai_tokens({**beside, **details}) == (prompt, visible + hidden)
    google = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": visible,
        "thoughtsTokenCount": hidden,
        "totalTokenCount": total,
    }
    assert gemini_tokens(google) == (prompt, visible + hidden)
    inclusive = {**google, "candidatesTokenCount": visible + hidden}
    assert gemini_tokens(inclusive) == (prompt, visible + hidden)


def test_what_is_not_counted_is_not_known() -> None:
    assert openai_tokens({}) == gemini_tokens({}) == anthropic_tokens({}) == (None, None)
    assert gemini_tokens({"promptTokenCount": 3, "thoughtsTokenCount": 9}) == (3, 9)
    cached = {"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 2}
    assert anthropic_tokens({**cached, "cache_creation_input_tokens": None}) == (43, 2)
