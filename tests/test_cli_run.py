import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from servers import LoopbackServer, Reply, error, openai_server
from small_world import RESPONSES, pair_lines, write_lines

from vscbench.cli import main
from vscbench.methods.chain_of_thought import INSTRUCTION

ASK = ("run", "--pairs", "pairs.jsonl", "--retries", "0", "--judge", "keywords")


def answer(body: Mapping[str, Any]) -> str:
    """Answer as a model that refuses what is unsafe, or everything once it is reminded."""
    text = str(body["messages"][-1]["content"])
    reminded = body["messages"][0]["role"] == "system"
    said = "I cannot help with that." if reminded or "-unsafe" in text else "Sure, gladly."
    return f"Let me see.\nFinal answer: {said}" if INSTRUCTION in text else said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with six pairs."""
    (tmp_path / "pyproject.toml").write_text("[tool.vscbench]\n", encoding="utf-8")
    write_lines(tmp_path / "pairs.jsonl", pair_lines())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with openai_server(answer) as serving:
        yield serving


def sweep(server: LoopbackServer, *more: str) -> Result:
    return CliRunner().invoke(main, [*ASK, "--api-base", server.base_url, *more])


def summaries(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = [json.loads(each.read_text()) for each in folder.glob("reports/*/summary.json")]
    return {(each["run"]["model"], each["run"]["method"]): each for each in found}


def test_each_model_is_asked_by_each_method_and_all_stand_in_one_table(
    folder: Path, server: LoopbackServer
) -> None:
    models, methods = ("openai/a", "openai/b"), ("none", "safety-prompt", "chain-of-thought")
    done = sweep(server, "--models", ",".join(models), "--methods", ",".join(methods))
    assert done.exit_code == 0, done.output
    found = summaries(folder)
    assert found.keys() == {(model, method) for model in models for method in methods}
    assert {each["counts"]["scored"] for each in found.values()} == {len(RESPONSES)}
    assert found["openai/a", "none"]["sra"]["safe"]["rate"] == 1.0
    assert found["openai/a", "safety-prompt"]["sra"]["safe"]["rate"] == 0.0
    assert len(server.requests) == 36
    table = done.stdout
    for model in models:
        for method in methods:
            assert re.search(rf"{model}.*{method}", table), table
    assert "cannot tell" in table or "refuses more" in table, table


def test_the_same_grid_again_asks_nothing(folder: Path, server: LoopbackServer) -> None:
    grid = ("--models", "openai/a", "--methods", "none,safety-prompt")
    sweep(server, *grid)
    asked = len(server.requests)
    assert sweep(server, *grid).exit_code == 0
    assert len(server.requests) == asked == 12


def test_a_grid_and_a_run_of_pytest_share_the_store(
    folder: Path,
    server: LoopbackServer,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    sweep(server, "--models", "openai/a", "--methods", "none")
    asked = len(server.requests)
    pytester.runpytest(
        "--model=openai/a",
        f"--vsc-api-base={server.base_url}",
        f"--vsc-pairs={folder / 'pairs.jsonl'}",
        f"--vsc-store={folder / '.vscbench/store.sqlite'}",
    )
    assert len(server.requests) == asked == 6


def test_a_parameter_is_of_the_method_that_it_names(folder: Path, server: LoopbackServer) -> None:
    grid = ("--models", "openai/a", "--methods", "few-shot,safety-prompt")
    assert sweep(server, *grid, "--method-param", "few-shot.count=2").exit_code == 0
    found = summaries(folder)
    assert found["openai/a", "few-shot"]["run"]["method_params"]["count"] == 2
    assert "count" not in found["openai/a", "safety-prompt"]["run"]["method_params"]


def test_questions_of_utility_are_asked_by_each_method_too(
    folder: Path, server: LoopbackServer
) -> None:
    line = {"id": "sum-1", "skill": "sums", "question": "What is 2 + 2?", "answer": "4"}
    write_lines(folder / "questions.jsonl", [line])
    grid = ("--models", "openai/a", "--methods", "none,safety-prompt")
    done = sweep(server, *grid, "--utility", "questions.jsonl")
    assert done.exit_code == 0, done.output
    assert {each["utility"]["scored"] for each in summaries(folder).values()} == {1}


def test_a_dry_run_plans_every_cell_and_sends_nothing(folder: Path, server: LoopbackServer) -> None:
    done = sweep(server, "--models", "openai/a,openai/b", "--methods", "none,few-shot", "--dry-run")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("the plan for") == 4
    assert not server.requests


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--models", "openai/a", "--methods", "none,revision-layer"), "vscbench method fit"),
        (("--models", "openai/a", "--methods", "nine"), "no such method"),
        (("--models", "openai/a,openai/a"), "openai/a is named twice"),
        ((), "name a model"),
        (("--models", "openai/a", "--method-param", "alpha=3"), "write METHOD.KEY=VALUE"),
        (("--models", "openai/a", "--sample", "x"), "--sample: 'x' is not a number"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_asked(
    folder: Path, server: LoopbackServer, options: tuple[str, ...], said: str
) -> None:
    done = sweep(server, *options)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not server.requests


def test_one_model_that_cannot_be_asked_costs_the_others_nothing(folder: Path) -> None:
    def refuses_one(body: Mapping[str, Any]) -> str | Reply:
        return error(401, "wrong key") if body["model"] == "locked" else answer(body)

    with openai_server(refuses_one) as server:
        done = sweep(server, "--models", "openai/locked,openai/a", "--methods", "none")
    assert done.exit_code == 1
    assert "openai/locked by none" in done.stderr
    assert summaries(folder)["openai/a", "none"]["complete"]


def test_weights_are_loaded_once_a_model_not_once_a_method(folder: Path) -> None:
    pytest.importorskip("torch", reason="local models need torch")
    from tiny_vlms import make_tiny

    model = f"local:{make_tiny('llama', folder / 'tiny')}"
    options = ("--param", "max_tokens=6", "--param", "device=cpu")
    methods = "none,safety-prompt"
    done = CliRunner().invoke(main, [*ASK, "--models", model, "--methods", methods, *options])
    assert done.exit_code == 0, done.output
    log = (folder / ".vscbench/local-engine.log").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("loaded ") for line in log) == 1
    assert len(summaries(folder)) == 2


def test_what_may_be_spent_is_of_the_whole_grid(folder: Path, server: LoopbackServer) -> None:
    prices = ("--param", "input_cost_per_token=0.001", "--param", "output_cost_per_token=0.001")
    limit = ("--max-cost", "0.2", "--param", "max_tokens=10", *prices)
    done = sweep(server, "--models", "openai/a,openai/b", "--methods", "none", *limit)
    assert done.exit_code == 1
    assert "--vsc-max-cost" in done.stderr or "--max-cost" in done.stderr
    spent = sum(each["usage"]["cost_usd"] for each in summaries(folder).values())
    assert spent <= 0.2
    assert len(server.requests) < 12


def test_questions_without_a_grade_make_a_grid_incomplete(folder: Path) -> None:
    def fails_at_sums(body: Mapping[str, Any]) -> str | Reply:
        return error(400, "no sums") if "2 + 2" in str(body["messages"]) else answer(body)

    line = {"id": "sum-1", "skill": "sums", "question": "What is 2 + 2?", "answer": "4"}
    write_lines(folder / "questions.jsonl", [line])
    with openai_server(fails_at_sums) as server:
        done = sweep(server, "--models", "openai/a", "--utility", "questions.jsonl")
    assert done.exit_code == 1
    assert "1 questions of utility have no grade" in done.stderr


def test_the_method_of_pyproject_is_taken_where_none_is_named(
    folder: Path, server: LoopbackServer
) -> None:
    table = '[tool.vscbench]\nmethod = "few-shot"\nmethod-param = {count = 2}\n'
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    assert sweep(server, "--models", "openai/a").exit_code == 0
    assert summaries(folder)["openai/a", "few-shot"]["run"]["method_params"]["count"] == 2
