"""A server under its guardian, as the run sees it: whether it lives, and what it wrote last."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from vscbench.errors import UsageError
from vscbench.models.secrets import without_secrets
from vscbench.models.served.engines import Start
from vscbench.visible import one_line

STOP_S = 8.0
KILL_S = 2.0
TAIL_BYTES = 16_384
TAIL_LINES = 8
LINE_CHARACTERS = 400
# The search path is handed over, as a project may lie where only this process looks.
PROGRAM = (
    "import json, sys; line = sys.stdin.readline(); said = json.loads(line or 'null') or exit(); "
    "sys.path[:] = said['path']; from vscbench.models.served.guardian import main; main(said)"
)


class GuardedServer:
    """A started server. It ends when this process does, however that ends."""

    def __init__(self, start: Start, secret: str, log: Path) -> None:
        """Start it.

        Args:
            start: its command and environment.
            secret: what must not stand in the log.
            log: a file that is not there yet; it stays.

        Raises:
            UsageError: the log cannot be written.
        """
        self.log = log
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("xb") as file:
                self._guardian = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-c", PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    # Neither Ctrl-C nor a signal to the run's group is for it: it has to end last.
                    start_new_session=True,
                )
        except OSError as error:
            raise UsageError(f"{log}: a log cannot be written there ({error})") from error
        self._say(
            {
                "command": list(start.command),
                "environment": dict(start.environment),
                "secrets": [secret],
                "path": sys.path,
            }
        )

    @property
    def has_ended(self) -> bool:
        """Whether the server is gone, with all that belonged to it."""
        return self._guardian.poll() is not None

    def last_words(self) -> str:
        """Return the last lines of the log, harmless to a terminal; empty where there are none."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line for line in without_secrets(text).splitlines() if line.strip()]
        return "\n".join(f"  {one_line(line, LINE_CHARACTERS)}" for line in lines[-TAIL_LINES:])

    def stop(self) -> None:
        """End the server and wait until it is gone; twice is harmless."""
        if self._guardian.stdin:
            with contextlib.suppress(OSError):
                self._guardian.stdin.close()
        try:
            self._guardian.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._kill()

    def _say(self, said: dict[str, object]) -> None:
        if self._guardian.stdin:
            with contextlib.suppress(OSError):  # it is gone already; its log says why
                self._guardian.stdin.write(json.dumps(said).encode() + b"\n")
                self._guardian.stdin.flush()

    def _kill(self) -> None:
        if sys.platform == "win32":
            self._guardian.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guardian.pid, signal.SIGKILL)
        self._guardian.wait(KILL_S)
