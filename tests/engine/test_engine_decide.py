import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair, request_for

from vscbench.engine.archive import Found, NoArchive
from vscbench.engine.decide import judged, kind_without_judge, not_answered
from vscbench.engine.jobs import Job
from vscbench.engine.verdicts import Verdicts
from vscbench.errors import JudgeError, TargetError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.protocol import Judge
from vscbench.records import Cause, Finish, Kind, Outcome, Response, Verdict


class BrokenJudge:
    name = "broken"
    identity: Mapping[str, object] = {"judge": "broken"}
    is_free = True
    sees_image = False

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        raise JudgeError("the judge said nothing that can be read")

    async def close(self) -> None: ...


def decided(response: Response, judge: Judge | None = None) -> Outcome:
    pair = make_pair("a")
    job = Job(0, request_for(pair), [pair], key="k")
    found = Found(response, 0.5, cached=True)
    verdicts = Verdicts(judge or KeywordsJudge(), NoArchive())
    return asyncio.run(judged(verdicts, pair, job, found))


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
    pair = make_pair("a")
    error = TargetError("I cannot reach the server", Cause.CONNECTION)
    outcome = not_answered(pair, request_for(pair), error, " (3 attempts)")
    assert (outcome.kind, outcome.cause) == (Kind.TARGET_ERROR, Cause.CONNECTION)
    assert outcome.verdict is None
    assert outcome.error == "I cannot reach the server (3 attempts)"


def test_a_failed_judge_is_an_error_and_keeps_the_response() -> None:
    said = Response("Sure.")
    outcome = decided(said, BrokenJudge())
    assert (outcome.kind, outcome.cause) == (Kind.JUDGE_ERROR, Cause.JUDGE)
    assert outcome.response == said


def test_an_outcome_says_where_its_response_is_kept_and_that_it_was_there() -> None:
    outcome = decided(Response("Sure."))
    assert (outcome.response_key, outcome.cached, outcome.latency_s) == ("k", True, 0.5)


@given(st.text(), st.sampled_from(Finish))
def test_text_that_can_be_seen_is_always_judged_unless_blocked(text: str, finish: Finish) -> None:
    kind = kind_without_judge(Response(text, finish))
    assert (kind is None) == (finish is not Finish.BLOCKED and bool(text.strip()))
