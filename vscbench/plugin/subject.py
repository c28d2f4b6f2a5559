"""The system under test of a run, its judge and its store: opened together, closed together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from vscbench.engine.admission import DEFAULT_MAX_TOKENS, Limits
from vscbench.engine.archive import Archive, NoArchive, StoreArchive
from vscbench.engine.judge_models import JudgeModels
from vscbench.engine.kept_judge import keeping
from vscbench.engine.loop import LoopThread
from vscbench.engine.opening import is_remembered, open_any
from vscbench.engine.purse import Purse
from vscbench.engine.store import Store
from vscbench.errors import UsageError, VscbenchError
from vscbench.judges.open import open_judge
from vscbench.judges.protocol import Judge
from vscbench.methods.protocol import Method
from vscbench.models.local.opening import LOG_NAME
from vscbench.models.names import NamedModel, load_names
from vscbench.models.open import PYTHON, RECORDED, hosted_opening, local_opening
from vscbench.models.protocol import Model, ModelSpec
from vscbench.models.sender_pool import Opening, Pools
from vscbench.models.through_method import ThroughMethod
from vscbench.plugin.asked_questions import AskedQuestions
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.settings import Settings
from vscbench.plugin.utility import grader_spec, graders_of
from vscbench.plugin.workplace import Workplace
from vscbench.records import NO_METHOD


@dataclass
class Subject:
    """Opens what a run asks, as late as it can and as early as it helps.

    ``method`` is how it is asked, ``workplace`` where.
    """

    settings: Settings
    method: Method
    workplace: Workplace

    def start_ahead(self) -> None:
        """Start the processes that will send, if it is clear that they will be needed.

        litellm and torch take seconds to import: they pass while pytest collects.
        """
        try:
            spec = self._spec(sends_images=True)
            local = local_opening(spec, self._names)
            opening: Opening | None = local or hosted_opening(spec, self._names)
            if opening is None or self._is_remembered():
                return
            pool = self.pools.hosted if local is None else self.pools.local
            pool.senders = pool.start()
        except VscbenchError:
            return  # told when the model is opened, after what is wrong with the pairs

    def slow_opening(self) -> str | None:
        """Say what will take its time before anything is asked, if something will.

        Raises:
            VscbenchError: the model cannot be opened.
        """
        local = local_opening(self._spec(sends_images=True), self._names)
        if local is None or self._is_remembered():
            return None
        log = self.settings.store.parent / LOG_NAME
        return (
            f"opening {local.source}: it is fetched if it is not here, and its weights are "
            f"digested; the log is {log}"
        )

    def open(self, *, sends_images: bool) -> Model:
        """Open the system under test.

        Raises:
            VscbenchError: it cannot be used as asked; nothing was sent.
        """
        spec = self._spec(sends_images=sends_images)
        require_method(self.method, spec, self._names)
        model = self._open(spec)
        self.method.require_model(model.name, model.identity)
        if self.method.name == NO_METHOD:
            return model
        return ThroughMethod(model, self.method, self.settings.reasoning)

    def open_judge(self) -> Judge:
        """Open the judge, and the models behind it.

        Raises:
            UsageError: there is no such judge, or it cannot be used as asked; nothing was sent.
        """
        keep = keeping(lambda: self.store, offline=self.settings.offline)
        return open_judge(self.settings.judge, self.judge_models, keep)

    def graders(self, questions: AskedQuestions, repeats: Sequence[Repeat]) -> Mapping[str, Judge]:
        """Return who reads the answers to the questions among some cases, by the id of each.

        Raises:
            UsageError: a grader cannot be opened; nothing was sent.
        """
        spec = grader_spec(self.settings.judge, self.settings.grader)
        keep = keeping(lambda: self.store, offline=self.settings.offline)
        return graders_of(questions, repeats, spec, self.judge_models, keep)

    def archive(self, model: Model, judge: Judge) -> Archive:
        """Return where answers of this model and verdicts of this judge are kept."""
        if not keeps(model, judge):
            return NoArchive(self.settings.reasoning)
        return StoreArchive(
            self.store,
            model.name,
            model.identity,
            judge,
            refresh=self.settings.refresh,
            forms=self.settings.reasoning,
        )

    def limits(self, model: Model) -> Limits:
        """Return what the requests to the system under test keep to.

        Raises:
            UsageError: a budget cannot be kept, because nobody knows the price.
        """
        settings = self.settings
        self._require_price(model, "--vsc-param")
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
    def judge_models(self) -> JudgeModels:
        """The models behind the judge."""
        forms = self.settings.reasoning
        return JudgeModels(self._open, self._judge_limits, self.purse, forms)

    @property
    def purse(self) -> Purse | None:
        """What the system under test and the judge may spend together, where there is a limit."""
        return self.workplace.purse

    @property
    def loop(self) -> LoopThread:
        """Where requests run."""
        return self.workplace.loop

    @property
    def pools(self) -> Pools:
        """The processes in which the models of the run live."""
        return self.workplace.pools

    @property
    def store(self) -> Store:
        """The store, open for writing.

        Raises:
            StoreError: it cannot be used.
        """
        return self.workplace.store

    def close(self) -> None:
        """End what was started."""
        self.workplace.close()

    @cached_property
    def _names(self) -> Mapping[str, NamedModel]:
        return load_names(self.settings.named_models)

    def _open(self, spec: ModelSpec) -> Model:
        found = open_any(spec, self._names, lambda: self.store, self.loop, self.pools)
        return self.workplace.lend(found)

    def _spec(self, *, sends_images: bool) -> ModelSpec:
        return self.settings.model_spec(self.method, sends_images=sends_images)

    def _is_remembered(self) -> bool:
        """Whether the model was opened before, be it for pairs with images or without."""
        specs = [self._spec(sends_images=each) for each in (True, False)]
        openings: list[Opening | None] = [
            local_opening(spec, self._names) or hosted_opening(spec, self._names) for spec in specs
        ]
        return any(is_remembered(self.store, each) for each in openings if each)

    def _judge_limits(self, model: Model) -> Limits:
        """Return what the requests to a judge's model keep to; the rates are the target's alone."""
        self._require_price(model, "--vsc-judge-param")
        return Limits(
            concurrency=self.settings.concurrency or model.default_concurrency,
            retries=self.settings.retries,
            most_usd=self.settings.most_usd,
            price=model.price,
            max_tokens=max_tokens(model.params),
        )

    def _require_price(self, model: Model, option: str) -> None:
        if self.settings.most_usd is not None and model.price is None:
            raise UsageError(
                f"--vsc-max-cost: no price of {model.name} is known, so no budget can be kept. "
                f"Leave it out, or say what a token costs, in US dollars: {option} "
                f"input_cost_per_token=2.5e-06 {option} output_cost_per_token=1e-05"
            )


def require_method(method: Method, spec: ModelSpec, named: Mapping[str, NamedModel]) -> None:
    """Check that a model of this kind can be asked by a method.

    Raises:
        UsageError: it cannot; says which can.
    """
    if method.name == NO_METHOD:
        return
    asked = f"--vsc-method {method.name}"
    if spec.name.startswith(RECORDED):
        raise UsageError(
            f"{asked}: {spec.name} was answered already; record responses that were asked by it"
        )
    if spec.name.startswith(PYTHON) and spec.sends_demonstrations:
        raise UsageError(
            f"{asked}: {spec.name} is called with one question, not with a conversation; choose "
            "another method"
        )
    if method.revises_activations and local_opening(spec, named) is None:
        raise UsageError(
            f"{asked}: it changes activations, which can be reached only in weights that are "
            f"loaded here, and {spec.name} is not: take --model=local:PATH_OR_ID, or a method that "
            "changes the request (safety-prompt, few-shot, chain-of-thought)"
        )


def keeps(model: Model, judge: Judge) -> bool:
    """Whether anything of a run is kept in the store: what costs something, or may."""
    return model.identity is not None or not judge.is_free


def max_tokens(params: Mapping[str, object]) -> int:
    """Return how long an answer may be, in tokens, by a model's parameters."""
    named = (params.get(name) for name in ("max_completion_tokens", "max_tokens"))
    return next((value for value in named if isinstance(value, int)), DEFAULT_MAX_TOKENS)
