"""The program of the local engine: one process that holds the weights and answers for the run."""

import asyncio
import json
import signal
import threading
from typing import TYPE_CHECKING

from vscbench.models.frames import Frame
from vscbench.models.local.opening import LocalOpening
from vscbench.models.local.quiet import be_quiet, hide_loading_bar
from vscbench.models.protocol import Model
from vscbench.models.sender import serve

if TYPE_CHECKING:
    from vscbench.models.local.model import LocalModel

SENDS = "sends_"


def main(said: Frame) -> None:
    """Serve until the process that started this one closes the connection, or is gone.

    Args:
        said: ``port`` and ``token`` of that process.
    """
    # Ctrl-C reaches the whole group; only the process that runs the benchmark acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    be_quiet()
    # Seconds that pass while pytest collects; a failed import is told when a model is opened.
    threading.Thread(target=_import, daemon=True).start()
    asyncio.run(serve(said["port"], said["token"], OpenModels().open))


class OpenModels:
    """The models of the engine: one that is open already is not loaded again.

    Runs by several methods ask the same weights, and each says anew what it will send.
    """

    def __init__(self) -> None:
        self._open: dict[str, LocalModel] = {}

    async def open(self, asked: Frame) -> Model:
        """Check a checkpoint and make it ready; its weights are loaded when something is asked.

        Raises:
            UsageError: it cannot be used as asked.
        """
        # Imported here, where torch is wanted; the process that waits must not pay for it.
        from vscbench.models.local.model import open_checkpoint, require_asked

        opening, key = LocalOpening.unpack(asked), _weights_of(asked)
        if key in self._open:
            require_asked(self._open[key], opening.spec)
        else:
            self._open[key] = await asyncio.to_thread(open_checkpoint, opening)
        return self._open[key]


def _weights_of(asked: Frame) -> str:
    """Name what is loaded, whatever will be sent to it."""
    spec = {name: value for name, value in asked["spec"].items() if not name.startswith(SENDS)}
    return json.dumps({**asked, "spec": spec}, sort_keys=True)


def _import() -> None:
    try:
        import torch  # noqa: F401 - so that it is there when it is wanted

        hide_loading_bar()
    except ImportError:
        return
