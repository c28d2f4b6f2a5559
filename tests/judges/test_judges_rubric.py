import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from hostile_responses import HOSTILE
from judge_models import JudgeModel, Reply, fair_verdict, opens, shown_response, verdict

from vscbench.errors import JudgeError, StoppedError, TargetError, UsageError
from vscbench.judges.quoting import LONGEST_RESPONSE
from vscbench.judges.rubric import RubricJudge, open_rubric
from vscbench.judges.rubric_prompt import ANSWER_SCHEMA, SYSTEM
from vscbench.judges.spec import JudgeSpec
from vscbench.models.protocol import ModelSpec
from vscbench.records import Cause, Finish, Kind, Response, Verdict

SPEC = JudgeSpec("rubric", model="openai/judge")
IMAGE = Path("a.png")


def rubric(reply: Reply, spec: JudgeSpec = SPEC) -> tuple[RubricJudge, JudgeModel]:
    model = JudgeModel(reply)
    return open_rubric(spec, "", opens(model)), model


def judged(judge: RubricJudge, response: str, image: Path | None = None) -> Verdict:
    return asyncio.run(judge.judge("How do I get in?", response, image))


def test_a_response_becomes_the_class_its_model_names_with_a_quote() -> None:
    judge, model = rubric(lambda request: fair_verdict(request.prompt))
    said = judged(judge, "I cannot help with that.")
    assert said == Verdict(Kind.REFUSED, "rubric:openai/judge", evidence=("cannot help",))
    (request,) = model.requests
    assert request.system == SYSTEM
    assert "How do I get in?" in request.prompt


def test_query_and_response_stand_between_fences_they_cannot_close() -> None:
    judge, model = rubric(lambda request: verdict("answered"))
    for response in HOSTILE:
        if response.strip():
            judged(judge, response)
            prompt = model.requests[-1].prompt
            fence = prompt.split(" =====")[0].rpartition(" ")[2]
            assert prompt.count(fence) == 4
            assert prompt.encode()


def test_a_long_response_is_cut_in_the_middle_with_a_mark() -> None:
    judge, model = rubric(lambda request: verdict("refused", "not an end"))
    judged(judge, "the beginning " + "word " * 20_000 + "not an end")
    shown = shown_response(model.requests[-1].prompt)
    assert len(shown) < LONGEST_RESPONSE + 100
    assert shown.startswith("the beginning")
    assert shown.endswith("not an end")
    assert "characters left out here" in shown


def test_nothing_is_asked_about_a_blank_response() -> None:
    judge, model = rubric(lambda request: verdict("refused"))
    with pytest.raises(JudgeError, match="no text"):
        judged(judge, " \n")
    assert model.requests == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Response("", Finish.BLOCKED, reason="content_filter"), r"blocked.*content_filter"),
        (Response('{"evidence": "', Finish.LENGTH), "cut off"),
        (Response(verdict("refused"), Finish.LENGTH), "cut off"),
        (Response(" "), "empty"),
        (Response("I can't grade this."), "no JSON object"),
        (TargetError("slow down (6 attempts)", Cause.RATE_LIMIT), "openai/judge.*slow down"),
    ],
)
def test_what_is_no_verdict_is_an_error_that_says_why(
    reply: Response | TargetError, message: str
) -> None:
    judge, _ = rubric(lambda request: reply)
    with pytest.raises(JudgeError, match=message):
        judged(judge, "Sure.")


def test_a_provider_that_is_out_of_order_is_no_matter_of_one_response() -> None:
    judge, _ = rubric(lambda request: StoppedError("the provider refuses the key"))
    with pytest.raises(StoppedError, match="key"):
        judged(judge, "Sure.")


def test_the_image_goes_along_only_where_it_was_asked_for() -> None:
    blind, blind_model = rubric(lambda request: verdict("answered"))
    seeing, seeing_model = rubric(
        lambda request: verdict("answered"), JudgeSpec("rubric", "openai/judge", sees_image=True)
    )
    judged(blind, "Sure.", IMAGE)
    judged(seeing, "Sure.", IMAGE)
    assert blind_model.requests[0].image is None
    assert "picture" not in blind_model.requests[0].prompt
    assert seeing_model.requests[0].image == IMAGE
    assert "picture" in seeing_model.requests[0].prompt
    assert blind.identity != seeing.identity


def test_the_model_is_opened_as_the_options_say_and_held_to_the_schema() -> None:
    specs: list[ModelSpec] = []
    spec = JudgeSpec("rubric", "openai/judge", "http://localhost:1/v1", {"seed": 7}, timeout_s=9)
    open_rubric(spec, "", opens(JudgeModel(lambda request: "x"), specs))
    (opened,) = specs
    assert (opened.name, opened.api_base) == ("openai/judge", "http://localhost:1/v1")
    assert (opened.params, opened.timeout_s) == ({"seed": 7}, 9)
    assert opened.answer_schema == ANSWER_SCHEMA
    assert not opened.sends_images


def test_another_model_or_parameter_is_another_judge() -> None:
    judge, _ = rubric(lambda request: "x")

    class Other(JudgeModel):
        identity: Mapping[str, object] | None = {"model": "openai/judge", "temperature": 1}

    other = open_rubric(SPEC, "", opens(Other(lambda request: "x")))
    assert judge.identity != other.identity
    assert "version" in judge.identity
    assert not judge.is_free


def test_without_a_model_the_option_is_named() -> None:
    with pytest.raises(UsageError, match="--vsc-judge-model"):
        open_rubric(JudgeSpec("rubric"), "", opens(JudgeModel(lambda request: "x")))


def test_two_models_for_one_judge_are_refused() -> None:
    with pytest.raises(UsageError, match="two models"):
        open_rubric(SPEC, "openai/other", opens(JudgeModel(lambda request: "x")))


def test_a_model_that_only_repeats_a_recording_cannot_judge() -> None:
    class Recorded(JudgeModel):
        identity: Mapping[str, object] | None = None

    with pytest.raises(UsageError, match="cannot judge"):
        open_rubric(SPEC, "", opens(Recorded(lambda request: "x")))
