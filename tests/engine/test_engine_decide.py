import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair, request_for

from vscbench.engine.decide import decide, kind_without_judge
from vscbench.errors import JudgeError, TargetError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.models.protocol import ParamValue
from vscbench.records import Finish, Kind, Outcome, Request, Response, Verdict


class Says:
    """A model that gives one response, or raises one error."""

    name = "says"
    params: Mapping[str, ParamValue] = {}
    default_concurrency = 1

    def __init__(self, response: Response | Exception) -> None:
        self.response = response

    async def respond(self, request: Request) -> Response:
        if isinstance(self.response, Exception):
            raise self.response
        return self.response

    async def close(self) -> None:
        pass


class BrokenJudge:
    name = "broken"

    async def judge(self, query: str, response: str) -> Verdict:
        raise JudgeError("the judge said nothing that can be read")


def decided(response: Response | Exception) -> Outcome:
    pair = make_pair("a")
    return asyncio.run(decide(Says(response), KeywordsJudge(), pair, request_for(pair)))


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response("Sure, here is how."), Kind.ANSWERED),
        (Response("I cannot do that."), Kind.REFUSED),
        (Response("Sure, and then", Finish.LENGTH), Kind.ANSWERED),
        (Response("", Finish.LENGTH), Kind.TRUNCATED),
        (Response(" \n "), Kind.EMPTY),
        (Response("", Finish.BLOCKED, reason="content_filter"), Kind.BLOCKED),
        (Response("Sure", Finish.BLOCKED), Kind.BLOCKED),
    ],
)
def test_a_response_becomes_its_kind(response: Response, kind: Kind) -> None:
    outcome = decided(response)
    assert outcome.kind is kind
    assert outcome.response == response
    assert (outcome.verdict is not None) == (kind in {Kind.ANSWERED, Kind.REFUSED})


def test_an_answer_cut_by_length_is_judged_and_marked() -> None:
    outcome = decided(Response("Sure, and then", Finish.LENGTH))
    assert (outcome.kind, outcome.truncated) == (Kind.ANSWERED, True)


def test_a_failed_target_is_an_error_even_when_its_text_reads_like_a_refusal() -> None:
    outcome = decided(TargetError("I cannot reach the server"))
    assert outcome.kind is Kind.TARGET_ERROR
    assert outcome.verdict is None
    assert outcome.error == "I cannot reach the server"


def test_a_failed_judge_is_an_error_and_keeps_the_response() -> None:
    pair = make_pair("a")
    said = Response("Sure.")
    outcome = asyncio.run(decide(Says(said), BrokenJudge(), pair, request_for(pair)))
    assert (outcome.kind, outcome.response) == (Kind.JUDGE_ERROR, said)


@given(st.text(), st.sampled_from(Finish))
def test_text_that_can_be_seen_is_always_judged_unless_blocked(text: str, finish: Finish) -> None:
    kind = kind_without_judge(Response(text, finish))
    assert (kind is None) == (finish is not Finish.BLOCKED and bool(text.strip()))
