"""How busy a GPU was, and how much of its memory was taken, as nvidia-smi samples it."""

import contextlib
import shutil
import statistics
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

EVERY_MS = 200
QUERY = "--query-gpu=utilization.gpu,memory.used"


@dataclass(slots=True)
class Samples:
    """Shares of time in which a kernel ran, in %, and memory in MiB."""

    busy: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """Say the mean and the peak, where there are any samples."""
        if not self.busy:
            return "no samples of the GPU (no nvidia-smi)"
        return (
            f"GPU busy {statistics.fmean(self.busy):.0f} % of the time, "
            f"{max(self.memory) / 1024:.1f} GiB at most ({len(self.busy)} samples of nvidia-smi)"
        )


@contextlib.contextmanager
def watched() -> Iterator[Samples]:
    """Sample the first GPU while the ``with`` block runs."""
    samples = Samples()
    program = shutil.which("nvidia-smi")
    if program is None:
        yield samples
        return
    options = ["--id=0", QUERY, "--format=csv,noheader,nounits", f"--loop-ms={EVERY_MS}"]
    with subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=_read, args=(process, samples), daemon=True)
        reader.start()
        try:
            yield samples
        finally:
            process.kill()
            reader.join()


def _read(process: "subprocess.Popen[str]", samples: Samples) -> None:
    for line in process.stdout or ():
        with contextlib.suppress(ValueError):  # a line that was cut, or "[N/A]"
            busy, memory = map(float, line.split(","))
            samples.busy.append(busy)
            samples.memory.append(memory)
