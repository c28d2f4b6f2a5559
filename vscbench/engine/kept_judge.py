"""A panel's member whose verdicts are kept, whatever the panel makes of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vscbench.engine.store import Store
from vscbench.engine.store_writer import StoreWriter
from vscbench.engine.verdicts import StoredVerdicts, Verdicts
from vscbench.judges.protocol import Judge
from vscbench.records import Turn, Verdict


class KeptJudge:
    """Keeps the verdicts of a judge that costs something, under its own identity.

    Without it a panel that comes to no verdict would ask, and pay, all its members anew in the
    next run; and a member that had judged alone before would be asked again.
    """

    def __init__(self, judge: Judge, store: Store, *, offline: bool = False) -> None:
        """Begin to write behind the judge; the store stays its owner's to close."""
        self._judge = judge
        self._writer = StoreWriter(store)
        shelf = StoredVerdicts(store, self._writer, judge)
        self._verdicts = Verdicts(judge, shelf, offline=offline)

    @property
    def name(self) -> str:
        """The judge's name."""
        return self._judge.name

    @property
    def identity(self) -> Mapping[str, object]:
        """The judge's identity."""
        return self._judge.identity

    @property
    def is_free(self) -> bool:
        """Whether the judge is."""
        return self._judge.is_free

    @property
    def sees_image(self) -> bool:
        """Whether the judge does."""
        return self._judge.sees_image

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        """Return the verdict that is kept, or a new one once it is."""
        return await self._verdicts.of(Turn(query, response, image))

    async def close(self) -> None:
        """Close the judge and write what is queued."""
        await self._verdicts.close()
        self._writer.close()


def keeping(store: Callable[[], Store], *, offline: bool) -> Callable[[Judge], Judge]:
    """Return what keeps the verdicts of members that cost something; free ones need no keeping.

    Args:
        store: opens the store, once the first such member is there.
        offline: whether members are asked nothing.
    """
    return lambda judge: judge if judge.is_free else KeptJudge(judge, store(), offline=offline)
