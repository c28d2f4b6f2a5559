import gc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from judge_models import judging_reply
from servers import LoopbackServer, error, openai_server

from vscbench.engine.judging import judging
from vscbench.engine.sqlite_store import SqliteStore, open_store
from vscbench.errors import JudgeError, StoppedError, UsageError
from vscbench.judges.spec import JudgeSpec
from vscbench.records import Kind, Turn, Verdict

TURNS = [
    Turn(f"Question {number}?", "I cannot help." if number % 2 else "Sure, gladly.")
    for number in range(12)
]


def rubric(server: LoopbackServer) -> JudgeSpec:
    return JudgeSpec("rubric", "openai/judge", server.base_url)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def kinds(said: list[Verdict | JudgeError]) -> list[Kind | str]:
    return [each.kind if isinstance(each, Verdict) else str(each) for each in said]


EXPECTED = [Kind.REFUSED if number % 2 else Kind.ANSWERED for number in range(12)]


def test_a_free_judge_reads_turns_in_order_and_needs_no_store() -> None:
    done: list[int] = []
    with judging(JudgeSpec("keywords"), store=None) as bench:
        said = bench.judge_all(TURNS, done.append)
        assert bench.judge.name == "keywords"
    assert kinds(said) == EXPECTED
    assert done == list(range(1, 13))


def test_an_llm_judges_side_by_side_and_no_verdict_is_paid_for_twice(store: SqliteStore) -> None:
    with openai_server(judging_reply, latency_s=0.05) as server:
        with judging(rubric(server), store=store, concurrency=4) as bench:
            assert kinds(bench.judge_all(TURNS)) == EXPECTED
            assert bench.usage.requests == 12
        assert server.peak_in_flight == 4
        with judging(rubric(server), store=store) as bench:
            assert kinds(bench.judge_all([*TURNS, *TURNS])) == EXPECTED * 2
            assert bench.usage.requests == 0
        assert len(server.requests) == 12


def test_a_turn_without_a_verdict_is_an_error_of_its_own() -> None:
    def sometimes(body: Mapping[str, Any]) -> str:
        return "I would rather not." if "Question 3?" in str(body) else judging_reply(body)

    with openai_server(sometimes) as server, judging(rubric(server), store=None) as bench:
        said = bench.judge_all(TURNS)
    assert [isinstance(each, JudgeError) for each in said] == [n == 3 for n in range(12)]


def test_a_provider_without_the_model_ends_it_in_the_commands_words(
    store: SqliteStore, capfd: pytest.CaptureFixture[str]
) -> None:
    with openai_server(lambda body: error(404, "no such model")) as server:
        with (
            pytest.raises(StoppedError, match="Correct --judge-model or --judge-api-base"),
            judging(rubric(server), store=store, concurrency=1) as bench,
        ):
            bench.judge_all(TURNS)
        assert len(server.requests) == 1
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err


def test_what_cannot_be_opened_is_said_in_the_commands_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for spec, message in (
        (JudgeSpec("rubric"), "add --judge-model"),
        (JudgeSpec("rubric", "openai/gpt-4o"), "--judge-model openai/gpt-4o: no key"),
        (JudgeSpec("nobody"), "known judges"),
    ):
        with pytest.raises(UsageError, match=message), judging(spec, store=None):
            raise AssertionError("it was opened")


def test_offline_only_kept_verdicts_count(store: SqliteStore) -> None:
    with openai_server(judging_reply) as server:
        with judging(rubric(server), store=store) as bench:
            bench.judge_all(TURNS[:6])
        with judging(rubric(server), store=store, offline=True) as bench:
            said = bench.judge_all(TURNS)
        assert len(server.requests) == 6
    assert kinds(said)[:6] == EXPECTED[:6]
    assert all(isinstance(each, JudgeError) for each in said[6:])
