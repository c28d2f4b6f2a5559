import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from hostile_responses import HOSTILE

from vscbench.errors import JudgeError, StoppedError, UsageError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.panel import PanelJudge, open_panel
from vscbench.judges.protocol import Judge
from vscbench.judges.spec import JudgeSpec, Ties
from vscbench.records import Kind, Verdict

IMAGE = Path("a.png")


class Member:
    """A judge that always says the same."""

    def __init__(
        self, name: str, says: Kind | Exception, *, is_free: bool = True, sees_image: bool = False
    ) -> None:
        self.name = name
        self.says = says
        self.is_free = is_free
        self.sees_image = sees_image
        self.identity: Mapping[str, object] = {"judge": name}
        self.seen: list[Path | None] = []
        self.closed = False

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        self.seen.append(image)
        if isinstance(self.says, Exception):
            raise self.says
        return Verdict(self.says, self.name)

    async def close(self) -> None:
        self.closed = True


def panel(*says: Kind | Exception, ties: Ties = Ties.ERROR) -> PanelJudge:
    return PanelJudge(tuple(Member("abcdef"[at], said) for at, said in enumerate(says)), ties)


def judged(judge: PanelJudge, image: Path | None = None) -> Verdict:
    return asyncio.run(judge.judge("q", "said", image))


def test_what_most_say_is_the_verdict_and_who_disagreed_is_recorded() -> None:
    said = judged(panel(Kind.REFUSED, Kind.ANSWERED, Kind.REFUSED))
    assert said.kind is Kind.REFUSED
    assert said.judge == "panel:a,b,c"
    assert said.probability == pytest.approx(2 / 3)
    assert said.evidence == ("a: refused", "b: answered", "c: refused")


@pytest.mark.parametrize(
    "says",
    [
        (Kind.REFUSED, Kind.ANSWERED),
        (Kind.REFUSED, Kind.ANSWERED, Kind.FLAGGED),
        (Kind.REFUSED, Kind.REFUSED, Kind.ANSWERED, Kind.ANSWERED),
        (Kind.REFUSED, Kind.REFUSED, Kind.ANSWERED, Kind.FLAGGED),
    ],
)
def test_without_a_majority_there_is_no_verdict_unless_the_last_decides(
    says: tuple[Kind, ...],
) -> None:
    with pytest.raises(JudgeError, match="no majority: a: refused"):
        judged(panel(*says))
    said = judged(panel(*says, ties=Ties.LAST))
    assert said.kind is says[-1]
    assert said.probability == says.count(says[-1]) / len(says)


def test_a_majority_stands_whatever_the_last_says() -> None:
    said = judged(panel(Kind.REFUSED, Kind.REFUSED, Kind.ANSWERED, ties=Ties.LAST))
    assert said.kind is Kind.REFUSED


def test_the_others_decide_without_a_member_that_failed_if_they_are_enough() -> None:
    said = judged(panel(Kind.REFUSED, JudgeError("off schema"), Kind.REFUSED))
    assert said.kind is Kind.REFUSED
    assert said.probability == pytest.approx(2 / 3)
    assert said.evidence[1] == "b: no verdict (off schema)"


@pytest.mark.parametrize("ties", Ties)
def test_one_member_alone_never_decides(ties: Ties) -> None:
    with pytest.raises(JudgeError, match="off schema"):
        judged(panel(JudgeError("off schema"), Kind.REFUSED, ties=ties))
    with pytest.raises(JudgeError):
        judged(panel(JudgeError("x"), JudgeError("y"), Kind.REFUSED, ties=ties))
    with pytest.raises(JudgeError):
        judged(panel(Kind.ANSWERED, JudgeError("y"), Kind.REFUSED, ties=ties))


def test_a_member_whose_provider_is_out_of_order_ends_it_for_all() -> None:
    with pytest.raises(StoppedError, match="key"):
        judged(panel(Kind.REFUSED, StoppedError("the key is refused"), Kind.REFUSED))


def test_it_is_free_and_blind_only_if_all_its_members_are() -> None:
    free, paid = Member("a", Kind.REFUSED), Member("b", Kind.REFUSED, is_free=False)
    seeing = Member("c", Kind.REFUSED, sees_image=True)
    assert PanelJudge((free, free)).is_free
    assert not PanelJudge((free, paid)).is_free
    assert not PanelJudge((free, paid)).sees_image
    mixed = PanelJudge((free, seeing))
    assert mixed.sees_image
    judged(mixed, IMAGE)
    assert (free.seen, seeing.seen) == ([None], [IMAGE])


def test_its_identity_is_that_of_its_members_and_of_who_decides_a_tie() -> None:
    one, other = Member("a", Kind.REFUSED), Member("b", Kind.REFUSED)
    identities = [
        PanelJudge((one, other)).identity,
        PanelJudge((other, one)).identity,
        PanelJudge((one, other), Ties.LAST).identity,
    ]
    assert all(identities.count(each) == 1 for each in identities)


def test_closing_it_closes_its_members() -> None:
    members = (Member("a", Kind.REFUSED), Member("b", Kind.REFUSED))
    asyncio.run(PanelJudge(members).close())
    assert all(member.closed for member in members)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("keywords",), "at least two"),
        (("keywords", ""), "at least two"),
        (("keywords", "rubric", "keywords"), "keywords is named twice"),
        (("keywords", "panel:keywords"), "cannot sit on a panel"),
    ],
)
def test_a_panel_that_cannot_vote_is_refused(names: tuple[str, ...], message: str) -> None:
    def open_member(spec: JudgeSpec) -> Judge:
        return KeywordsJudge()

    with pytest.raises(UsageError, match=message):
        open_panel(JudgeSpec(f"panel:{','.join(names)}"), names, open_member)


@pytest.mark.parametrize("response", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_response_gets_the_verdict_of_the_majority_or_none(response: str) -> None:
    members = (KeywordsJudge(), Member("b", Kind.ANSWERED), Member("c", Kind.ANSWERED))
    said = asyncio.run(PanelJudge(members).judge("q", response))
    assert said.kind is Kind.ANSWERED


class Slow(Member):
    """A judge whose model has not answered yet."""

    was_let_go = False

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_let_go = True
            raise
        return await super().judge(query, response, image)


def test_where_one_provider_ends_the_run_the_others_are_not_waited_for() -> None:
    slow = Slow("slow", Kind.REFUSED)
    down = Member("down", StoppedError("the judge's key was refused"))
    with pytest.raises(StoppedError, match="key"):
        asyncio.run(asyncio.wait_for(PanelJudge((slow, down)).judge("q", "said"), 30))
    assert slow.was_let_go
