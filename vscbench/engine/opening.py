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
from vscbench.models.hosted import HostedModel, HostedOpening, open_senders
from vscbench.models.protocol import ModelFacts
from vscbench.models.sender_processes import SenderProcesses

ADDRESSES = ("_API_BASE", "_BASE_URL")


def open_hosted(
    opening: HostedOpening,
    store: Store,
    loop: LoopThread,
    start: Callable[[], SenderProcesses],
    started: SenderProcesses | None,
) -> HostedModel:
    """Open a litellm model by what is remembered of it, else in its sender processes.

    Args:
        opening: the model.
        store: remembers what a model said of itself.
        loop: where the processes are talked to.
        start: makes sender processes.
        started: processes that were started ahead, if any.

    Raises:
        VscbenchError: the model cannot be opened.
    """
    key = key_of(opening)
    said = store.opening(key)
    if said is not None and started is None:
        return HostedModel(opening, unpack_facts(dict(said)), start)
    senders = started or start()
    facts: ModelFacts = loop.run(open_senders(senders, opening))
    if said is None:
        store.remember_opening(key, pack_facts(facts))
    return HostedModel(opening, facts, start, senders)


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
