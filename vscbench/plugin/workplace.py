"""Where runs work: an event loop, the processes in which models live, and the store."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vscbench.engine.loop import LoopThread
from vscbench.engine.opening import start_local
from vscbench.engine.purse import Purse
from vscbench.engine.store import Store
from vscbench.errors import VscbenchError
from vscbench.judges.open import asks_a_model
from vscbench.models.cores import usable_cores
from vscbench.models.hosted import sender_count
from vscbench.models.protocol import Model
from vscbench.models.sender_pool import Pools, SenderPool
from vscbench.models.sender_processes import SenderProcesses
from vscbench.models.served.servers import Servers
from vscbench.plugin.settings import Settings

HOSTED_CONCURRENCY = 16
CLOSE_S = 10.0


def until_it_is_closed(model: Model) -> Model:
    """Lend a model to the one run there is, which closes it."""
    return model


def purse_of(settings: Settings) -> Purse | None:
    """Return the purse of a run, or of all runs of a grid, where there is a limit."""
    return None if settings.most_usd is None else Purse(settings.most_usd)


@dataclass
class Workplace:
    """What one run works with, or several that share models; nothing is started ahead.

    Args:
        store_file: of the store.
        concurrency: requests in flight, where a person says how many.
        judge: the judge's name.
        workers: pytest-xdist's, or 0.
        lend: hands a model that was opened to a run.
        purse: what all runs may spend together, judge included, where there is a limit.
    """

    store_file: Path
    concurrency: int | None
    judge: str
    workers: int = 0
    lend: Callable[[Model], Model] = until_it_is_closed
    purse: Purse | None = None

    @cached_property
    def loop(self) -> LoopThread:
        """Where requests run."""
        return LoopThread()

    @cached_property
    def pools(self) -> Pools:
        """The processes in which models live."""
        return Pools(
            SenderPool(self._start_senders),
            SenderPool(lambda: start_local(self.store_file)),
            Servers(self.store_file.parent),
        )

    @cached_property
    def store(self) -> Store:
        """The store, open for writing.

        Raises:
            StoreError: it cannot be used.
        """
        # Imported here: a run that asks nothing of a model needs no database.
        from vscbench.engine.sqlite_store import open_store

        return open_store(self.store_file)

    def close(self) -> None:
        """End what was started."""
        if "pools" in self.__dict__ and self.pools.are_started:
            with contextlib.suppress(TimeoutError, VscbenchError):
                self.loop.run(self.pools.close(), CLOSE_S)
        if "store" in self.__dict__:
            self.store.close()
        if "loop" in self.__dict__:
            self.loop.close()

    def _start_senders(self) -> SenderProcesses:
        concurrency = self.concurrency or HOSTED_CONCURRENCY
        both = 2 * concurrency if asks_a_model(self.judge) else concurrency
        return SenderProcesses(sender_count(both, self.workers, usable_cores()))
