import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from servers import LoopbackServer, Reply, error, openai_server

from vscbench.errors import DataError, TargetError, UsageError
from vscbench.models.hosted import HostedModel, sender_count
from vscbench.models.protocol import ModelSpec
from vscbench.models.sender_pool import HostedOpening, SenderPool
from vscbench.models.sender_processes import Program, SenderProcesses
from vscbench.records import Cause, Finish, Request, Response

ASKED = Request("p", 1, "Is it safe?", None, None)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with openai_server() as running:
        yield running


def opening(server: LoopbackServer, name: str = "gpt") -> HostedOpening:
    return HostedOpening(ModelSpec(name, server.base_url), "openai/gpt-4o")


async def opened(pool: SenderPool, asked: HostedOpening) -> HostedModel:
    number = pool.add(asked)
    return HostedModel(number, await pool.facts(number), pool)


async def hosted(server: LoopbackServer, senders: int = 1) -> HostedModel:
    return await opened(SenderPool(lambda: SenderProcesses(senders)), opening(server))


def ask(server: LoopbackServer, *requests: Request, senders: int = 1) -> list[Response]:
    async def all_of_them() -> list[Response]:
        model = await hosted(server, senders)
        try:
            return list(await asyncio.gather(*(model.respond(each) for each in requests)))
        finally:
            await model.close()

    return asyncio.run(all_of_them())


def test_a_model_in_another_process_answers_as_one_in_this(
    server: LoopbackServer, tmp_path: Path
) -> None:
    Image.new("RGB", (9, 9), "teal").save(tmp_path / "a.png")
    seen = Request("q", 1, "What is this?", tmp_path / "a.png", "Be brief.")
    plain, with_image = ask(server, ASKED, seen)
    assert plain.text == "Gladly. You asked: Is it safe?"
    assert plain.cost_usd is not None
    assert with_image.text == "Gladly. You asked: What is this?"
    assert [len(each.body["messages"]) for each in server.requests] in ([1, 2], [2, 1])


@pytest.mark.usefixtures("cold_senders")
def test_a_warning_of_a_library_fails_no_request_where_warnings_are_errors(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    (response,) = ask(server, ASKED)
    assert response.text == "Gladly. You asked: Is it safe?"


def test_several_senders_share_the_requests(server: LoopbackServer) -> None:
    requests = [Request(f"p{number}", 1, f"Question {number}?", None, None) for number in range(24)]
    responses = ask(server, *requests, senders=2)
    assert [each.text for each in responses] == [
        f"Gladly. You asked: Question {number}?" for number in range(24)
    ]
    assert len(server.requests) == 24


def test_what_the_model_says_of_itself_is_known_before_anything_is_sent(
    server: LoopbackServer,
) -> None:
    async def facts_of_a_hosted_model() -> HostedModel:
        model = await hosted(server)
        await model.close()
        return model

    model = asyncio.run(facts_of_a_hosted_model())
    assert model.name == "gpt"
    assert model.params["max_tokens"] == 4096
    assert model.identity is not None
    assert model.identity["model"] == "openai/gpt-4o"
    assert model.price is not None
    assert server.requests == []


def test_a_model_that_cannot_be_opened_says_why_in_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    async def open_without_key() -> None:
        pool = SenderPool(lambda: SenderProcesses(1))
        try:
            await opened(pool, HostedOpening(ModelSpec("gpt"), "openai/gpt-4o"))
        finally:
            await pool.close()

    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        asyncio.run(open_without_key())


def test_models_that_share_processes_each_answer_what_they_are_asked(
    server: LoopbackServer,
) -> None:
    async def both_asked() -> tuple[list[str], int]:
        processes: list[SenderProcesses] = []

        def start() -> SenderProcesses:
            processes.append(SenderProcesses(1))
            return processes[-1]

        with openai_server(lambda body: "I judge.") as other:
            pool = SenderPool(start)
            target = await opened(pool, opening(server))
            judge = await opened(pool, opening(other, "judge"))
            try:
                answers = await asyncio.gather(
                    *(model.respond(ASKED) for model in (target, judge, target, judge))
                )
            finally:
                await target.close()
                await judge.close()
        return [answer.text for answer in answers], len(processes)

    answers, starts = asyncio.run(both_asked())
    assert answers == ["Gladly. You asked: Is it safe?", "I judge."] * 2
    assert starts == 1


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (error(429, "slow down"), Cause.RATE_LIMIT),
        (error(401, "who are you"), Cause.AUTHENTICATION),
        (Reply(hang_up=True), Cause.CONNECTION),
    ],
)
def test_a_fault_arrives_with_its_cause(reply: Reply, cause: Cause) -> None:
    with openai_server(lambda body: reply) as running, pytest.raises(TargetError) as raised:
        ask(running, ASKED)
    assert raised.value.cause is cause


def test_a_block_arrives_as_a_block() -> None:
    with openai_server(lambda body: error(400, "Filtered.", "content_filter")) as running:
        (response,) = ask(running, ASKED)
    assert (response.finish, response.reason) == (Finish.BLOCKED, "content_filter: Filtered.")


def test_an_image_that_cannot_be_sent_is_named(server: LoopbackServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.png"):
        ask(server, Request("p", 1, "?", tmp_path / "none.png", None))


def test_senders_that_died_are_started_again_with_every_model_they_held(
    server: LoopbackServer,
) -> None:
    async def killed_between() -> tuple[list[str], list[str]]:
        pool = SenderPool(lambda: SenderProcesses(1))
        models = [await opened(pool, opening(server, name)) for name in ("target", "judge")]
        first = [(await model.respond(ASKED)).text for model in models]
        assert pool.senders is not None
        for process in pool.senders.processes:
            os.kill(process.pid, signal.SIGKILL)
        try:
            return first, [await until_answered(model) for model in models]
        finally:
            await pool.close()

    first, second = asyncio.run(killed_between())
    assert first == second


async def until_answered(model: HostedModel) -> str:
    """Ask until an answer comes: the loss of a process shows a moment after its end."""
    for _ in range(1000):
        try:
            return (await model.respond(ASKED)).text
        except TargetError as fault:
            assert fault.cause is Cause.CONNECTION
            await asyncio.sleep(0)
    raise AssertionError("the senders were not started again")


def test_a_process_that_ends_before_it_is_asked_is_told_and_not_waited_for(
    server: LoopbackServer,
) -> None:
    program = Program("ending_program", "the local engine")

    async def facts() -> None:
        pool = SenderPool(lambda: SenderProcesses(1, program))
        number = pool.add(opening(server))
        try:
            await asyncio.wait_for(pool.facts(number), 60)
        finally:
            await pool.close()

    with pytest.raises(TargetError, match=r"the local engine ended \(exit status 4\)"):
        asyncio.run(facts())


def test_a_machine_that_is_short_of_processes_for_a_moment_is_asked_again(
    server: LoopbackServer,
) -> None:
    refusals = [BlockingIOError(11, "Resource temporarily unavailable")]

    def start() -> SenderProcesses:
        if refusals:
            raise refusals.pop()
        return SenderProcesses(1)

    async def twice() -> str:
        pool = SenderPool(start)
        number = pool.add(opening(server))
        try:
            with pytest.raises(TargetError, match="could not be started") as refused:
                await pool.facts(number)
            assert refused.value.cause.is_transient
            return (await pool.facts(number)).name
        finally:
            await pool.close()

    assert asyncio.run(twice()) == "gpt"


def test_closing_leaves_no_process_behind(server: LoopbackServer) -> None:
    async def opened_and_closed() -> list[int | None]:
        processes = SenderProcesses(2)
        model = await opened(SenderPool(lambda: processes), opening(server))
        await model.close()
        return [process.poll() for process in processes.processes]

    assert None not in asyncio.run(opened_and_closed())


@pytest.mark.parametrize(
    ("concurrency", "workers", "cores", "senders"),
    [(16, 0, 8, 1), (64, 0, 8, 1), (64, 2, 8, 2), (64, 8, 2, 2), (64, 8, 16, 4), (1, 8, 16, 1)],
)
def test_there_are_as_many_senders_as_the_run_can_use(
    concurrency: int, workers: int, cores: int, senders: int
) -> None:
    assert sender_count(concurrency, workers, cores) == senders
