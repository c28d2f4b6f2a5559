import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from judge_models import judging_reply
from servers import LoopbackServer, openai_server
from small_world import RUN, summary_of, write_lines

from benchmarks.killing import until_true

CASES = 40
STORE = Path(".vscbench") / "store.sqlite"


def write_world(folder: Path) -> None:
    """Pairs that all differ, with responses that a judge has to read one by one."""
    names = [f"pair-{number:02d}" for number in range(CASES)]
    pairs = [{"id": name, "label": "safe", "query": f"What is {name}?"} for name in names]
    write_lines(folder / "pairs.jsonl", pairs)
    said = [{"pair_id": name, "response": f"It is {name}."} for name in names]
    write_lines(folder / "said.jsonl", said)


def verdicts_in(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("SELECT count(*) FROM verdicts").fetchone()[0])


def killed_after(requests: int, server: LoopbackServer, command: list[str], folder: Path) -> None:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        until_true(lambda: len(server.requests) >= requests)(process)
        process.kill()
        process.wait()


def test_a_killed_run_goes_on_without_judging_again_what_was_committed(
    pytester: pytest.Pytester,
) -> None:
    folder = pytester.path
    write_world(folder)
    with openai_server(judging_reply, latency_s=0.05) as server:
        options = (
            *RUN,
            "--vsc-judge=rubric:openai/judge",
            f"--vsc-judge-api-base={server.base_url}",
            "--vsc-concurrency=2",
        )
        killed_after(10, server, [sys.executable, "-m", "pytest", *options], folder)
        committed, asked = verdicts_in(folder / STORE), len(server.requests)
        again = pytester.runpytest(*options)
        asked_again = len(server.requests) - asked
    assert again.ret == pytest.ExitCode.OK
    assert 0 < committed < CASES
    assert CASES - committed <= asked_again <= CASES - committed + 2, "2 were in flight"
    assert summary_of(folder)["coverage"] == 1.0
    assert verdicts_in(folder / STORE) == CASES
