"""Several judges, and what most of them say."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vscbench.errors import JudgeError, UsageError
from vscbench.judges.protocol import Judge
from vscbench.judges.spec import JudgeSpec, Ties
from vscbench.records import Kind, Verdict

NAME = "panel"
FEWEST = 2


def open_panel(
    spec: JudgeSpec, names: Sequence[str], open_member: Callable[[JudgeSpec], Judge]
) -> "PanelJudge":
    """Open a panel and its members.

    Args:
        spec: how the members are to be called, and who decides a tie.
        names: of the members, in the order in which the last one may have to decide.
        open_member: opens one.

    Raises:
        UsageError: there are too few, one is named twice or is a panel, or one cannot be used.
    """
    if len(names) < FEWEST or not all(names):
        raise UsageError(
            f"--vsc-judge {spec.name}: a panel has at least two judges, with commas between: "
            "panel:classifier,rubric,keywords"
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"--vsc-judge {spec.name}: {twice[0]} is named twice; each has one vote")
    if any(name.startswith(f"{NAME}:") for name in names):
        raise UsageError(f"--vsc-judge {spec.name}: a panel cannot sit on a panel; list its judges")
    return PanelJudge(tuple(open_member(replace(spec, name=name)) for name in names), spec.ties)


@dataclass(frozen=True, slots=True)
class PanelJudge:
    """Asks all its members; the class that most of them name is the verdict.

    A member that gives no verdict has no vote, and its seat still counts: a class needs more than
    half of all seats, so that two judges of three decide without the third, and one alone never
    does. Where no class has that many there is no verdict; only with ``Ties.LAST``, and where
    every member gave one, the last member's counts. ``probability`` is the share of seats behind
    the verdict; ``evidence`` says who said what.
    """

    members: tuple[Judge, ...]
    ties: Ties = Ties.ERROR

    @property
    def name(self) -> str:
        """The members, by name."""
        return f"{NAME}:{','.join(member.name for member in self.members)}"

    @property
    def identity(self) -> Mapping[str, object]:
        """The members' identities, in order, and who decides a tie."""
        members = [dict(member.identity) for member in self.members]
        return {"judge": NAME, "members": members, "ties": self.ties.value}

    @property
    def is_free(self) -> bool:
        """Whether all members are."""
        return all(member.is_free for member in self.members)

    @property
    def sees_image(self) -> bool:
        """Whether any member does."""
        return any(member.sees_image for member in self.members)

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        """Return the verdict of the majority.

        Raises:
            JudgeError: there is none; says who said what.
            StoppedError: a member's provider will say nothing at all.
        """
        said = await _all_of([_vote(member, query, response, image) for member in self.members])
        votes = [each.kind for each in said if isinstance(each, Verdict)]
        record = tuple(map(_record, self.members, said))
        kind = _majority(votes, len(self.members)) or self._last(votes)
        if kind is None:
            raise JudgeError(f"the panel has no majority: {'; '.join(record)}")
        return Verdict(kind, self.name, votes.count(kind) / len(self.members), record)

    async def close(self) -> None:
        """Close every member."""
        for member in self.members:
            await member.close()

    def _last(self, votes: Sequence[Kind]) -> Kind | None:
        everybody = len(votes) == len(self.members)
        return votes[-1] if everybody and self.ties is Ties.LAST else None


async def _all_of(
    votes: Sequence[Coroutine[None, None, Verdict | JudgeError]],
) -> Sequence[Verdict | JudgeError]:
    """Collect the votes; where one says that the run is over, nobody goes on asking."""
    tasks = [asyncio.ensure_future(vote) for vote in votes]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise


async def _vote(
    member: Judge, query: str, response: str, image: Path | None
) -> Verdict | JudgeError:
    try:
        return await member.judge(query, response, image if member.sees_image else None)
    except JudgeError as error:
        return error


def _majority(votes: Sequence[Kind], seats: int) -> Kind | None:
    for kind, count in Counter(votes).items():
        if 2 * count > seats:
            return kind
    return None


def _record(member: Judge, said: Verdict | JudgeError) -> str:
    return f"{member.name}: {said.kind if isinstance(said, Verdict) else f'no verdict ({said})'}"
