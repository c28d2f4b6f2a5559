import asyncio
import threading

import pytest

from vscbench.models.inline_executor import InlineExecutor


def run_in_executor() -> tuple[int, int]:
    async def hop() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(InlineExecutor())
        there = await loop.run_in_executor(None, threading.get_ident)
        addresses = await loop.getaddrinfo("127.0.0.1", 80)
        return there, len(addresses)

    return asyncio.run(hop())


def test_work_is_done_where_it_is_submitted_and_names_are_still_found() -> None:
    there, addresses = run_in_executor()
    assert there == threading.get_ident()
    assert addresses >= 1


def test_what_is_raised_is_raised_where_the_result_is_asked_for() -> None:
    done = InlineExecutor().submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        done.result()
