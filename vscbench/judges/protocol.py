"""What every judge looks like to the rest of the project."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from vscbench.records import Verdict


class Judge(Protocol):
    """Reads a query and a response and says which of the paper's four classes it is."""

    @property
    def name(self) -> str:
        """The name that every output carries."""

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything of the judge that can change a verdict."""

    @property
    def is_free(self) -> bool:
        """Whether a verdict costs nothing to reach again: no request, no money."""

    @property
    def sees_image(self) -> bool:
        """Whether it is to be given the pair's image; most judges read text alone."""

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        """Return the verdict on one response.

        Args:
            query: what was asked, as the judge is to read it.
            response: the model's text.
            image: what was asked about, where the judge sees images and the pair has one.

        Raises:
            JudgeError: no verdict could be reached.
        """

    async def close(self) -> None:
        """Release what was opened."""
