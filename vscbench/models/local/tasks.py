"""Requests that wait for their place in a batch, and what comes of them."""

import concurrent.futures
import time
from collections.abc import Sequence
from dataclasses import dataclass

from vscbench.models.local.batch import Room
from vscbench.models.local.rows import Row
from vscbench.records import Request


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row, and in how many seconds from the moment it was taken up.

    ``ended`` says whether the model ended it; else it was cut, by length or by its deadline.
    """

    row: Row
    ended: bool
    latency_s: float


@dataclass(eq=False, slots=True)
class Task:
    """A request, its row once it is prepared, and who waits for it.

    One that is ``suspected`` was in a batch that failed, and is tried by itself. ``is_revised`` is
    what a gate said of its prompt: a row that is begun anew is not judged anew.
    """

    request: Request
    waiting: "concurrent.futures.Future[Answer]"
    row: Row | None = None
    suspected: bool = False
    is_revised: bool | None = None


@dataclass(slots=True)
class Spell:
    """What was done since there was last nothing to do."""

    began: float = 0.0
    answers: int = 0
    tokens: int = 0

    def tell(self) -> None:
        """Print it for the log, where there is anything."""
        if self.answers:
            took_s = time.monotonic() - self.began
            print(
                f"{self.answers} answers of {self.tokens} tokens in {took_s:.1f} s: "
                f"{self.tokens / max(took_s, 1e-9):.0f} tokens a second",
                flush=True,
            )


def choose(prepared: Sequence[Task], room: Room) -> list[Task]:
    """Choose what is taken up next: the longest first, like with like.

    Rows of one length waste no padding; the longest need most memory, so that it is known early
    whether there is enough.

    Args:
        prepared: what could be.
        room: how many, and how long at most.
    """
    fitting = [task for task in prepared if task.row and task.row.most_tokens <= room.most_tokens]
    if not fitting:
        return []
    ordered = sorted(fitting, key=lambda task: -(task.row.length if task.row else 0))
    has_image = ordered[0].row is not None and ordered[0].row.has_image
    alike = [task for task in ordered if task.row and task.row.has_image is has_image]
    return alike[: room.rows]
