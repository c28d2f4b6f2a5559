"""What an engine computed: the prompts it read and the steps it took, to be held to a roofline."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from vscbench.models.local.generation import Chooser
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

    def count(self, rows: "Sequence[Row]") -> None:
        """Count what was computed for these rows, before each gets its next token."""
        if not rows[0].tokens:
            self.prompts += [row.length for row in rows]
            self.images += sum(row.has_image for row in rows)
            return
        self.rows.append(len(rows))
        self.looked_at.append(sum(row.length + len(row.tokens) for row in rows))


@dataclass(frozen=True, slots=True)
class CountingChooser:
    """Counts each step for which tokens are chosen."""

    chooser: "Chooser"
    steps: Steps = field(default_factory=Steps)

    @property
    def is_plain(self) -> bool:
        """Whether the likeliest token is taken and nothing else is looked at."""
        return self.chooser.is_plain

    def choose(self, scores: "Tensor", rows: "Sequence[Row]", seen: "Sequence[Tensor]") -> "Tensor":
        """Return the next token of each row."""
        self.steps.count(rows)
        return self.chooser.choose(scores, rows, seen)
