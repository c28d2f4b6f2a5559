"""Judging many responses outside of a pytest run: for an audit, or for a run that is finished."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from vscbench.engine.admission import Limits
from vscbench.engine.judge_models import JudgeModels
from vscbench.engine.kept_judge import keeping
from vscbench.engine.loop import LoopThread
from vscbench.engine.opening import open_any, start_local
from vscbench.engine.patient_model import JudgeUsage
from vscbench.engine.store import Store
from vscbench.engine.store_writer import StoreWriter
from vscbench.engine.verdicts import NoVerdicts, StoredVerdicts, Verdicts
from vscbench.engine.wording import of_a_command
from vscbench.errors import JudgeError, StoppedError, StoreError, UsageError
from vscbench.judges.open import open_judge
from vscbench.judges.protocol import Judge
from vscbench.judges.spec import JudgeSpec
from vscbench.models.cores import usable_cores
from vscbench.models.hosted import IN_FLIGHT_A_SENDER, sender_count
from vscbench.models.names import NamedModel, load_names
from vscbench.models.sender_pool import Pools, SenderPool
from vscbench.models.sender_processes import SenderProcesses
from vscbench.models.served.servers import Servers
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.records import Turn, Verdict

CLOSE_S = 10.0
DEFAULT_RETRIES = 5
NOTHING_TO_JUDGE = "there is no final answer, so no judge reads it"
Progress = Callable[[int], None]
Said = Verdict | JudgeError


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge that is open, the loop it works on, and the verdicts it has given.

    ``forms`` are those in which models may mark their reasoning.
    """

    judge: Judge
    verdicts: Verdicts
    models: JudgeModels
    loop: LoopThread
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS

    @property
    def usage(self) -> JudgeUsage:
        """What judging took so far."""
        return self.models.usage

    def judge_all(
        self, turns: Sequence[Turn], progress: Progress = lambda done: None
    ) -> list[Said]:
        """Return the verdict on each turn, in the order given, or why there is none.

        Args:
            turns: what is to be judged; the same words are judged once.
            progress: told, on another thread, how many are done.

        Raises:
            StoppedError: the judge's provider is down or refuses the key; what was given is kept.
            StoreError: a verdict that was paid for could not be written.
        """
        try:
            said = self.loop.run(self._judge_all(turns, progress))
        except StoppedError as error:
            raise StoppedError(of_a_command(str(error))) from None
        if self.verdicts.unkept:
            raise StoreError(self.verdicts.unkept)
        return said

    async def _judge_all(self, turns: Sequence[Turn], progress: Progress) -> list[Said]:
        done = 0

        async def judge_one(turn: Turn) -> Said:
            nonlocal done
            said = await self._judge(turn)
            done += 1
            progress(done)
            return said

        if self.verdicts.are_free:
            return [await judge_one(turn) for turn in turns]
        judging = [asyncio.create_task(judge_one(turn)) for turn in turns]
        try:
            return list(await asyncio.gather(*judging))
        finally:
            for task in judging:
                task.cancel()  # one that is done stays as it is

    async def _judge(self, turn: Turn) -> Said:
        if not turn.response.strip():
            return JudgeError(NOTHING_TO_JUDGE)
        try:
            return await self.verdicts.of(turn)
        except JudgeError as error:
            return error
        except (StoppedError, StoreError):
            raise
        except Exception as error:  # a defect of a judge is one turn's
            return JudgeError(f"{type(error).__name__}: {error}")


@contextmanager
def judging(  # noqa: PLR0913 - what a command says of one judge
    spec: JudgeSpec,
    *,
    store: Store | None,
    concurrency: int | None = None,
    retries: int = DEFAULT_RETRIES,
    named: Mapping[str, NamedModel] | None = None,
    offline: bool = False,
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
) -> Iterator[Bench]:
    """Open a judge for the length of a ``with`` block.

    Args:
        spec: the judge.
        store: where its verdicts are found and kept; stays the caller's to close.
        concurrency: requests in flight; by default what its model takes.
        retries: further attempts after a passing fault.
        named: short names of models; by default the packaged ones.
        offline: whether a judge that costs something is asked nothing.
        forms: in which models may mark their reasoning, the judge's too.

    Raises:
        UsageError: there is no such judge, or it cannot be used as asked; nothing was sent.
    """
    with ExitStack() as closing:
        loop = LoopThread()
        closing.callback(loop.close)
        senders = sender_count(concurrency or IN_FLIGHT_A_SENDER, 0, usable_cores())
        pools = Pools(
            SenderPool(lambda: SenderProcesses(senders)),
            SenderPool(lambda: start_local(Path(mkdtemp(prefix="vscbench-"), "store"))),
            Servers(Path(gettempdir())),
        )
        closing.callback(lambda: loop.run(pools.close(), CLOSE_S))
        table = load_names({}) if named is None else named
        models = JudgeModels(
            lambda each: open_any(each, table, lambda: store, loop, pools),
            lambda model: Limits(concurrency or model.default_concurrency, retries=retries),
            forms=forms,
        )
        try:
            judge = open_judge(spec, models, _keeping(store, offline=offline))
        except UsageError as error:
            raise UsageError(of_a_command(str(error))) from None
        verdicts = _verdicts(judge, store, closing, offline=offline)
        closing.callback(lambda: loop.run(verdicts.close(), CLOSE_S))
        yield Bench(judge, verdicts, models, loop, forms)


def _keeping(store: Store | None, *, offline: bool) -> Callable[[Judge], Judge]:
    return (lambda judge: judge) if store is None else keeping(lambda: store, offline=offline)


def _verdicts(judge: Judge, store: Store | None, closing: ExitStack, *, offline: bool) -> Verdicts:
    if store is None:
        return Verdicts(judge, NoVerdicts(), offline=offline)
    writer = StoreWriter(store)
    closing.callback(writer.close)
    return Verdicts(judge, StoredVerdicts(store, writer, judge), offline=offline)
