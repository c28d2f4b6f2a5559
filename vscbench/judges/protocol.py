"""What every judge looks like to the rest of the project."""

from collections.abc import Mapping
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

    async def judge(self, query: str, response: str) -> Verdict:
        """Return the verdict on one response.

        Raises:
            JudgeError: no verdict could be reached.
        """
