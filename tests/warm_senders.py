"""Processes of models that start with litellm or transformers imported: seconds of work spared.

The program that they run, its environment, folder, search path and streams are those of a process
that is started anew; only the import is shared, as it is by the senders of one run. transformers
reads variables when it is imported: where a test changed one of them, a process is started anew.
"""

import array
import contextlib
import gc
import importlib
import json
import os
import random
import select
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from typing import IO, Any

from vscbench.models.local.opening import LOCAL_ENGINE
from vscbench.models.sender_processes import LITELLM, PROGRAM, Program

LENGTH_BYTES = 4
READ_AT_IMPORT = (
    *("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_MODULES_CACHE", "XDG_CACHE_HOME"),
    *("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "HF_TOKEN"),
)
IMPORTS = """
import sys
sys.path[:] = {path!r}
import warm_senders
warm_senders.serve({file}, {module!r})
"""


class WarmSender:
    """A process that such an interpreter forked, with what ``subprocess.Popen`` has of it."""

    def __init__(self, starter: "Starter", pid: int, stdin: IO[bytes]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.returncode: int | None = None
        self._starter = starter
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(PROGRAM, timeout or 0.0)
            self.returncode = self._starter.status_of(self.pid)
            os.close(self._end)
        return self.returncode

    def terminate(self) -> None:
        self._signal(15)

    def kill(self) -> None:
        self._signal(9)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def read_at_import() -> list[str | None]:
    """Return the variables that what is imported ahead reads."""
    return [os.environ.get(name) for name in READ_AT_IMPORT]


class Starter:
    """The interpreter from which processes are forked; it starts with the first, ends with us.

    ``program`` is what they run.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._variables = read_at_import()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ours: socket.socket | None = None

    @property
    def will_do(self) -> bool:
        """Whether what is imported there has read the variables as they are now."""
        return read_at_import() == self._variables

    def start(self, log: IO[bytes]) -> WarmSender:
        reading, writing = os.pipe()
        asked = {"cwd": os.getcwd(), "environment": dict(os.environ)}
        pid = self._ask(asked, [reading, log.fileno()])
        os.close(reading)
        return WarmSender(self, pid, os.fdopen(writing, "wb"))

    def status_of(self, pid: int) -> int:
        return self._ask({"wait": pid}, [])

    def close(self) -> None:
        if self._process is not None and self._ours is not None:
            self._ours.close()
            self._process.wait()

    def _ask(self, asked: dict[str, Any], files: list[int]) -> int:
        with self._lock:
            ours = self._ours = self._ours or self._begin()
            data = json.dumps(asked).encode()
            ours.sendall(len(data).to_bytes(LENGTH_BYTES))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
            sent = ours.sendmsg([data], rights if files else [])
            ours.sendall(data[sent:])
            return int.from_bytes(_read(ours, LENGTH_BYTES), signed=True)

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        path = [os.path.dirname(__file__), *sys.path]
        code = IMPORTS.format(path=path, file=theirs.fileno(), module=self._program.module)
        command = [sys.executable, "-W", "ignore", "-c", code]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        return ours


def import_litellm() -> None:
    from vscbench.models.litellm_setup import OFFLINE

    os.environ.update(OFFLINE)
    import litellm

    # What a sender imports besides, and the types that litellm builds when they are first used.
    import vscbench.models.litellm_model
    import vscbench.models.sender  # noqa: F401

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        litellm.ModelResponse(choices=[{"message": {"role": "assistant", "content": ""}}])
    # What litellm loads with the first request: a third of a second in each process.
    with contextlib.suppress(AttributeError, ImportError):
        _ = litellm.main.encoding
        importlib.import_module("litellm.proxy.openai_files_endpoints.common_utils")


def import_transformers() -> None:
    from vscbench.models.local.quiet import be_quiet

    be_quiet()
    import vscbench.models.local.program

    with contextlib.suppress(ImportError):
        import transformers

        # What most tiny checkpoints are opened with; transformers imports it when it is named.
        for name in ("AutoModelForImageTextToText", "LlavaForConditionalGeneration"):
            getattr(transformers, name)
        import vscbench.models.local.model  # noqa: F401


IMPORT = {LITELLM.module: import_litellm, LOCAL_ENGINE.module: import_transformers}


def serve(file: int, module: str) -> None:
    """Import what a process of this program imports, and fork one whenever it is asked for."""
    IMPORT[module]()
    gc.collect()
    gc.freeze()
    asking = socket.socket(fileno=file)
    while length := asking.recv(LENGTH_BYTES, socket.MSG_WAITALL):
        data, files, _, _ = socket.recv_fds(asking, int.from_bytes(length), 2)
        data += _read(asking, int.from_bytes(length) - len(data))
        asked = json.loads(data)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        elif not (answer := os.fork()):
            asking.close()
            _become(asked, files)
        for each in files:
            os.close(each)
        asking.sendall(answer.to_bytes(LENGTH_BYTES, signed=True))


def _become(asked: dict[str, Any], files: list[int]) -> None:
    """Be the process that was asked for, to its end."""
    try:
        stdin, log = files
        for file, number in ((stdin, 0), (log, 1), (log, 2)):
            os.dup2(file, number)
        os.closerange(3, max(files) + 1)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        time.tzset()
        random.seed()
        exec(PROGRAM, {"__name__": "__main__"})  # noqa: S102 - ours
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _read(asking: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = asking.recv(count - len(data))
        if not more:
            raise ConnectionError("the interpreter from which processes are forked has ended")
        data += more
    return data
