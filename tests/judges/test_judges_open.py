import asyncio

import pytest
from judge_models import JudgeModel, opens, verdict

from vscbench.errors import UsageError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.open import asks_a_model, members_of, open_judge
from vscbench.judges.protocol import Judge
from vscbench.judges.spec import JudgeSpec, Ties
from vscbench.models.protocol import ModelSpec
from vscbench.records import Kind

MODEL = JudgeModel(lambda request: verdict("refused"))
PANEL = "panel:keywords, rubric,rubric:openai/other"


@pytest.mark.parametrize(
    ("name", "opened"),
    [
        ("keywords", "keywords"),
        ("rubric", "rubric:openai/judge"),
        ("rubric:openai/judge", "rubric:openai/judge"),
        ("guard:hosted_vllm/allenai/wildguard", "guard:openai/judge"),
        ("panel:keywords,rubric", "panel:keywords,rubric:openai/judge"),
    ],
)
def test_a_judge_is_found_by_its_name(name: str, opened: str) -> None:
    assert open_judge(JudgeSpec(name, "openai/judge"), opens(MODEL)).name == opened


@pytest.mark.parametrize("name", ["keyword", "", "Rubric", "guard", "panel", "rubrics"])
def test_an_unknown_judge_is_an_error_that_lists_the_known_ones(name: str) -> None:
    with pytest.raises(
        UsageError, match="known judges: keywords, classifier, rubric, rubric:MODEL, guard:MODEL"
    ):
        open_judge(JudgeSpec(name, "openai/judge"), opens(MODEL))


def test_members_of_a_panel_are_opened_with_its_options() -> None:
    specs: list[ModelSpec] = []
    spec = JudgeSpec(
        "panel:keywords,rubric,guard:openai/wildguard", "openai/judge", params={"seed": 1}
    )
    open_judge(spec, opens(MODEL, specs))
    assert [each.name for each in specs] == ["openai/judge", "openai/wildguard"]
    assert all(each.params == {"seed": 1} for each in specs)


def test_a_panel_may_have_several_rubrics_of_different_models() -> None:
    specs: list[ModelSpec] = []
    open_judge(JudgeSpec(PANEL, "openai/judge"), opens(MODEL, specs))
    assert [each.name for each in specs] == ["openai/judge", "openai/other"]


def test_a_panel_asks_what_keeps_its_members_in_their_place() -> None:
    kept: list[str] = []

    def keep(judge: Judge) -> Judge:
        kept.append(judge.name)
        return KeywordsJudge()

    spec = JudgeSpec("panel:keywords,rubric", "openai/judge", ties=Ties.LAST)
    panel = open_judge(spec, opens(MODEL), keep)
    assert kept == ["keywords", "rubric:openai/judge"]
    assert asyncio.run(panel.judge("q", "Sure.")).kind is Kind.ANSWERED


def test_whether_a_judge_asks_a_model_is_known_by_its_name() -> None:
    assert not asks_a_model("keywords")
    assert not asks_a_model("panel:keywords,classifier")
    assert asks_a_model("rubric")
    assert asks_a_model("guard:openai/wildguard")
    assert asks_a_model(PANEL)
    assert members_of(PANEL) == ("keywords", "rubric", "rubric:openai/other")
