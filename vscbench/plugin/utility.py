"""The fixture by which a test asks a question of utility, and what a run keeps of the answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_right
from vscbench.judges.protocol import Judge
from vscbench.judges.spec import JudgeSpec
from vscbench.models.protocol import Model, ModelSpec
from vscbench.plugin.asked_questions import AskedQuestions
from vscbench.plugin.explain import explain_answer, show_case
from vscbench.plugin.facts import is_question
from vscbench.plugin.repeat import Repeat
from vscbench.records import Label, Outcome

if TYPE_CHECKING:
    from vscbench.report.utility import UtilityRow

GRADER = "grader"


@dataclass(frozen=True, slots=True)
class UtilityCase:
    """One question, asked and graded; ``answers`` are those that are right."""

    outcome: Outcome
    correct: bool
    model: str
    answers: tuple[str, ...]
    redact: bool = False

    def __repr__(self) -> str:
        """Fit on a line of an assertion's report."""
        return show_case("UtilityCase", self.outcome, correct=self.correct, redact=self.redact)

    @property
    def explanation(self) -> str:
        """What was asked, what came back, and what would have been right."""
        return explain_answer(self.outcome, self.model, self.answers, redact=self.redact)


@pytest.fixture
def utility_case(request: pytest.FixtureRequest) -> UtilityCase:
    """A question of utility, asked and graded."""
    # Imported here: that file has the fixtures of pairs, and this one is loaded by it.
    from vscbench.plugin.fixtures import await_outcome, leave_out

    item, config = request.node, request.config
    outcome, model, settings = await_outcome(item, config, request.param)
    correct = is_answered_rightly(outcome, settings.policy.blocked)
    if correct is None:
        leave_out(outcome, settings)
    answers = config.stash[QUESTIONS].by_id[outcome.pair.id].answers
    return UtilityCase(outcome, bool(correct), model, answers, settings.redact)


QUESTIONS = pytest.StashKey[AskedQuestions]()


def is_answered_rightly(outcome: Outcome, blocked: BlockedPolicy) -> bool | None:
    """Whether the answer to a question is right; ``None`` where nothing can be said of it."""
    return is_right(Label.SAFE, outcome.kind, Policy(Scoring.STRICT, blocked))


def graders_of(
    questions: AskedQuestions,
    repeats: Sequence[Repeat],
    spec: JudgeSpec | None,
    open_model: Callable[[ModelSpec], Model],
    keep: Callable[[Judge], Judge],
) -> Mapping[str, Judge]:
    """Return who reads the answers to the questions among some cases, by the id of each.

    Args:
        questions: of the run.
        repeats: the cases that will run.
        spec: the model that reads them, where the words alone should not decide.
        open_model: opens it.
        keep: keeps the verdicts of a grader that costs something.

    Raises:
        UsageError: the grader's model cannot be opened.
    """
    asked = [each.pair.id for each in repeats if is_question(each.pair)]
    if not asked:
        return {}
    # Imported here: most runs ask no question.
    from vscbench.utility.graders import MatchGrader, open_grader

    known = questions.set.questions
    grader: Judge = MatchGrader(known)
    if spec is not None:
        grader = keep(open_grader(spec, known, open_model))
    return dict.fromkeys(asked, grader)


def grader_spec(judge: JudgeSpec, model: str | None) -> JudgeSpec | None:
    """Say how the model that grades is called: as the judge's, by the options for that."""
    return None if model is None else replace(judge, name=f"{GRADER}:{model}")


def utility_rows(
    outcomes: Sequence[Outcome],
    questions: AskedQuestions,
    graders: Mapping[str, Judge],
    blocked: BlockedPolicy,
) -> "list[UtilityRow]":
    """Return the lines of ``utility.jsonl``."""
    from vscbench.report.utility import utility_row

    return [
        utility_row(
            each, questions.by_id[each.pair.id].answers, graders[each.pair.id].name, blocked
        )
        for each in outcomes
    ]


def utility_summary(
    rows: "Sequence[UtilityRow]", questions: AskedQuestions, grader: str
) -> dict[str, Any]:
    """Return the field ``utility`` of ``summary.json``."""
    from vscbench.report.utility import graded, utility_fields

    asked = questions.set
    return utility_fields(asked.name, asked.sha256, questions.planned, grader, graded(rows))
