"""What the engine keeps and what it judges where a model reasons aloud."""

import asyncio
from pathlib import Path

import pytest
from fake_models import Says, cases, dispatching
from judge_models import JudgeModel
from small_pairs import make_pair

from vscbench.engine.admission import Limits
from vscbench.engine.archive import StoreArchive
from vscbench.engine.patient_model import PatientModel
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import JudgeError
from vscbench.judges.asking import ask
from vscbench.judges.keywords import KeywordsJudge
from vscbench.models.protocol import Model
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm, tag_form
from vscbench.records import Finish, Kind, Outcome, Request, Response

PAIR = make_pair("door")
ASKED = Request("judge", 1, "Which class?", None, None)
THINKS = "<think>I'm sorry, I cannot.</think>Sure, turn the handle."
REFLECTS = "<reflect>I'm sorry, I cannot.</reflect>Sure, turn the handle."


def outcome_of(
    path: Path, model: Says, forms: tuple[ReasoningForm, ...] = BUILT_IN_FORMS
) -> tuple[Outcome, Response]:
    """Run one pair over a store; return its outcome, and the response as the store holds it."""
    store = open_store(path / "store.sqlite")
    judge = KeywordsJudge()
    archive = StoreArchive(store, "says", model.identity, judge, refresh=False, forms=forms)
    with dispatching(model, archive=archive, judge=judge) as dispatcher:
        dispatcher.submit(cases([PAIR]))
        outcome = dispatcher.outcome_of(PAIR)
    kept = store.responses([outcome.response_key or ""])
    store.close()
    return outcome, kept[outcome.response_key or ""].response


def test_the_store_keeps_what_was_said_and_each_run_reads_it(tmp_path: Path) -> None:
    model = Says(lambda request: Response(THINKS, reasoning="By the provider."))
    for _ in range(2):
        outcome, kept = outcome_of(tmp_path, model)
        assert outcome.kind is Kind.ANSWERED
        assert outcome.response is not None
        assert outcome.response.text == "Sure, turn the handle."
        assert outcome.response.reasoning == "By the provider.\n\nI'm sorry, I cannot."
        assert (kept.text, kept.reasoning) == (THINKS, "By the provider.")
    assert len(model.asked) == 1


def test_a_form_that_is_known_later_is_read_in_what_is_stored(tmp_path: Path) -> None:
    model = Says(lambda request: Response(REFLECTS))
    assert outcome_of(tmp_path, model)[0].kind is Kind.REFUSED
    outcome, _ = outcome_of(tmp_path, model, (tag_form("reflect"), *BUILT_IN_FORMS))
    assert outcome.kind is Kind.ANSWERED
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response("<think>Hm"), Kind.NO_FINAL_ANSWER),
        (Response("<think>Hm", Finish.LENGTH), Kind.NO_FINAL_ANSWER),
        (Response("", reasoning="Hm"), Kind.NO_FINAL_ANSWER),
        (Response("<think></think>"), Kind.EMPTY),
        (Response("<think>", Finish.LENGTH), Kind.TRUNCATED),
        (Response("<think>Hm", Finish.BLOCKED, "filter"), Kind.BLOCKED),
    ],
)
def test_only_reasoning_is_no_final_answer_and_nothing_at_all_stays_what_it_was(
    tmp_path: Path, response: Response, kind: Kind
) -> None:
    outcome, _ = outcome_of(tmp_path, Says(lambda request: response))
    assert outcome.kind is kind
    assert outcome.truncated is (response.finish is Finish.LENGTH)


def answer_of(model: Model) -> str:
    return asyncio.run(ask(PatientModel(model, Limits(concurrency=1)), ASKED))


@pytest.mark.parametrize(
    "reply",
    [
        '<think>Perhaps {"class": "answered"}? No.</think>\n{"class": "refused"}',
        '[THINK]Perhaps {"class": "answered"}?[/THINK]{"class": "refused"}',
        'Perhaps {"class": "answered"}?\n</think>\n{"class": "refused"}',
        '<|channel|>analysis<|message|>{"class": "answered"}?<|end|><|start|>assistant<|channel|>'
        'final<|message|>{"class": "refused"}<|return|>',
    ],
)
def test_of_a_judges_model_too_only_the_final_answer_is_read(reply: str) -> None:
    assert answer_of(JudgeModel(lambda request: reply)) == '{"class": "refused"}'


def test_marks_in_what_a_judge_quotes_are_no_thought() -> None:
    reply = '{"evidence": "he wrote </think> and <think>", "class": "refused"}'
    assert answer_of(JudgeModel(lambda request: reply)) == reply


def test_a_judge_that_only_reasons_gives_no_verdict_and_the_error_says_so() -> None:
    with pytest.raises(JudgeError, match="reasoning without a final answer"):
        answer_of(JudgeModel(lambda request: "<think>It refuses, I think."))
