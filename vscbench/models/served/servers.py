"""The servers of one run: models that ask for the same one share it."""

import re
import time
from pathlib import Path

from vscbench.models.served.server import Launch, Server


class Servers:
    """Knows every server that the run may need; nothing is started by knowing it."""

    def __init__(self, folder: Path) -> None:
        """Begin with none.

        Args:
            folder: where their logs are kept.
        """
        self._folder = folder
        self.known: list[Server] = []

    def of(self, launch: Launch) -> Server:
        """Return the server of a launch, the same each time."""
        for server in self.known:
            if server.launch == launch:
                return server
        server = Server(launch, self._log(launch))
        self.known.append(server)
        return server

    @property
    def are_started(self) -> bool:
        """Whether any of them was needed."""
        return any(server.has_started for server in self.known)

    async def close(self) -> None:
        """End all that were started; twice is harmless."""
        for server in self.known:
            await server.close()

    def _log(self, launch: Launch) -> Path:
        """Name a log after what is served and when, so that an earlier one stays."""
        served = re.sub(r"[^A-Za-z0-9.-]+", "-", Path(launch.source).name).strip("-.")
        stem = f"{launch.engine.name}-{served}-{time.strftime('%Y%m%d-%H%M%S')}"
        taken = {server.log for server in self.known}
        number, log = 1, self._folder / f"{stem}.log"
        while log in taken or log.exists():
            number += 1
            log = self._folder / f"{stem}-{number}.log"
        return log
