import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from vscbench.engine.kept_judge import KeptJudge, keeping
from vscbench.engine.keys import verdict_key
from vscbench.engine.sqlite_store import SqliteStore, open_store
from vscbench.engine.store_writer import StoreWriter
from vscbench.engine.verdicts import NoVerdicts, StoredVerdicts, Verdicts
from vscbench.errors import JudgeError, StoreError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.panel import PanelJudge
from vscbench.records import Kind, Turn, Verdict

TURN = Turn("What is it?", "A cat.", response_key="r")


class Paid:
    """A judge that is slow and costs something; counts what it is asked."""

    name = "paid"
    is_free = False
    sees_image = False

    def __init__(self, says: Kind | Exception = Kind.ANSWERED, name: str = "paid") -> None:
        self.name = name
        self.identity: Mapping[str, object] = {"judge": name}
        self.says = says
        self.asked = 0

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.says, Exception):
            raise self.says
        return Verdict(self.says, self.name)

    async def close(self) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def writer(store: SqliteStore) -> Iterator[StoreWriter]:
    writing = StoreWriter(store)
    yield writing
    writing.close()


def test_cases_with_the_same_words_share_one_verdict(
    store: SqliteStore, writer: StoreWriter
) -> None:
    judge = Paid()

    async def all_at_once() -> list[Verdict]:
        verdicts = Verdicts(judge, StoredVerdicts(store, writer, judge))
        return await asyncio.gather(*(verdicts.of(TURN) for _ in range(6)))

    assert asyncio.run(all_at_once()) == [Verdict(Kind.ANSWERED, "paid")] * 6
    assert judge.asked == 1


def test_cases_with_the_same_words_share_a_failure_too() -> None:
    judge = Paid(JudgeError("off schema"))

    async def one_after_the_other() -> list[str]:
        verdicts = Verdicts(judge, NoVerdicts())
        said = []
        for _ in range(3):
            with pytest.raises(JudgeError) as caught:
                await verdicts.of(TURN)
            said.append(str(caught.value))
        return said

    assert asyncio.run(one_after_the_other()) == ["off schema"] * 3
    assert judge.asked == 1


def test_a_verdict_is_durable_with_its_responses_key_once_it_is_given(
    store: SqliteStore, writer: StoreWriter
) -> None:
    judge = Paid()
    asyncio.run(Verdicts(judge, StoredVerdicts(store, writer, judge)).of(TURN))
    key = verdict_key(judge.identity, TURN.query, TURN.response)
    assert store.verdicts([key])[key].response_key == "r"
    again = Paid()
    asyncio.run(Verdicts(again, StoredVerdicts(store, writer, again)).of(TURN))
    assert again.asked == 0


def test_offline_only_a_free_judge_is_asked() -> None:
    paid = Paid()
    with pytest.raises(JudgeError, match="nothing is asked offline"):
        asyncio.run(Verdicts(paid, NoVerdicts(), offline=True).of(TURN))
    assert paid.asked == 0
    free = Verdicts(KeywordsJudge(), NoVerdicts(), offline=True)
    assert asyncio.run(free.of(TURN)).kind is Kind.ANSWERED


def test_a_verdict_that_cannot_be_kept_stands_and_is_told() -> None:
    class Full(NoVerdicts):
        async def keep_verdict(self, turn: Turn, verdict: Verdict) -> None:
            raise StoreError("the disk is full")

    verdicts = Verdicts(Paid(), Full())
    assert asyncio.run(verdicts.of(TURN)).kind is Kind.ANSWERED
    assert verdicts.unkept == "the disk is full"


def test_closing_lets_go_of_a_judge_that_does_not_answer() -> None:
    class Stuck(Paid):
        closed = False

        async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

        async def close(self) -> None:
            self.closed = True

    judge = Stuck()

    async def closed_while_asking() -> bool:
        verdicts = Verdicts(judge, NoVerdicts())
        asking = asyncio.create_task(verdicts.of(TURN))
        await asyncio.sleep(0)
        await verdicts.close()
        await asyncio.wait([asking])
        return asking.cancelled()

    assert asyncio.run(closed_while_asking())
    assert judge.closed


def test_a_panel_without_a_majority_does_not_pay_its_members_again(store: SqliteStore) -> None:
    members = (Paid(Kind.REFUSED, "one"), Paid(Kind.ANSWERED, "two"))

    async def judged() -> None:
        panel = PanelJudge(tuple(KeptJudge(member, store) for member in members))
        with pytest.raises(JudgeError, match="one: refused; two: answered"):
            await panel.judge(TURN.query, TURN.response)
        await panel.close()

    asyncio.run(judged())
    asyncio.run(judged())
    assert [member.asked for member in members] == [1, 1]


def test_a_member_that_costs_nothing_is_not_kept() -> None:
    def no_store() -> SqliteStore:
        raise AssertionError("no store is needed")

    judge = KeywordsJudge()
    assert keeping(no_store, offline=False)(judge) is judge
