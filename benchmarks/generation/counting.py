"""What an engine computed: the prompts it read and the steps it took, to be held to a roofline."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from vscbench.models.local.batch import Batch, Room
from vscbench.models.local.rows import Row


@dataclass(slots=True)
class Steps:
    """What was computed, in tokens.

    ``prompts`` are the lengths of the prompts that were read, ``images`` how many of them had an
    image. ``rows`` and ``looked_at`` have one number for each step: the rows that got a token, and
    how many tokens they looked back at, all together.
    """

    prompts: list[int] = field(default_factory=list)
    images: int = 0
    rows: list[int] = field(default_factory=list)
    looked_at: list[int] = field(default_factory=list)


@dataclass(slots=True)
class CountingBatch:
    """A batch that counts; see `vscbench.models.local.batch.Batch`."""

    batch: Batch
    steps: Steps = field(default_factory=Steps)

    @property
    def most_rows(self) -> int:
        """How many at once, whatever the memory."""
        return self.batch.most_rows

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer."""
        return self.batch.ends

    @property
    def rows(self) -> Sequence[Row]:
        """Those that are not finished."""
        return self.batch.rows

    def room(self, waiting: Sequence[Row], tokens: int) -> Room:
        """Say what may be taken up now."""
        return self.batch.room(waiting, tokens)

    def admit(self, rows: Sequence[Row]) -> None:
        """Take up rows."""
        self.batch.admit(rows)
        self.steps.prompts += [row.length for row in rows]
        self.steps.images += sum(row.has_image for row in rows)

    def step(self) -> list[Row]:
        """Go on."""
        finished = self.batch.step()
        if self.batch.rows:
            self.steps.rows.append(len(self.batch.rows))
            lengths = (row.length + len(row.tokens) for row in self.batch.rows)
            self.steps.looked_at.append(sum(lengths))
        return finished

    def abandon(self) -> list[Row]:
        """Give up everything."""
        return self.batch.abandon()
