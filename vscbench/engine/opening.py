"""Opening the model of a run: what it says of itself is remembered, so that the next run is quick.

A run whose answers are all in the store needs neither litellm nor a key.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import vscbench
from vscbench.engine.keys import opening_key
from vscbench.engine.loop import LoopThread
from vscbench.engine.store import Store
from vscbench.models.frames import pack_facts, unpack_facts
from vscbench.models.hosted import HostedModel
from vscbench.models.local.opening import LOCAL_ENGINE, LOG_NAME, LocalOpening, require_packages
from vscbench.models.local.remote import RemoteLocalModel
from vscbench.models.names import NamedModel
from vscbench.models.open import hosted_opening, local_opening, open_model
from vscbench.models.protocol import Model, ModelFacts, ModelSpec
from vscbench.models.sender_pool import HostedOpening, Opening, Pools, SenderPool
from vscbench.models.sender_processes import SenderProcesses
from vscbench.models.served.model import ServedModel
from vscbench.models.served.opening import ServedOpening, served_opening


def open_any(
    spec: ModelSpec,
    named: Mapping[str, NamedModel],
    store: Callable[[], Store | None],
    loop: LoopThread,
    pools: Pools,
) -> Model:
    """Open the model of a name: one behind litellm or with local weights in processes of its own.

    Args:
        spec: the name, and how the model is to be called.
        named: the table of short names.
        store: opens what remembers what a model said of itself.
        loop: where the processes are talked to.
        pools: the run's processes.

    Raises:
        VscbenchError: the model cannot be opened.
    """
    local = local_opening(spec, named)
    if local is not None:
        return open_local(local, store(), loop, pools.local)
    served = served_opening(spec, named)
    if served is not None:
        return open_served(served, store(), loop, pools)
    opening = hosted_opening(spec, named)
    if opening is None:
        return open_model(spec, named)
    return open_hosted(opening, store(), loop, pools.hosted)


def open_hosted(
    opening: HostedOpening, store: Store | None, loop: LoopThread, pool: SenderPool
) -> HostedModel:
    """Open a litellm model by what is remembered of it, else in its sender processes.

    Args:
        opening: the model.
        store: remembers what a model said of itself; without one it is asked each time.
        loop: where the processes are talked to.
        pool: the run's sender processes.

    Raises:
        VscbenchError: the model cannot be opened.
    """
    number = pool.add(opening)
    facts = _facts(opening, store, pool, lambda: loop.run(pool.facts(number)))
    return HostedModel(number, facts, pool)


def open_local(
    opening: LocalOpening, store: Store | None, loop: LoopThread, pool: SenderPool
) -> RemoteLocalModel:
    """Open a model with local weights by what is remembered of it, else in the local engine.

    Args:
        opening: the model.
        store: remembers what a model said of itself; without one it is asked each time.
        loop: where the engine is talked to.
        pool: the run's local engine.

    Raises:
        VscbenchError: the model cannot be opened.
    """
    number = pool.add(opening)

    def ask() -> ModelFacts:
        require_packages(opening)
        return loop.run(pool.facts(number))

    def remember(found: ModelFacts) -> None:
        if store:
            store.remember_opening(key_of(opening), pack_facts(found))

    return RemoteLocalModel(number, _facts(opening, store, pool, ask), pool, remember)


def open_served(
    opening: ServedOpening, store: Store | None, loop: LoopThread, pools: Pools
) -> ServedModel:
    """Open a model whose server is started once it is asked; nothing is started by opening it.

    Args:
        opening: the model.
        store: remembers what a model said of itself; without one it is asked each time.
        loop: where the sender processes are talked to.
        pools: the run's processes.

    Raises:
        VscbenchError: the model cannot be opened, or its server could not be started.
    """
    remembered = store is not None and is_remembered(store, opening.hosted)
    if opening.may_start and not remembered:
        opening.require_startable()
    number = pools.hosted.add(opening.hosted)
    hosted = pools.hosted
    said = _facts(opening.hosted, store, hosted, lambda: loop.run(hosted.facts(number)))
    return ServedModel(opening, opening.facts(said), pools.servers.of(opening.launch), pools.hosted)


def start_local(store: Path) -> SenderProcesses:
    """Start the local engine, which keeps its log beside the store.

    Raises:
        UsageError: the log cannot be written.
    """
    return SenderProcesses(1, LOCAL_ENGINE, store.parent / LOG_NAME)


def is_remembered(store: Store, opening: Opening) -> bool:
    """Whether an earlier run opened this model, so that its answers may be in the store."""
    return store.opening(key_of(opening)) is not None


def _facts(
    opening: Opening, store: Store | None, pool: SenderPool, ask: Callable[[], ModelFacts]
) -> ModelFacts:
    key = key_of(opening)
    said = store.opening(key) if store else None
    if said is not None and pool.senders is None:
        return unpack_facts(dict(said))
    facts = ask()
    packed = pack_facts(facts)
    if store and packed != said:
        # What was fetched just now has a commit that nobody knew before.
        for known_by in {key, key_of(opening)}:
            store.remember_opening(known_by, packed)
    return facts


def key_of(opening: Opening) -> str:
    """Digest everything that what a model says of itself depends on."""
    packed = opening.pack()
    return opening_key(
        {
            **packed,
            "spec": _without(packed["spec"], "timeout_s", "needs_key", "api_key", "block_words"),
            **opening.content(),
            "vscbench": vscbench.__version__,
        }
    )


def _without(fields: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in names}
