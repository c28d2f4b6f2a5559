"""Requests that wait for their place in a batch, and what comes of them."""

import concurrent.futures
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vscbench.models.local.rows import Row
from vscbench.records import Request

# A request that so many batches went past leads the next one, whatever its length.
MOST_PASSED: Final = 16


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
    what a gate said of its prompt: a row that is begun anew is not judged anew. ``passed`` counts
    the batches that were formed without it while it was ready.
    """

    request: Request
    waiting: "concurrent.futures.Future[Answer]"
    row: Row | None = None
    suspected: bool = False
    is_revised: bool | None = None
    passed: int = 0


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


def choose(prepared: Sequence[Task], most_rows: int, tokens: int) -> list[Task]:
    """Choose the next batch: the longest first, like with like.

    Rows of one length waste no padding; the longest need most memory, so that it is known early
    whether there is enough. One that was passed over too often leads, with those next to it in
    length.

    Args:
        prepared: what could be, in the order of arrival, each with its row.
        most_rows: in a batch.
        tokens: of all its rows together, prompts and answers, if there are several.
    """
    ordered = sorted(prepared, key=_length, reverse=True)
    if not ordered:
        return []
    lead = next((task for task in prepared if task.passed >= MOST_PASSED), ordered[0])
    alike = [task for task in ordered if _has_image(task) is _has_image(lead)]
    place = next(number for number, task in enumerate(alike) if task is lead)
    nearest = [*alike[place:], *reversed(alike[:place])]
    return nearest[: fitting([task.row for task in nearest if task.row], most_rows, tokens)]


def fitting(rows: Sequence[Row], most_rows: int, tokens: int) -> int:
    """Return how many rows, from the first, make a batch that fits; one always does."""
    longest = 0
    for number, row in enumerate(rows[:most_rows]):
        longest = max(longest, row.most_tokens)
        if number and (number + 1) * longest > tokens:
            return number
    return min(len(rows), most_rows)


def _length(task: Task) -> int:
    return task.row.length if task.row else 0


def _has_image(task: Task) -> bool:
    return bool(task.row and task.row.has_image)
