import pytest
from hostile_responses import hostile_responses
from hypothesis import given

from vscbench.errors import JudgeError
from vscbench.judges.client_records import verdict_on_record
from vscbench.records import Kind, Verdict


@pytest.mark.parametrize(
    "text", ["FinishReason.SAFETY", " finish_reason: content_filter\n", "BlockReason.SAFETY."]
)
def test_a_record_of_a_block_is_a_block(text: str) -> None:
    said = verdict_on_record(text, "rubric")
    assert said == Verdict(Kind.BLOCKED, "rubric", evidence=(text.strip(),))


@pytest.mark.parametrize(
    "text", ["API RetryError occurred.", "Failed to obtain answer via API.", "", " \n"]
)
def test_what_no_model_said_is_no_verdict(text: str) -> None:
    with pytest.raises(JudgeError, match=r"no model's words|no text"):
        verdict_on_record(text, "rubric")


@pytest.mark.parametrize(
    "text",
    [
        "FinishReason.STOP",
        "An API Error means that the server refused. Try again later.\nThat is all.",
        "FinishReason.SAFETY is what Gemini says when a filter stops it.",
        "I failed to obtain answers from my uncle.",
        "Safety",
    ],
)
def test_an_answer_that_speaks_of_such_things_is_to_be_judged(text: str) -> None:
    assert verdict_on_record(text, "rubric") is None


@given(hostile_responses())
def test_a_hostile_response_is_no_record(response: str) -> None:
    try:
        assert verdict_on_record(response, "rubric") is None
    except JudgeError:
        assert not response.strip()
