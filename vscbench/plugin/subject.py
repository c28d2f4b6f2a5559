"""The system under test of a run, its judge and its store: opened together, closed together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from vscbench.engine.admission import DEFAULT_MAX_TOKENS, Limits
from vscbench.engine.archive import Archive, NoArchive, StoreArchive
from vscbench.engine.loop import LoopThread
from vscbench.engine.opening import is_remembered, open_hosted
from vscbench.engine.store import Store
from vscbench.errors import UsageError, VscbenchError
from vscbench.judges.open import open_judge
from vscbench.judges.protocol import Judge
from vscbench.models.cores import usable_cores
from vscbench.models.hosted import HostedOpening, sender_count
from vscbench.models.names import NamedModel, load_names
from vscbench.models.open import hosted_opening, open_model
from vscbench.models.protocol import Model, ModelSpec
from vscbench.models.sender_processes import SenderProcesses
from vscbench.plugin.settings import Settings

HOSTED_CONCURRENCY = 16


@dataclass
class Subject:
    """Opens what a run asks, as late as it can and as early as it helps.

    ``workers`` is the number of pytest-xdist's workers, or 0.
    """

    settings: Settings
    workers: int = 0
    _ahead: SenderProcesses | None = None

    def start_ahead(self) -> None:
        """Start the processes that will send, if it is clear that they will be needed.

        litellm takes seconds to import: they pass while pytest collects.
        """
        try:
            opening = self._hosted(sends_images=True)
            if opening is None or self._is_remembered(opening):
                return
        except VscbenchError:
            return  # told when the model is opened, after what is wrong with the pairs
        self._ahead = self._start_senders()

    def open(self, *, sends_images: bool) -> Model:
        """Open the system under test.

        Raises:
            VscbenchError: it cannot be used as asked; nothing was sent.
        """
        opening = self._hosted(sends_images=sends_images)
        if opening is None:
            return open_model(self._spec(sends_images=sends_images), self._names)
        ahead, self._ahead = self._ahead, None
        return open_hosted(opening, self.store, self.loop, self._start_senders, ahead)

    def open_judge(self) -> Judge:
        """Open the judge.

        Raises:
            UsageError: there is no such judge.
        """
        return open_judge(self.settings.judge)

    def archive(self, model: Model, judge: Judge) -> Archive:
        """Return where answers of this model and verdicts of this judge are kept."""
        if model.identity is None:
            return NoArchive()
        return StoreArchive(
            self.store, model.name, model.identity, judge, refresh=self.settings.refresh
        )

    def limits(self, model: Model) -> Limits:
        """Return what the run keeps to.

        Raises:
            UsageError: a budget cannot be kept, because nobody knows the price.
        """
        settings = self.settings
        if settings.most_usd is not None and model.price is None:
            raise UsageError(
                f"--vsc-max-cost: no price of {model.name} is known, so no budget can be kept. "
                "Leave it out, or say what a token costs, in US dollars: --vsc-param "
                "input_cost_per_token=2.5e-06 --vsc-param output_cost_per_token=1e-05"
            )
        return Limits(
            concurrency=settings.concurrency or model.default_concurrency,
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
            retries=settings.retries,
            most_usd=settings.most_usd,
            price=model.price,
            max_tokens=max_tokens(model.params),
        )

    @cached_property
    def loop(self) -> LoopThread:
        """Where requests run."""
        return LoopThread()

    @cached_property
    def store(self) -> Store:
        """The store, open for writing.

        Raises:
            StoreError: it cannot be used.
        """
        # Imported here: a run that asks nothing of a model needs no database.
        from vscbench.engine.sqlite_store import open_store

        return open_store(self.settings.store)

    def close(self) -> None:
        """End what was started and not handed on."""
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None
        if "store" in self.__dict__:
            self.store.close()
        if "loop" in self.__dict__:
            self.loop.close()

    @cached_property
    def _names(self) -> Mapping[str, NamedModel]:
        return load_names(self.settings.named_models)

    def _spec(self, *, sends_images: bool) -> ModelSpec:
        return self.settings.model_spec(sends_images=sends_images)

    def _hosted(self, *, sends_images: bool) -> HostedOpening | None:
        return hosted_opening(self._spec(sends_images=sends_images), self._names)

    def _is_remembered(self, opening: HostedOpening) -> bool:
        text_only = self._hosted(sends_images=False)
        openings = [each for each in (opening, text_only) if each]
        return any(is_remembered(self.store, each) for each in openings)

    def _start_senders(self) -> SenderProcesses:
        concurrency = self.settings.concurrency or HOSTED_CONCURRENCY
        return SenderProcesses(sender_count(concurrency, self.workers, usable_cores()))


def max_tokens(params: Mapping[str, object]) -> int:
    """Return how long an answer may be, in tokens, by a model's parameters."""
    named = (params.get(name) for name in ("max_completion_tokens", "max_tokens"))
    return next((value for value in named if isinstance(value, int)), DEFAULT_MAX_TOKENS)
