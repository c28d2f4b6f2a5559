import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import DataError, TargetError, UsageError, VscbenchError
from vscbench.models.frames import (
    encode_frame,
    pack_error,
    pack_facts,
    pack_request,
    pack_response,
    pack_spec,
    read_frame,
    unpack_error,
    unpack_facts,
    unpack_request,
    unpack_response,
    unpack_spec,
)
from vscbench.models.protocol import ModelFacts, ModelSpec, Price
from vscbench.records import Cause, Finish, Request, Response

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
ANY_RESPONSE = st.builds(
    Response,
    text=ANY_TEXT,
    finish=st.sampled_from(Finish),
    reason=st.none() | ANY_TEXT,
    served_model=st.none() | ANY_TEXT,
    cost_usd=st.none() | st.floats(0, 10),
)
ANY_REQUEST = st.builds(
    Request,
    pair_id=st.text(),
    epoch=st.integers(1, 9),
    prompt=ANY_TEXT,
    image=st.none() | st.just(Path("a/b.png").absolute()),
    system=st.none() | ANY_TEXT,
)


def sent(*frames: dict[str, object]) -> list[dict[str, object] | None]:
    """Read frames back from a stream, and what follows the last."""

    async def through_a_stream() -> list[dict[str, object] | None]:
        reader = asyncio.StreamReader()
        for frame in frames:
            reader.feed_data(encode_frame(frame))
        reader.feed_eof()
        return [await read_frame(reader) for _ in range(len(frames) + 1)]

    return asyncio.run(through_a_stream())


@given(ANY_REQUEST, ANY_RESPONSE)
def test_requests_and_responses_arrive_as_they_were(request: Request, response: Response) -> None:
    first, second, end = sent(pack_request(request), pack_response(response))
    assert first is not None
    assert second is not None
    assert unpack_request(first) == request
    assert unpack_response(second) == response
    assert end is None


def test_a_frame_that_breaks_off_is_the_end() -> None:
    async def broken() -> object:
        reader = asyncio.StreamReader()
        reader.feed_data(encode_frame({"a": 1})[:-2])
        reader.feed_eof()
        return await read_frame(reader)

    assert asyncio.run(broken()) is None


@given(st.sampled_from(Cause), st.none() | st.floats(0, 100))
def test_an_error_keeps_what_decides_on_another_attempt(cause: Cause, after: float | None) -> None:
    error = unpack_error(pack_error(TargetError("slow down", cause, after)))
    assert isinstance(error, TargetError)
    assert (str(error), error.cause, error.retry_after_s) == ("slow down", cause, after)


@pytest.mark.parametrize("kind", [DataError, UsageError, VscbenchError])
def test_an_error_stays_of_its_class(kind: type[VscbenchError]) -> None:
    error = unpack_error(pack_error(kind("what was wrong")))
    assert type(error) is kind
    assert str(error) == "what was wrong"


@pytest.mark.parametrize("price", [None, Price(1e-6, 2e-6)])
def test_facts_and_specs_arrive_as_they_were(price: Price | None) -> None:
    facts = ModelFacts("m", {"temperature": 0.0}, 16, {"model": "openai/m"}, price)
    assert unpack_facts(pack_facts(facts)) == facts
    spec = ModelSpec("m", "http://localhost", {"top_p": 0.5}, timeout_s=3.0, needs_key=False)
    assert unpack_spec(pack_spec(spec)) == spec
