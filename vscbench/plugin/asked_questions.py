"""The questions of utility that a run asks beside its pairs, read when they are first needed."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from vscbench.plugin.repeat import Repeat
from vscbench.plugin.settings import PROBE, Settings
from vscbench.records import FIRST_EPOCH, Pair

if TYPE_CHECKING:
    from vscbench.utility.questions import Question
    from vscbench.utility.reading import QuestionSet


class AskedQuestions:
    """The questions of the set that the options name, each asked in every epoch."""

    def __init__(self, settings: Settings) -> None:
        """Remember what was asked for; nothing is read yet."""
        self._settings = settings

    @cached_property
    def set(self) -> "QuestionSet":
        """The questions, of the skills that were asked for.

        Raises:
            VscbenchError: they cannot be opened, or there is no such skill.
        """
        # Imported here: most runs ask no question.
        from vscbench.utility.reading import of_skills, open_questions

        opened = open_questions(self._settings.utility or PROBE, self._settings.utility_base)
        return of_skills(opened, self._settings.skills)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Each question as the pair that it travels as."""
        from vscbench.utility.questions import as_pair

        return tuple(map(as_pair, self.set.questions))

    @property
    def repeats(self) -> Iterator[Repeat]:
        """Every case, questions by id and epochs in order."""
        for pair in self.pairs:
            for epoch in range(FIRST_EPOCH, self._settings.epochs + 1):
                yield Repeat(pair, epoch)

    @cached_property
    def repeat_by_id(self) -> Mapping[str, Repeat]:
        """The cases, by what stands in brackets in their test's id."""
        return {repeat.id: repeat for repeat in self.repeats}

    @cached_property
    def by_id(self) -> "Mapping[str, Question]":
        """The questions by their id."""
        return {question.id: question for question in self.set.questions}

    @cached_property
    def pair_by_id(self) -> Mapping[str, Pair]:
        """The pairs that the questions travel as, by their id."""
        return {pair.id: pair for pair in self.pairs}

    @property
    def planned(self) -> int:
        """How many cases there are."""
        return len(self.repeat_by_id)
