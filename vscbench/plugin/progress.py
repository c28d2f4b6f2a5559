"""One live line on a terminal: how far the run is, and when it will be done."""

import shutil
import threading
import time
from collections.abc import Callable
from typing import TextIO

from vscbench.engine.dispatcher import Progress
from vscbench.visible import visible

INTERVAL_S = 0.2
ERASE_LINE = "\r\x1b[2K"


def progress_line(progress: Progress, elapsed_s: float, width: int) -> str:
    """Lay out the state of a run in at most ``width`` columns.

    Args:
        progress: how far the run is.
        elapsed_s: seconds since the first request.
        width: of the terminal, in columns.
    """
    rate = progress.decided / elapsed_s if elapsed_s > 0 else 0.0
    left = (progress.submitted - progress.decided) / rate if rate else None
    last = progress.last
    parts = [
        f"{progress.decided}/{progress.submitted}",
        f"{progress.cached} stored" if progress.cached else "",
        f"{progress.in_flight} in flight",
        f"{progress.retried} retries" if progress.retried else "",
        f"{progress.errors} errors",
        f"waiting {progress.paused_s:.0f} s as asked" if progress.paused_s >= 1 else "",
        f"{rate:.1f}/s",
        f"{clock(left)} left" if left is not None else "",
        visible(f"{last.pair.id}: {last.kind}", width) if last else "",
    ]
    return " | ".join(part for part in parts if part)[: max(width - 1, 0)]


def clock(seconds: float) -> str:
    """Write a duration as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class LiveLine:
    """Draws the progress of a run on a terminal until it is stopped."""

    def __init__(self, progress: Callable[[], Progress], file: TextIO) -> None:
        """Draw at once, from a thread of its own."""
        self._progress = progress
        self._file = file
        self._started = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="vscbench-progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Erase the line; whatever is written next starts on a clean one."""
        if self._done.is_set():
            return
        self._done.set()
        self._thread.join()
        self._write(ERASE_LINE)

    def _draw(self) -> None:
        self._write("\n")
        while not self._done.wait(INTERVAL_S):
            elapsed = time.monotonic() - self._started
            width = shutil.get_terminal_size().columns
            self._write(ERASE_LINE + progress_line(self._progress(), elapsed, width))

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
