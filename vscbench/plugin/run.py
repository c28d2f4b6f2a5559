"""One run: from the selected pairs, over the engine, to the files it leaves."""

import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import vscbench
from vscbench.engine.dispatcher import Dispatcher, Progress
from vscbench.engine.exchange import OutcomeServer
from vscbench.errors import UsageError
from vscbench.judges.open import open_judge
from vscbench.models.names import load_names
from vscbench.models.open import open_model
from vscbench.models.protocol import Model
from vscbench.pairs.images import require_images
from vscbench.pairs.open import open_pairs, pairs_sha256
from vscbench.pairs.selection import select
from vscbench.plugin.settings import Settings
from vscbench.records import Outcome, Pair, Request
from vscbench.report.outcomes import outcome_row, write_outcomes
from vscbench.report.summary import Run, summarise, usage_of, write_summary

FIRST_EPOCH = 1


class SelectedPairs:
    """The pairs of a run, read when they are first needed."""

    def __init__(self, settings: Settings) -> None:
        """Remember what was asked for; nothing is read yet."""
        self._settings = settings

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every selected pair, sorted by id.

        Raises:
            VscbenchError: the pairs cannot be opened, or the filters leave none.
        """
        settings = self._settings
        found = open_pairs(settings.pairs, settings.pairs_base)
        return select(found.pairs, settings.selection)

    @cached_property
    def by_id(self) -> Mapping[str, Pair]:
        """The selected pairs by their id."""
        return {pair.id: pair for pair in self.pairs}

    @property
    def planned(self) -> int:
        """How many cases the options plan: the selected pairs that have a query."""
        return sum(bool(pair.query) for pair in self.pairs)


@dataclass
class BenchmarkRun:
    """The run as the process sees it that asks the model, alone or for all workers."""

    settings: Settings
    selected: SelectedPairs
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _model: Model | None = None
    _dispatcher: Dispatcher | None = None
    _server: OutcomeServer | None = None
    _beginning: threading.Lock = field(default_factory=threading.Lock)

    @property
    def model_name(self) -> str:
        """What the system under test calls itself."""
        return self._begun.model_name

    @property
    def has_begun(self) -> bool:
        """Whether a model was opened and cases were submitted."""
        return self._dispatcher is not None

    def begin(self, pair_ids: Iterable[str]) -> None:
        """Check everything that can be checked, open the model, and keep requests in flight.

        Args:
            pair_ids: the pairs whose cases will run, in the order in which they will.

        Raises:
            VscbenchError: something cannot work; nothing was sent.
        """
        pairs = [self.selected.by_id[pair_id] for pair_id in pair_ids]
        if self._dispatcher is not None or not pairs:
            return
        judge = open_judge(self.settings.judge)
        require_images(self.selected.pairs)
        sends_images = any(pair.image for pair in self.selected.pairs)
        named = load_names(self.settings.named_models)
        self._model = open_model(self.settings.model_spec(sends_images=sends_images), named)
        make_folder(self.folder)
        self._dispatcher = Dispatcher(self._model, judge, self.concurrency)
        self._dispatcher.submit((pair, self._request(pair)) for pair in pairs)

    @property
    def concurrency(self) -> int:
        """How many requests are kept in flight."""
        default = self._model.default_concurrency if self._model else 1
        return self.settings.concurrency or default

    def outcome_of(self, pair: Pair) -> Outcome:
        """Wait for the outcome of a pair, asking for it if nobody has yet."""
        with self._beginning:
            self.begin([pair.id])
        self._begun.submit([(pair, self._request(pair))])
        return self._begun.outcome_of(pair)

    def serve(self) -> OutcomeServer:
        """Let other processes ask for outcomes; the same server each time."""
        if self._server is None:
            self._server = OutcomeServer(self, self.selected.by_id)
        return self._server

    def progress(self) -> Progress:
        """Return how far the run is."""
        return self._begun.progress()

    def params(self) -> Mapping[str, object]:
        """Return the effective parameters of the model."""
        return self._model.params if self._model else {}

    def finish(self) -> "FinishedRun":
        """End the engine, and write what was measured."""
        dispatcher = self._begun
        if self._server is not None:
            self._server.close()
        dispatcher.close()
        outcomes = dispatcher.delivered()
        summary = summarise(
            self._describe(outcomes),
            outcomes,
            self.selected.planned,
            len(self.selected.pairs) - self.selected.planned,
            usage_of(dispatcher.answered(), dispatcher.progress().asked),
        )
        rows = [outcome_row(each, self.settings.policy, self.settings.judge) for each in outcomes]
        write_outcomes(self.folder / "outcomes.jsonl", rows)
        write_summary(self.folder / "summary.json", summary)
        return FinishedRun(self.folder, summary, bool(outcomes))

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
        # Time first, so that runs sort; a random end, so that two at once never share a folder.
        return f"{self.started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"

    def _request(self, pair: Pair) -> Request:
        return Request(pair.id, FIRST_EPOCH, pair.prompt, pair.image, self.settings.system)

    def _describe(self, outcomes: Sequence[Outcome]) -> Run:
        settings = self.settings
        served = {each.response.served_model for each in outcomes if each.response}
        return Run(
            id=self._id,
            model=self.model_name,
            served_models=tuple(sorted(name for name in served if name)),
            params={**self.params(), **image_changes(outcomes)},
            method="none",
            judge=settings.judge,
            scoring=settings.policy.scoring,
            blocked=settings.policy.blocked,
            pairs=settings.pairs,
            pairs_sha256=pairs_sha256(self.selected.pairs),
            epochs=1,
            started=self.started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            version=vscbench.__version__,
        )


def image_changes(outcomes: Iterable[Outcome]) -> dict[str, object]:
    """Count how images were changed before they were sent; empty where none was."""
    changes = Counter(
        each.response.image_change
        for each in outcomes
        if each.response and each.response.image_change
    )
    return {"image_changes": dict(sorted(changes.items()))} if changes else {}


def make_folder(path: Path) -> None:
    """Make a folder before anything is paid for.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--vsc-report: cannot write to {path.parent} ({error.strerror or error})"
        ) from error


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a run left behind: its folder, and the content of its summary."""

    folder: Path
    summary: Mapping[str, object]
    has_outcomes: bool
