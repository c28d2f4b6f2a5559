"""The program of the local engine: one process that holds the weights and answers for the run."""

import asyncio
import os
import signal
import threading

from vscbench.models.frames import Frame
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import Model
from vscbench.models.sender import serve


def main(said: Frame) -> None:
    """Serve until the process that started this one closes the connection, or is gone.

    Args:
        said: ``port`` and ``token`` of that process.
    """
    # Ctrl-C reaches the whole group; only the process that runs the benchmark acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_quiet()
    # Seconds that pass while pytest collects; a failed import is told when a model is opened.
    threading.Thread(target=_import, daemon=True).start()
    asyncio.run(serve(said["port"], said["token"], open_local))


async def open_local(asked: Frame) -> Model:
    """Check a checkpoint and make it ready; its weights are loaded when something is asked.

    Raises:
        UsageError: it cannot be used as asked.
    """
    # Imported here, where torch is wanted; the process that waits must not pay for it.
    from vscbench.models.local.model import open_checkpoint

    return await asyncio.to_thread(open_checkpoint, LocalOpening.unpack(asked))


def _be_quiet() -> None:
    """Switch off telemetry and progress bars of what will be imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # Rows are prepared on threads of our own.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _import() -> None:
    try:
        import torch  # noqa: F401 - so that it is there when it is wanted
        from transformers.utils import logging
    except ImportError:
        return
    logging.disable_progress_bar()
