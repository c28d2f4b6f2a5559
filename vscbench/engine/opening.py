"""Opening the model of a run: what it says of itself is remembered, so that the next run is quick.

A run whose answers are all in the store needs neither litellm nor a key.
"""

import importlib.metadata
import os
from collections.abc import Callable, Mapping

import vscbench
from vscbench.engine.keys import opening_key
from vscbench.engine.loop import LoopThread
from vscbench.engine.store import Store
from vscbench.models.frames import pack_facts, unpack_facts
from vscbench.models.hosted import HostedModel
from vscbench.models.names import NamedModel
from vscbench.models.open import hosted_opening, open_model
from vscbench.models.protocol import Model, ModelFacts, ModelSpec
from vscbench.models.sender_pool import HostedOpening, SenderPool

ADDRESSES = ("_API_BASE", "_BASE_URL")


def open_any(
    spec: ModelSpec,
    named: Mapping[str, NamedModel],
    store: Callable[[], Store | None],
    loop: LoopThread,
    pool: SenderPool,
) -> Model:
    """Open the model of a name: one behind litellm in the sender processes, any other here.

    Args:
        spec: the name, and how the model is to be called.
        named: the table of short names.
        store: opens what remembers what a model said of itself.
        loop: where the processes are talked to.
        pool: the run's sender processes.

    Raises:
        VscbenchError: the model cannot be opened.
    """
    opening = hosted_opening(spec, named)
    if opening is None:
        return open_model(spec, named)
    return open_hosted(opening, store(), loop, pool)


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
    key = key_of(opening)
    said = store.opening(key) if store else None
    if said is not None and pool.senders is None:
        return HostedModel(number, unpack_facts(dict(said)), pool)
    facts: ModelFacts = loop.run(pool.facts(number))
    if said is None and store:
        store.remember_opening(key, pack_facts(facts))
    return HostedModel(number, facts, pool)


def is_remembered(store: Store, opening: HostedOpening) -> bool:
    """Whether an earlier run opened this model, so that its answers may be in the store."""
    return store.opening(key_of(opening)) is not None


def key_of(opening: HostedOpening) -> str:
    """Digest everything that what a model says of itself depends on."""
    content = opening.pack()
    return opening_key(
        {
            **content,
            "spec": _without(content["spec"], "timeout_s", "needs_key"),
            "addresses": {
                name: value for name, value in os.environ.items() if name.endswith(ADDRESSES)
            },
            "litellm": importlib.metadata.version("litellm"),
            "vscbench": vscbench.__version__,
        }
    )


def _without(fields: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in names}
