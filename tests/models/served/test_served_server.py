import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from stand_in_engine import Mood, StandIn, Started, write_sglang, write_vllm
from waiting import wait_until

from vscbench.errors import TargetError, UsageError, VscbenchError
from vscbench.models.protocol import ParamValue
from vscbench.models.served.engines import SGLANG, VLLM, Engine
from vscbench.models.served.health import is_ready
from vscbench.models.served.options import read_options
from vscbench.models.served.server import Address, Launch, Server
from vscbench.models.served.servers import Servers
from vscbench.records import Cause

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

OPTIONS: dict[str, ParamValue] = {
    "tensor_parallel_size": 4,
    "enforce_eager": True,
    "env.CUDA_VISIBLE_DEVICES": 1,
}
LAST_WORDS = "torch.OutOfMemoryError: CUDA out of memory"


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = write_vllm(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(stand_in.folder))
    return stand_in


def launch(options: Mapping[str, ParamValue] | None = None, engine: Engine = VLLM) -> Launch:
    name = "org/weights"
    given = {"start_timeout_s": 60, **(options or {})}
    return Launch(f"{engine.name}:{name}", engine, name, read_options(engine, given))


def with_server(
    folder: Path, use: Callable[[Server], Awaitable[Any]], asked: Launch | None = None
) -> Any:  # noqa: ANN401 - whatever the test wants to know
    async def used() -> object:
        servers = Servers(folder / "logs")
        try:
            return await use(servers.of(asked or launch()))
        finally:
            await servers.close()

    return asyncio.run(used())


def port_of(address: Address) -> int:
    return int(address.url.rpartition(":")[2].removesuffix("/v1"))


def test_a_server_that_takes_its_time_is_waited_for(vllm: StandIn, tmp_path: Path) -> None:
    async def ready(server: Server) -> bool:
        address = await server.address()
        assert await asyncio.to_thread(is_ready, port_of(address), address.key, "org/weights")
        return not await asyncio.to_thread(is_ready, port_of(address), "sk-wrong", "org/weights")

    vllm.behave(Mood(looks=3))
    assert with_server(tmp_path, ready)
    (started,) = vllm.starts()
    wait_until(lambda: not started.living)


def test_whoever_asks_there_is_one_start(vllm: StandIn, tmp_path: Path) -> None:
    async def all_ask(server: Server) -> set[Address]:
        return set(await asyncio.gather(*(server.address() for _ in range(20))))

    assert len(with_server(tmp_path, all_ask)) == 1
    assert len(vllm.starts()) == 1


def test_options_and_environment_reach_the_server(vllm: StandIn, tmp_path: Path) -> None:
    asked = launch(OPTIONS)
    with_server(tmp_path, lambda server: server.address(), asked)
    (started,) = vllm.starts()
    assert started.arguments[:5] == [
        *("serve", "org/weights", "--enforce-eager", "--tensor-parallel-size", "4"),
    ]
    assert (started.option("--host"), started.visible_devices) == ("127.0.0.1", "1")


def test_sglang_is_started_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = write_sglang(tmp_path / "packages")
    monkeypatch.syspath_prepend(str(stand_in.folder))
    monkeypatch.setenv("PYTHONPATH", str(stand_in.folder))
    with_server(tmp_path, lambda server: server.address(), launch({"tp": 2}, SGLANG))
    (started,) = stand_in.starts()
    assert started.arguments[:4] == ["--model-path", "org/weights", "--tp", "2"]
    (log,) = (tmp_path / "logs").iterdir()
    assert started.key not in log.read_text(encoding="utf-8")


def test_a_death_at_the_start_is_told_to_all_with_the_last_words(
    vllm: StandIn, tmp_path: Path
) -> None:
    async def all_ask(server: Server) -> list[BaseException]:
        first = await asyncio.gather(*(server.address() for _ in range(3)), return_exceptions=True)
        later = await asyncio.gather(server.address(), return_exceptions=True)
        return [each for each in (*first, *later) if isinstance(each, BaseException)]

    vllm.behave(Mood(last_words=LAST_WORDS, status=3))
    faults = with_server(tmp_path, all_ask)
    (message,) = {str(fault) for fault in faults}
    assert [type(fault) for fault in faults] == [VscbenchError] * 4
    assert "the vLLM server for org/weights ended before it was ready" in message
    assert LAST_WORDS in message
    assert "exit status 3" in message
    assert str(next((tmp_path / "logs").iterdir())) in message


def test_a_server_that_never_becomes_ready_is_ended_at_its_deadline(
    vllm: StandIn, tmp_path: Path
) -> None:
    vllm.behave(Mood(looks=None))
    with pytest.raises(VscbenchError, match=r"not ready after 2 s.*start_timeout_s=SECONDS"):
        with_server(tmp_path, lambda server: server.address(), launch({"start_timeout_s": 2}))
    wait_until(lambda: not [pid for started in vllm.starts() for pid in started.living])


def test_closing_does_not_wait_for_a_start(vllm: StandIn, tmp_path: Path) -> None:
    async def begin(server: Server) -> Started:
        waiting = asyncio.ensure_future(server.address())
        await asyncio.to_thread(wait_until, vllm.starts)
        waiting.cancel()
        return vllm.starts()[0]

    vllm.behave(Mood(looks=None))
    started = with_server(tmp_path, begin)
    wait_until(lambda: not started.living)


def test_an_engine_that_is_missing_is_found_out_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="vLLM is not installed"):
        with_server(tmp_path, lambda server: server.address())
    assert not (tmp_path / "logs").exists()


async def fail(cause: Cause) -> None:
    raise TargetError("broken off", cause)


def test_work_that_fails_on_a_living_server_fails_alone(vllm: StandIn, tmp_path: Path) -> None:
    async def ask(server: Server) -> str:
        await server.address()
        with pytest.raises(TargetError, match="broken off"):
            await server.while_it_lives(fail(Cause.TIME_OUT))
        return await server.while_it_lives(asyncio.sleep(0, "answered"))

    assert with_server(tmp_path, ask) == "answered"


@pytest.mark.parametrize("breaks_off", [True, False])
def test_a_death_in_mid_work_is_told_with_how_to_go_on(
    vllm: StandIn, tmp_path: Path, breaks_off: bool
) -> None:
    async def ask(server: Server) -> None:
        await server.address()
        for pid in vllm.starts()[0].pids:
            os.kill(pid, signal.SIGKILL)
        work = fail(Cause.CONNECTION) if breaks_off else asyncio.sleep(600)
        await server.while_it_lives(work)

    with pytest.raises(VscbenchError, match=r"ended while it was asked.*run the same command") as e:
        with_server(tmp_path, ask)
    assert not isinstance(e.value, TargetError)
    assert "exit status -9" in str(e.value)


def test_models_that_ask_for_the_same_server_share_it_and_others_do_not(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    target = servers.of(launch({"dtype": "auto"}))
    assert servers.of(launch({"dtype": "auto"})) is target
    judge = servers.of(launch({"dtype": "half"}))
    assert judge is not target
    assert judge.log != target.log
    assert not servers.are_started


def test_a_log_says_what_it_is_and_an_earlier_one_stays(tmp_path: Path) -> None:
    first = Servers(tmp_path).of(launch()).log
    first.write_text("what was", encoding="utf-8")
    assert first.name.startswith("vllm-weights-")
    assert Servers(tmp_path).of(launch()).log != first
