"""A stand-in for vLLM and SGLang: a real program on a real port, without weights.

It takes the command line of the engine whose name it has, answers /health and /v1/models as both
do, and chat completions as ``servers`` does. A file beside it says how it shall behave.
"""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from servers import Handler, LoopbackServer, Reply, error, refuse_or_answer

TESTS = Path(__file__).resolve().parent
MOOD = "mood.json"
STARTS = "starts.jsonl"
ASKED = "asked.txt"
WILDGUARD_SAYS = "Harmful request: no\nResponse refusal: no\nHarmful response: no"
# A child that a polite signal does not end, as a worker that hangs on its GPU.
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('stubborn', flush=True); time.sleep(600)"
)


@dataclass(frozen=True, slots=True)
class Mood:
    """How a stand-in behaves.

    ``looks``: how often /health is asked in vain, ``None`` for ever. ``last_words`` and ``status``
    end it at its start, or, with ``answers``, in place of the answer after so many.
    """

    looks: int | None = 0
    last_words: str = ""
    status: int = 0
    answers: int | None = None
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Started:
    """One start of a stand-in: what it was given, and the processes that it was."""

    arguments: Sequence[str]
    key: str
    visible_devices: str | None
    pids: Sequence[int]

    def option(self, name: str) -> str:
        return self.arguments[self.arguments.index(name) + 1]

    @property
    def living(self) -> list[int]:
        """Those of its processes that have not ended."""
        return [pid for pid in self.pids if is_living(pid)]


@dataclass(frozen=True, slots=True)
class StandIn:
    """A stand-in that can be found, by the folder it is in."""

    folder: Path

    def behave(self, mood: Mood) -> None:
        (self.folder / MOOD).write_text(json.dumps(asdict(mood)), encoding="utf-8")

    def starts(self) -> list[Started]:
        file = self.folder / STARTS
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [Started(**json.loads(line)) for line in lines]

    def has_been_asked(self) -> bool:
        return (self.folder / ASKED).exists()


def write_vllm(folder: Path, mood: Mood | None = None) -> StandIn:
    """Write a program ``vllm`` into a folder, which then belongs on the PATH."""
    program = folder / "vllm"
    folder.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!{sys.executable}\n{_script(folder)}", encoding="utf-8")
    program.chmod(0o755)
    return _stand_in(folder, mood)


def write_sglang(folder: Path, mood: Mood | None = None) -> StandIn:
    """Write a package ``sglang`` into a folder, which then belongs on the PYTHONPATH."""
    package = folder / "sglang"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "launch_server.py").write_text(_script(folder), encoding="utf-8")
    return _stand_in(folder, mood)


def is_living(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _stand_in(folder: Path, mood: Mood | None) -> StandIn:
    stand_in = StandIn(folder)
    stand_in.behave(mood or Mood())
    return stand_in


def _script(folder: Path) -> str:
    return (
        f"import sys\nsys.path.insert(0, {str(TESTS)!r})\n"
        f"import stand_in_engine\nstand_in_engine.main({str(folder)!r}, sys.argv[1:])\n"
    )


class EngineHandler(Handler):
    """Answers what both engines answer, and lets nobody in without the key."""

    server: "EngineServer"

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        body = self.server.page(self.path, self.headers.get("Authorization"))
        self.send_response(503 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_POST(self) -> None:  # noqa: N802 - the name that the base class calls
        if self.headers.get("Authorization") != f"Bearer {self.server.key}":
            self.send_error(401)
            return
        Path(self.server.folder, ASKED).touch()
        self.server.count_answer()
        super().do_POST()


class EngineServer(LoopbackServer):
    """Keeps to its mood."""

    def __init__(self, folder: str, started: Started, mood: Mood) -> None:
        super().__init__(self.reply, mood.latency_s, int(started.option("--port")))
        self.RequestHandlerClass = EngineHandler
        self.folder, self.key, self.mood = folder, started.key, mood
        self.model = started.option("--served-model-name")
        self.looks = self.answered = 0

    def page(self, path: str, authorization: str | None) -> bytes | None:
        if path == "/health":
            self.looks += 1
            late = self.mood.looks is None or self.looks <= self.mood.looks
            return None if late else b""
        if path != "/v1/models" or authorization != f"Bearer {self.key}":
            return None
        return json.dumps({"object": "list", "data": [{"id": self.model}]}).encode()

    def reply(self, body: dict[str, Any]) -> str | Reply:
        if body["model"] != self.model:
            return error(404, f"The model `{body['model']}` does not exist.")
        return WILDGUARD_SAYS if "wildguard" in self.model else refuse_or_answer(body)

    def count_answer(self) -> None:
        with self.lock:
            self.answered += 1
            if self.mood.answers is not None and self.answered > self.mood.answers:
                end(self.mood)


def end(mood: Mood) -> None:
    """End at once, with the last words."""
    print(mood.last_words, file=sys.stderr, flush=True)
    os._exit(mood.status)


def main(folder: str, arguments: Sequence[str]) -> None:
    """Serve until ended."""
    mood = Mood(**json.loads(Path(folder, MOOD).read_text(encoding="utf-8")))
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    if child.stdout:
        child.stdout.readline()
    key = os.environ.get("VLLM_API_KEY") or dict(itertools.pairwise(arguments))["--api-key"]
    started = Started(
        list(arguments), key, os.environ.get("CUDA_VISIBLE_DEVICES"), [os.getpid(), child.pid]
    )
    with Path(folder, STARTS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(started)) + "\n")
    print(f"args: {list(arguments)}, api_key='{key}'", flush=True)  # as SGLang logs them
    if mood.last_words and mood.answers is None:
        end(mood)
    EngineServer(folder, started, mood).serve_forever(0.05)
