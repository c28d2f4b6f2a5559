import asyncio
import concurrent.futures

import pytest

from vscbench.engine.loop import LoopThread
from vscbench.errors import VscbenchError


async def add(first: int, second: int) -> int:
    await asyncio.sleep(0)
    return first + second


def test_a_coroutine_runs_on_the_loop_and_its_result_comes_back() -> None:
    loop = LoopThread()
    assert loop.run(add(1, 2)) == 3
    loop.close()


def test_waiting_ends_when_time_is_up() -> None:
    loop = LoopThread()
    with pytest.raises(TimeoutError):
        loop.run(asyncio.sleep(60), timeout_s=0.01)
    loop.close()


def test_who_waits_for_a_loop_that_is_gone_is_told() -> None:
    loop = LoopThread()
    loop.close()
    never: concurrent.futures.Future[int] = concurrent.futures.Future()
    with pytest.raises(VscbenchError, match="engine stopped"):
        loop.wait(never)
    assert not loop.is_alive


def test_closing_cancels_what_runs_and_is_harmless_twice() -> None:
    loop = LoopThread()
    running = loop.start(asyncio.sleep(60))
    loop.close()
    loop.close()
    assert running.cancelled()


def test_a_call_to_a_closed_loop_does_nothing() -> None:
    loop = LoopThread()
    loop.close()
    loop.call(print, "never")
