"""The programs of a process that hosts models: it asks what it is told to ask."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from vscbench.errors import VscbenchError
from vscbench.models.frames import (
    Frame,
    encode_frame,
    pack_error,
    pack_facts,
    pack_response,
    read_frame,
    unpack_request,
    unpack_spec,
)
from vscbench.models.inline_executor import InlineExecutor
from vscbench.models.litellm_setup import leave_unlogged
from vscbench.models.protocol import Model, facts_of


def main(said: Frame) -> None:
    """Serve until the process that started this one closes the connection.

    Args:
        said: ``port`` and ``token`` of that process, and how many ``senders`` there shall be.
    """
    # Ctrl-C reaches the whole group; only the process that runs the benchmark acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from vscbench.models.litellm_setup import load_litellm

    gc.disable()  # an import makes only objects that stay
    load_litellm()
    gc.freeze()
    gc.enable()
    for _ in range(said["senders"] - 1):
        # litellm was imported once for all: what it takes is shared, and nothing runs yet.
        if os.fork() == 0:
            break
    asyncio.run(_serve_litellm(said["port"], said["token"]))


async def _serve_litellm(port: int, token: str) -> None:
    asyncio.get_running_loop().set_default_executor(InlineExecutor())
    leave_unlogged()
    await serve(port, token, open_hosted)


async def serve(port: int, token: str, open_model: Callable[[Frame], Awaitable[Model]]) -> None:
    """Connect, open the models that are asked for, and answer requests side by side.

    Args:
        port: of the process that wanted this one, on this machine.
        token: by which it knows this process.
        open_model: opens what an opening, packed, describes; raises a ``VscbenchError`` if it
            cannot.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return  # the process that wanted this one is gone
    writer.write(encode_frame({"token": token, "pid": os.getpid()}))
    models: dict[int, Model] = {}
    asking: set[asyncio.Task[None]] = set()
    while (frame := await read_frame(reader)) is not None:
        if "open" in frame:
            writer.write(encode_frame(await _open(frame, models, open_model)))
        elif frame["model"] in models:
            task = asyncio.create_task(_answer(models[frame["model"]], frame, writer))
            asking.add(task)
            task.add_done_callback(asking.discard)
    # Nobody is left to hear an answer; litellm's own farewells would only take time.
    sys.stderr.flush()
    os._exit(0)


async def open_hosted(asked: Frame) -> Model:
    """Open a litellm model.

    Raises:
        UsageError: it cannot be used as asked.
    """
    from vscbench.models.litellm_model import open_litellm

    return open_litellm(
        unpack_spec(asked["spec"]), asked["litellm_id"], takes_images=asked["takes_images"]
    )


async def _open(
    frame: Frame, models: dict[int, Model], open_model: Callable[[Frame], Awaitable[Model]]
) -> Frame:
    """Open a model and say what it is, or why it cannot be opened."""
    try:
        model = await open_model(frame["open"])
    except VscbenchError as error:
        return pack_error(error)
    except Exception as error:  # a defect must not leave the run waiting
        return pack_error(VscbenchError(f"{type(error).__name__}: {error}"))
    models[frame["model"]] = model
    return {"facts": pack_facts(facts_of(model))}


async def _answer(model: Model, frame: Frame, writer: Any) -> None:  # noqa: ANN401 - a StreamWriter
    answer: Frame
    try:
        response = await model.respond(unpack_request(frame["request"]))
        answer = {"id": frame["id"], "response": pack_response(response)}
        # Of a model that can say what makes it slower than it might be.
        if notes := list(getattr(model, "notes", ())):
            answer["notes"] = notes
    except VscbenchError as error:
        answer = {"id": frame["id"], **pack_error(error)}
    except Exception as error:  # a defect must not leave its case waiting
        answer = {
            "id": frame["id"],
            **pack_error(VscbenchError(f"{type(error).__name__}: {error}")),
        }
    writer.write(encode_frame(answer))
