"""A judge's model that waits its turn and tries again, by the policy that a target has too."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vscbench.engine.admission import Admission, Limits, Ticket
from vscbench.engine.faults import as_target_error
from vscbench.engine.purse import Purse
from vscbench.engine.wording import of_the_judge
from vscbench.errors import StoppedError, TargetError
from vscbench.models.protocol import Model, ParamValue, Price
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.reasoning.responses import set_apart
from vscbench.records import Request, Response

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class JudgeUsage:
    """What judging took in this run: requests sent, retries included, and what answers counted.

    Tokens and US dollars are ``None`` where no answer told them.
    """

    requests: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None


class PatientModel:
    """Asks a model within limits, and again after a passing fault.

    Once it is clear that no request will succeed (the key is refused, the provider is down, the
    budget is spent), every request gets the same ``StoppedError``, at once and unsent.
    """

    def __init__(
        self,
        model: Model,
        limits: Limits,
        purse: Purse | None = None,
        forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
    ) -> None:
        """Begin with nothing in flight.

        Args:
            model: asked once for each attempt; closed with this one.
            limits: concurrency and retries, and the price for a budget.
            purse: the money of the run, where it has a limit.
            forms: in which models mark their reasoning, which is no part of their answer.
        """
        self._model = model
        self._forms = forms
        self._admission = Admission(limits, purse)
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self.stopped: str | None = None
        self.usage = JudgeUsage()
        if purse is not None:
            purse.watchers.append(self._changed.set)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """The model's effective parameters."""
        return self._model.params

    @property
    def default_concurrency(self) -> int:
        """How many requests the model would like in flight."""
        return self._model.default_concurrency

    @property
    def identity(self) -> Mapping[str, object] | None:
        """Everything of the model that can change a response."""
        return self._model.identity

    @property
    def price(self) -> Price | None:
        """What a token costs."""
        return self._model.price

    async def respond(self, request: Request) -> Response:
        """Ask until there is an answer, or no hope of one.

        Raises:
            TargetError: this request failed, for good.
            StoppedError: every request will; says why, and what to do.
        """
        failures = 0
        while True:
            ticket = await self._admitted(request)
            try:
                return await self._ask(request, ticket)
            except TargetError as error:
                failures += 1
                delay = self._failed(ticket, error, failures)
                if delay is None:
                    tried = f" ({failures} attempts)" if failures > 1 else ""
                    raise TargetError(f"{error}{tried}", error.cause) from None
            await _wait(self._ended, delay)

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()

    async def _admitted(self, request: Request) -> Ticket:
        """Wait for a place in flight, first come first served."""
        clock = asyncio.get_running_loop().time
        async with self._turn:
            while True:
                self._require_going()
                self._changed.clear()
                admitted = self._admission.admit(clock(), request)
                if isinstance(admitted, Ticket):
                    return admitted
                if self._admission.stopped:
                    self._stop(self._admission.stopped)
                else:
                    await _wait(self._changed, admitted)

    async def _ask(self, request: Request, ticket: Ticket) -> Response:
        """Ask once; a fault of this request alone is raised as a ``TargetError``."""
        self._count(Response(""), requests=1)
        try:
            response = await self._model.respond(request)
        except asyncio.CancelledError:
            self._admission.released(ticket)
            self._changed.set()
            raise
        except Exception as fault:  # a defect of a model must not hang its case
            error = as_target_error(fault)
            if error is None:
                self._admission.released(ticket)
                self._stop(str(fault))
                self._require_going()
            raise error or fault from None
        self._admission.answered(asyncio.get_running_loop().time(), ticket, response)
        self._changed.set()
        self._count(response)
        return set_apart(response, self._forms)

    def _failed(self, ticket: Ticket, error: TargetError, failures: int) -> float | None:
        """Count a failure, and return in how many seconds to try again."""
        now = asyncio.get_running_loop().time()
        delay = self._admission.failed(now, ticket, error, failures)
        self._changed.set()
        if self._admission.stopped:
            self._stop(self._admission.stopped)
            self._require_going()
        return delay

    def _stop(self, why: str) -> None:
        self.stopped = self.stopped or f"the judge's model {self.name}: {of_the_judge(why)}"
        self._ended.set()
        self._changed.set()

    def _require_going(self) -> None:
        if self.stopped:
            raise StoppedError(self.stopped)

    def _count(self, response: Response, requests: int = 0) -> None:
        answer = JudgeUsage(
            requests, response.prompt_tokens, response.completion_tokens, response.cost_usd
        )
        self.usage = total_usage([self.usage, answer])


def total_usage(usages: Iterable[JudgeUsage]) -> JudgeUsage:
    """Add up what several models, or several answers, took."""
    total = JudgeUsage()
    for each in usages:
        total = JudgeUsage(
            total.requests + each.requests,
            _sum(total.prompt_tokens, each.prompt_tokens),
            _sum(total.completion_tokens, each.completion_tokens),
            _sum(total.cost_usd, each.cost_usd),
        )
    return total


def _sum(one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


async def _wait(event: asyncio.Event, longest_s: float | None) -> None:
    """Wait for an event, at most so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            await event.wait()
