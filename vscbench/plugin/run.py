"""One run: from the selected pairs, over the engine, to the files it leaves."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vscbench
from vscbench.engine.archive import Archive
from vscbench.engine.dispatcher import Dispatcher, Progress
from vscbench.engine.exchange import OutcomeServer
from vscbench.engine.whole_images import (
    not_stored,
    require_whole_images,
    with_unseen_images,
)
from vscbench.errors import UsageError
from vscbench.judges.open import require_labels
from vscbench.judges.protocol import Judge
from vscbench.models.protocol import Model
from vscbench.pairs.images import require_images
from vscbench.pairs.open import pairs_sha256
from vscbench.plugin.explain import without_quotes
from vscbench.plugin.facts import (
    distinct,
    image_changes,
    is_failed_test,
    is_question,
    on_repeats,
)
from vscbench.plugin.finished_run import FinishedRun, make_folder
from vscbench.plugin.gate import OpenGate
from vscbench.plugin.pictures import pictures_ahead
from vscbench.plugin.plan import Plan, make_plan
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.selected import SelectedPairs
from vscbench.plugin.settings import Settings
from vscbench.plugin.subject import Subject, keeps
from vscbench.plugin.utility import utility_rows, utility_summary
from vscbench.records import FIRST_EPOCH, Outcome, Pair, Request
from vscbench.report.gate import NO_GATE, gate_fields
from vscbench.report.markdown import without_examples
from vscbench.report.past_run import new_run_id
from vscbench.report.run_files import (
    build_annotations,
    tell_step_summary,
    write_answers,
    write_numbers,
    write_reports,
)
from vscbench.report.run_pairs import selection_fields
from vscbench.report.summary import Run, judge_usage, summarise, usage_of

if TYPE_CHECKING:
    from vscbench.report.html.thumbnails_ahead import ThumbnailsAhead


@dataclass
class BenchmarkRun:
    """The run as the process sees it that asks the model, alone or for all workers.

    ``most_failures`` is pytest's ``--maxfail``, 0 for any number.
    """

    settings: Settings
    selected: SelectedPairs
    subject: Subject
    most_failures: int = 0
    gate: OpenGate | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _model: Model | None = None
    _judge: Judge | None = None
    _dispatcher: Dispatcher | None = None
    _server: OutcomeServer | None = None
    _pictures: "ThumbnailsAhead | None" = None
    _graders: Mapping[str, Judge] = field(default_factory=dict)
    _beginning: threading.Lock = field(default_factory=threading.Lock)

    @property
    def model_name(self) -> str:
        """What the system under test calls itself."""
        return self._begun.model_name

    @property
    def has_begun(self) -> bool:
        """Whether a model was opened and cases were submitted."""
        return self._dispatcher is not None

    def begin(self, repeats: Iterable[Repeat]) -> None:
        """Check everything that can be checked, open the model, and keep requests in flight.

        Args:
            repeats: the cases that will run, in the order in which they will.

        Raises:
            VscbenchError: something cannot work; nothing was sent.
        """
        repeats = list(repeats)
        cases = self.selected.cases(repeats)
        if self._dispatcher is not None or not cases:
            return
        model, judge = self._open(cases)
        questions = self.selected.questions
        self._graders = self.subject.graders(questions, repeats)
        if self.gate is not None:
            self.gate.require_same_judge(judge.name)
        limits = self.subject.limits(model)
        archive = self.subject.archive(model, judge)
        try:
            self._require_whole_images(cases, model, judge, archive)
        except BaseException:
            archive.close()
            raise
        make_folder(self.folder)
        self._dispatcher = Dispatcher(
            model=model,
            judge=judge,
            limits=limits,
            loop=self.subject.loop,
            archive=archive,
            graders=self._graders,
            purse=self.subject.purse,
            offline=self.settings.offline,
            most_failures=self.most_failures,
            is_failure=lambda outcome: is_failed_test(outcome, self.settings.policy),
        )
        self._dispatcher.submit(cases)
        self._pictures = pictures_ahead((pair for pair, _ in cases), self.settings.store)

    def plan(self, repeats: Iterable[Repeat]) -> Plan:
        """Say what ``begin`` would ask; nothing is sent.

        Raises:
            VscbenchError: something cannot work.
        """
        cases = self.selected.cases(repeats)
        model, judge = self._open(cases)
        limits = self.subject.limits(model)
        archive = self.subject.archive(model, judge)
        making = make_plan(model, judge, limits, archive, cases)
        return self.subject.loop.run(making)

    @property
    def concurrency(self) -> int:
        """How many requests are kept in flight at most."""
        return self._begun.limits.concurrency

    def outcome_of(self, pair: Pair, epoch: int = FIRST_EPOCH) -> Outcome:
        """Wait for the outcome of a case, asking for it if nobody has yet."""
        if self._dispatcher is None:
            with self._beginning:
                self.begin([Repeat(pair, epoch)])
        if not self._begun.knows(pair, epoch):
            self._begun.submit(self.selected.cases([Repeat(pair, epoch)]))
        return self._begun.outcome_of(pair, epoch)

    def serve(self) -> OutcomeServer:
        """Let other processes ask for outcomes; the same server each time."""
        if self._server is None:
            self._server = OutcomeServer(self, self.selected.pair_of)
        return self._server

    def progress(self) -> Progress:
        """Return how far the run is."""
        return self._begun.progress()

    def params(self) -> Mapping[str, object]:
        """Return the effective parameters of the model."""
        return self._model.params if self._model else {}

    def announcements(self) -> list[str]:
        """Return what a person should know before the first answer: what may take its time."""
        servers = self.subject.pools.servers.known
        return [] if self.settings.offline else [server.announcement for server in servers]

    def finish(self) -> FinishedRun:
        """End the engine, and write what was measured."""
        dispatcher = self._begun
        stopped = dispatcher.stopped
        if self._server is not None:
            self._server.close()
        dispatcher.close()
        delivered = dispatcher.delivered()
        outcomes = [each for each in delivered if not is_question(each.pair)]
        gate = self._gate_fields(outcomes)
        redact = self.settings.redact
        whole = {
            **self._summarise(dispatcher, outcomes),
            **self._utility([each for each in delivered if is_question(each.pair)]),
            "gate": gate,
        }
        summary = without_examples(whole) if redact else whole
        policy = self.settings.policy
        write_numbers(self.folder, summary, outcomes, policy, self.judge_name)
        remarks = (
            *write_reports(
                self.folder,
                summary,
                outcomes,
                redact=redact,
                pictures=self._pictures.collect if self._pictures else None,
            ),
            *tell_step_summary(self.folder),
        )
        progress = dispatcher.progress()
        return FinishedRun(
            folder=self.folder,
            summary=summary,
            has_outcomes=bool(outcomes),
            notes=(
                *dispatcher.notes,
                *self.subject.pools.local.notes,
                *on_repeats(self.settings.epochs, self.params()),
                *remarks,
            ),
            stopped=without_quotes(stopped) if stopped and redact else stopped,
            unanswered=progress.submitted - progress.decided,
            store=self.settings.store if self._keeps else None,
            gate_passed=gate["passed"],
            annotations=build_annotations(summary, outcomes, redact=redact),
        )

    def abandon(self) -> None:
        """End what was started for a run; nothing happens after one that finished."""
        if self._pictures is not None:
            self._pictures.abandon()
        self.subject.close()

    @cached_property
    def folder(self) -> Path:
        """Where the run's files go."""
        return self.settings.report / self._id

    @property
    def _begun(self) -> Dispatcher:
        if self._dispatcher is None:
            raise UsageError("the run has not begun: no case of the benchmark was collected")
        return self._dispatcher

    @cached_property
    def _id(self) -> str:
        return new_run_id(self.started)

    @property
    def judge_name(self) -> str:
        """What the judge calls itself; before the run has begun, what it was asked for by."""
        return self._judge.name if self._judge else self.settings.judge.name

    @property
    def _keeps(self) -> bool:
        return (
            self._model is not None and self._judge is not None and keeps(self._model, self._judge)
        )

    def _open(self, cases: Sequence[tuple[Pair, Request]]) -> tuple[Model, Judge]:
        asked = [pair for pair, _ in cases]
        judged = {each.label for each in asked if not is_question(each)}
        # A run of questions alone needs nothing of the pairs beside them.
        selected = self.selected.pairs if judged else ()
        involved = [*{pair.id: pair for pair in (*selected, *asked)}.values()]
        require_images(involved)
        self.selected.method.require_apart(involved)
        require_labels(self.settings.judge.name, judged)
        self._model = self.subject.open(sends_images=any(each.image for each in asked))
        self._judge = self.subject.open_judge()
        return self._model, self._judge

    def _require_whole_images(
        self, cases: Sequence[tuple[Pair, Request]], model: Model, judge: Judge, archive: Archive
    ) -> None:
        """Check that what will be sent decodes; nothing is decoded that is stored, or was before.

        Raises:
            DataError: an image does not; nothing was sent.
        """
        sends_images = model.identity is not None or judge.sees_image
        if self.settings.offline or not sends_images:
            return
        unseen = with_unseen_images(cases, self.subject.store)
        if unseen:
            asked = self.subject.loop.run(not_stored(unseen, archive, judge))
            require_whole_images(asked, self.subject.store)

    def _utility(self, answers: Sequence[Outcome]) -> dict[str, object]:
        """Write down how questions were answered; nothing where none was asked."""
        if not answers:
            return {}
        questions = self.selected.questions
        rows = utility_rows(answers, questions, self._graders, self.settings.policy.blocked)
        write_answers(self.folder, rows)
        grader = next(iter(self._graders.values())).name
        return {"utility": utility_summary(rows, questions, grader)}

    def _gate_fields(self, outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
        if self.gate is None:
            return NO_GATE
        policy, today = self.settings.policy, self.started.date()
        return gate_fields(self.gate.decide(outcomes, self.selected, policy, today))

    def _summarise(self, dispatcher: Dispatcher, outcomes: Sequence[Outcome]) -> dict[str, object]:
        progress = dispatcher.progress()
        usage = usage_of(
            dispatcher.answered(),
            requests=progress.asked,
            cached=progress.cached,
            spent_usd=progress.spent_usd,
        )
        if self.subject.judge_models.opened:
            usage |= judge_usage(**asdict(self.subject.judge_models.usage))
        return summarise(
            self._describe(outcomes),
            outcomes,
            self.selected.planned,
            self.selected.without_query,
            usage,
        )

    def _describe(self, outcomes: Sequence[Outcome]) -> Run:
        settings = self.settings
        responses = [each.response for each in outcomes if each.response]
        return Run(
            id=self._id,
            model=self.model_name,
            served_models=distinct(each.served_model for each in responses),
            fingerprints=distinct(each.fingerprint for each in responses),
            params={**self.params(), **image_changes(outcomes)},
            method=self.selected.method.name,
            method_params=dict(self.selected.method.params),
            judge=self.judge_name,
            scoring=settings.policy.scoring,
            blocked=settings.policy.blocked,
            pairs=settings.pairs,
            pairs_sha256=pairs_sha256(self.selected.pairs),
            epochs=settings.epochs,
            started=self.started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            version=vscbench.__version__,
            selection=selection_fields(settings.selection),
        )
