"""Many runs, one after the other: each of some models, asked by each of some methods."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from vscbench.engine.dispatcher import Progress
from vscbench.engine.purse import Purse
from vscbench.errors import StoppedError, UsageError, VscbenchError
from vscbench.methods.protocol import MethodSpec
from vscbench.models.hosted import HostedModel
from vscbench.models.kept_open import KeptOpen
from vscbench.models.local.remote import RemoteLocalModel
from vscbench.models.names import load_names
from vscbench.models.protocol import Model
from vscbench.models.served.model import ServedModel
from vscbench.plugin.finished_run import FinishedRun
from vscbench.plugin.plan import Plan
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.run import BenchmarkRun
from vscbench.plugin.selected import SelectedPairs
from vscbench.plugin.settings import Settings
from vscbench.plugin.subject import Subject, require_method
from vscbench.plugin.workplace import Workplace, purse_of

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """One model asked by one method, and the pairs that it is asked."""

    settings: Settings
    selected: SelectedPairs

    @property
    def name(self) -> str:
        """What it goes by in messages."""
        method = self.settings.method
        source = "" if method.source is None else f":{method.source}"
        return f"{self.settings.model} by {method.name}{source}"

    @property
    def repeats(self) -> list[Repeat]:
        """Every case: the pairs that have a query, then the questions, if any are asked."""
        questions = self.selected.questions.repeats if self.settings.utility is not None else ()
        return [*self.selected.repeat_by_id.values(), *questions]

    def check(self) -> None:
        """Check that the model can be asked by the method, and the method may be asked the pairs.

        Raises:
            VscbenchError: something cannot work.
        """
        method = self.selected.method
        has_images = any(repeat.pair.image for repeat in self.repeats)
        spec = self.settings.model_spec(method, sends_images=has_images)
        require_method(method, spec, load_names(self.settings.named_models))
        method.require_apart(self.selected.pairs)
        if self.settings.utility is not None:
            self.selected.require_distinct()


@dataclass
class Sweep:
    """A grid of runs over one store; the models of a row are opened once.

    ``finished`` are the runs that were made, in their order; ``failures`` say of each cell that
    was not what was in the way.
    """

    cells: Sequence[Cell]
    tell: Tell
    finished: list[FinishedRun] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _run: BenchmarkRun | None = None
    _done: Progress = field(default_factory=Progress)

    def check(self) -> None:
        """Check that every cell can work, as far as can be seen before anything is opened.

        Raises:
            VscbenchError: says of the first that cannot why.
        """
        for cell in self.cells:
            try:
                cell.check()
            except VscbenchError as error:
                raise type(error)(f"{cell.name}: {error}") from None

    def run(self) -> None:
        """Make every run; one that cannot be made does not keep the others from theirs."""
        for row in self._rows():
            workplace = workplace_of(row[0].settings, self.purse)
            try:
                for cell in row:
                    self._make(cell, workplace)
            finally:
                workplace.close()

    def plans(self) -> Iterator[Plan]:
        """Say what each run would ask; nothing is sent.

        Raises:
            VscbenchError: a model cannot be opened.
        """
        for row in self._rows():
            workplace = workplace_of(row[0].settings, self.purse)
            try:
                for cell in row:
                    yield self._prepared(cell, workplace).plan(cell.repeats)
            finally:
                workplace.close()

    def progress(self) -> Progress:
        """Return how far the whole grid is."""
        now = self._run.progress() if self._run is not None and self._run.has_begun else Progress()
        return replace(_sum(self._done, now), submitted=self.planned)

    @cached_property
    def purse(self) -> Purse | None:
        """What all runs may spend together, where there is a limit."""
        return purse_of(self.cells[0].settings)

    @cached_property
    def planned(self) -> int:
        """How many cases all runs have."""
        return sum(len(cell.repeats) for cell in self.cells)

    def _make(self, cell: Cell, workplace: Workplace) -> None:
        run = self._run = self._prepared(cell, workplace)
        try:
            run.begin(cell.repeats)
            for repeat in cell.repeats:
                run.outcome_of(repeat.pair, repeat.epoch)
        except StoppedError:
            pass  # its summary says why
        except VscbenchError as error:
            self.failures.append(f"{cell.name}: {error}")
        finally:
            self._end(cell, run)

    def _end(self, cell: Cell, run: BenchmarkRun) -> None:
        if run.has_begun:
            self._done = _sum(self._done, run.progress())
            finished = run.finish()
            self.finished.append(finished)
            missing = _without_grade(finished.summary)
            if missing:
                self.failures.append(f"{cell.name}: {missing} questions of utility have no grade")
            if finished.stopped:
                self.failures.append(f"{cell.name}: stopped, {finished.stopped}")
            self.tell(f"{cell.name}: {_told(finished.summary)}, {finished.folder}")
            for note in finished.notes:
                self.tell(f"{cell.name}: note: {note}")
        self._run = None

    def _prepared(self, cell: Cell, workplace: Workplace) -> BenchmarkRun:
        subject = Subject(cell.settings, cell.selected.method, workplace)
        return BenchmarkRun(cell.settings, cell.selected, subject)

    def _rows(self) -> Iterator[list[Cell]]:
        """Yield the cells of each model together, in the order in which the models were named."""
        rows: dict[str | None, list[Cell]] = {}
        for cell in self.cells:
            rows.setdefault(cell.settings.model, []).append(cell)
        yield from rows.values()


def cells_of(
    settings: Settings, models: Iterable[str], methods: Sequence[MethodSpec]
) -> Iterator[Cell]:
    """Yield a cell for each model and method.

    Args:
        settings: everything else of the runs.
        models: by name, each once.
        methods: each once.

    Raises:
        UsageError: a model or method is named twice, or none is.
    """
    named = [*models]
    if not named or not methods:
        raise UsageError("name a model at least (--models a,b), and a method (--methods none,c)")
    labels = [
        each.name if each.source is None else f"{each.name}:{each.source}" for each in methods
    ]
    for what, values in (("model", named), ("method", labels)):
        twice = [each for each in values if values.count(each) > 1]
        if twice:
            raise UsageError(f"the {what} {twice[0]} is named twice")
    for model in named:
        for method in methods:
            asked = replace(settings, model=model, method=method)
            yield Cell(asked, SelectedPairs(asked))


def workplace_of(settings: Settings, purse: Purse | None) -> Workplace:
    """Return where the runs of one model work, which spend from one purse with all others."""
    return Workplace(
        settings.store,
        settings.concurrency,
        settings.judge.name,
        lend=for_every_method,
        purse=purse,
    )


def for_every_method(model: Model) -> Model:
    """Lend a model that lives in another process so that a run does not end it; others close."""
    shared = isinstance(model, HostedModel | RemoteLocalModel | ServedModel)
    return KeptOpen(model) if shared else model


def _sum(one: Progress, other: Progress) -> Progress:
    return Progress(
        submitted=one.submitted + other.submitted,
        decided=one.decided + other.decided,
        errors=one.errors + other.errors,
        cached=one.cached + other.cached,
        asked=one.asked + other.asked,
        retried=one.retried + other.retried,
        in_flight=other.in_flight,
        room=other.room,
        paused_s=other.paused_s,
        spent_usd=one.spent_usd + other.spent_usd,
        last=other.last or one.last,
    )


def _told(summary: Mapping[str, Any]) -> str:
    counts = summary["counts"]
    return f"{counts['scored']} of {counts['planned']} cases scored"


def _without_grade(summary: Mapping[str, Any]) -> int:
    """Count the questions of which nothing can be said."""
    utility = summary.get("utility") or {"planned": 0, "scored": 0}
    return int(utility["planned"] - utility["scored"])
