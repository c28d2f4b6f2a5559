import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.provider_errors import error_in, read_error
from vscbench.records import Cause

KEYS = st.sampled_from(
    (
        *("error", "message", "code", "type", "status", "details", "detail", "metadata", "raw"),
        *("reasons", "innererror", "violations", "quotaId", "object", "reason"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


@given(body=JSON, status=st.one_of(st.none(), st.integers(200, 599)))
def test_any_json_is_an_error_in_one_line(body: object, status: int | None) -> None:
    error = read_error(status, body, "as it came")
    assert error.cause in Cause
    assert len(error.message.splitlines()) <= 1
    assert error.block is None or error.block


def test_a_redirect_a_page_and_silence_are_unreadable() -> None:
    for status in (None, 200, 302):
        assert read_error(status, None, "<html>").cause is Cause.UNREADABLE


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "a"}}, "a"),
        ([{"error": {"message": "a"}}], "a"),
        ({"error": "a"}, "a"),
        ({"type": "error", "error": {"message": "a"}}, "a"),
        ({"object": "error", "message": "a"}, "a"),
        ({"message": "a"}, "a"),
        ({"Message": "a"}, "a"),
        ({"detail": "a"}, "a"),
        ({"error": {"detail": ["a"]}}, '["a"]'),
        ({"error": {"message": "a", "metadata": {"raw": json.dumps({"error": "b"})}}}, "a: b"),
        ({"error": {"message": "a", "metadata": {"raw": "no json"}}}, "a"),
        (None, "the page"),
        ({}, "the page"),
    ],
)
def test_the_providers_words_are_found_wherever_they_stand(body: object, message: str) -> None:
    assert read_error(500, body, "the page").message == message


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"error": {"message": "a"}}, True),
        ({"error": "a"}, True),
        ({"object": "error"}, True),
        ({"error": None, "choices": []}, False),
        ({"error": {}}, False),
        ({"choices": []}, False),
        (None, False),
    ],
)
def test_an_answer_that_is_an_error_is_told_from_one_that_is_not(
    body: object, is_error: bool
) -> None:
    assert (error_in(body) is not None) == is_error


@pytest.mark.parametrize(
    "message",
    [
        "Your access was terminated due to violation of our policies.",
        "Request violates VPC Service Controls.",
        "The request was blocked.",
        "The contents are not filtered",
        "Bedrock guardrail request failed",
        "This model does not support images.",
    ],
)
@pytest.mark.parametrize("status", [400, 403])
def test_an_error_that_only_sounds_like_a_block_is_an_error(message: str, status: int) -> None:
    error = read_error(status, {"error": {"message": message}}, "")
    assert error.block is None
    assert error.cause in (Cause.BAD_REQUEST, Cause.AUTHENTICATION)


def test_the_words_of_a_block_are_none_where_a_server_may_do_better_next_time() -> None:
    for status in (429, 502, 503, 504, 529):
        assert read_error(status, {"error": {"message": "Content blocked"}}, "").block is None
