import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from servers import LoopbackServer, openai_server
from small_world import outcomes_of, summary_of, timeless, write_lines

from vscbench.cli import main
from vscbench.methods.chain_of_thought import INSTRUCTION
from vscbench.methods.safety_prompt import REMINDER
from vscbench.report.schema import load_schema

ASK = ("--model=openai/a-model", "--vsc-pairs=pairs.jsonl", "--vsc-retries=0")


def run(world: pytest.Pytester, server: LoopbackServer, *more: str) -> pytest.RunResult:
    return world.runpytest(*ASK, f"--vsc-api-base={server.base_url}", *more)


def reasoned(body: dict[str, Any]) -> str:
    """Answer as a model does that is asked to reason: one case without a final answer."""
    asked = str(body["messages"][-1]["content"])
    if "door-unsafe" in asked:
        return "I am sorry, I cannot judge this. It sounds bad."
    refuses = "-unsafe" in asked
    answer = "I can't help with that." if refuses else "Sure: turn it left."
    return f"It asks about a thing. I cannot see any risk.\n\n**Final answer:** {answer}"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_only_the_final_answer_is_judged_and_the_reasoning_is_kept(
    world: pytest.Pytester, workers: str
) -> None:
    with openai_server(reasoned) as server:
        result = run(world, server, "--vsc-method=chain-of-thought", "-n", workers)
        assert all(
            INSTRUCTION in str(each.body["messages"][-1]["content"]) for each in server.requests
        )
    result.assert_outcomes(passed=5, failed=1)
    rows = {row["pair_id"]: row for row in outcomes_of(world.path)}
    assert rows["door-safe"]["response"] == "Sure: turn it left."
    assert rows["door-safe"]["reasoning"].endswith("I cannot see any risk.")
    assert rows["door-safe"]["kind"] == "answered"
    lost = rows["door-unsafe"]
    assert (lost["kind"], lost["response"]) == ("no-final-answer", "")
    assert lost["reasoning"].startswith("I am sorry")
    assert lost["correct"] is False
    summary = summary_of(world.path)
    assert summary["run"]["method"] == "chain-of-thought"
    assert summary["counts"]["by_kind"]["no-final-answer"] == 1
    assert summary["coverage"] == 1.0
    jsonschema.Draft202012Validator(load_schema("summary")).validate(summary)
    for row in rows.values():
        jsonschema.Draft202012Validator(load_schema("outcome")).validate(row)
    result.stdout.fnmatch_lines(
        ["*got reasoning without a final answer*", "method chain-of-thought, pairs*"]
    )


def test_a_second_run_by_the_same_method_asks_nothing_and_says_the_same(
    world: pytest.Pytester,
) -> None:
    with openai_server(reasoned) as server:
        run(world, server, "--vsc-method=chain-of-thought", "--vsc-report=one/reports")
        asked = len(server.requests)
        run(world, server, "--vsc-method=chain-of-thought", "--vsc-report=two/reports")
        assert len(server.requests) == asked == 6
    first, second = ([timeless(row) for row in outcomes_of(world.path / n)] for n in ("one", "two"))
    assert first == second


def test_each_method_has_answers_of_its_own_in_one_store(world: pytest.Pytester) -> None:
    with openai_server(lambda body: "Sure.") as server:
        for method in ("none", "safety-prompt", "chain-of-thought", "few-shot"):
            run(world, server, f"--vsc-method={method}")
        assert len(server.requests) == 24
        run(world, server, "--vsc-method=safety-prompt", "--vsc-method-param=place=user")
        assert len(server.requests) == 30


def test_the_reminder_goes_below_the_production_prompt(world: pytest.Pytester) -> None:
    (world.path / "system.txt").write_text("You sell doors.", encoding="utf-8")
    with openai_server(lambda body: "Sure.") as server:
        run(world, server, "--vsc-method=safety-prompt", "--vsc-system=system.txt")
        sent = [each.body["messages"][0] for each in server.requests]
    assert {each["role"] for each in sent} == {"system"}
    assert {each["content"] for each in sent} == {f"You sell doors.\n\n{REMINDER}"}


def test_demonstrations_are_turns_before_the_question(world: pytest.Pytester) -> None:
    with openai_server(lambda body: "Sure.") as server:
        run(world, server, "--vsc-method=few-shot", "--vsc-method-param=count=2")
        messages = server.requests[0].body["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant"] * 2 + ["user"]
    assert summary_of(world.path)["run"]["method_params"]["count"] == 2


def test_a_method_and_its_parameters_can_stand_in_pyproject(world: pytest.Pytester) -> None:
    (world.path / "pyproject.toml").write_text(
        '[tool.vscbench]\nmethod = "few-shot"\nmethod-param = {count = 2, seed = 5}\n',
        encoding="utf-8",
    )
    with openai_server(lambda body: "Sure.") as server:
        run(world, server)
    found = summary_of(world.path)["run"]
    assert (found["method"], found["method_params"]["seed"]) == ("few-shot", 5)


def test_a_demonstration_that_gives_a_pair_away_ends_the_run_before_it_asks(
    world: pytest.Pytester,
) -> None:
    shown = world.path / "shown"
    shown.mkdir()
    lines = [
        {"id": f"a-{label}", "label": label, "query": f"What about the door-{label}?"}
        | {"answer": "So.", "contrast": "a", "variant": "text"}
        for label in ("safe", "unsafe")
    ]
    write_lines(shown / "manifest.jsonl", lines)
    with openai_server(lambda body: "Sure.") as server:
        result = run(world, server, "--vsc-method=few-shot:shown", "--vsc-method-param=count=2")
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the pair door-safe asks the same as the demonstration a-safe*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--vsc-method=safty-prompt",), "*no such method; did you mean safety-prompt*"),
        (("--vsc-method=few-shot", "--vsc-method-param=k=3"), "*few-shot knows only count, seed*"),
        (("--vsc-method=revision-layer:gone.safetensors",), "*gone.safetensors*"),
        (("--vsc-method-param=alpha=3",), "*none changes nothing*"),
        (("--vsc-split=,",), "*--vsc-split: ',' is none of development, test*"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    world: pytest.Pytester, options: tuple[str, ...], said: str
) -> None:
    with openai_server(lambda body: "Sure.") as server:
        result = run(world, server, *options)
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert "Traceback" not in result.stderr.str()


def test_recorded_responses_cannot_be_asked_by_a_method(world: pytest.Pytester) -> None:
    result = world.runpytest(
        "--model=recorded:said.jsonl", "--vsc-pairs=pairs.jsonl", "--vsc-method=safety-prompt"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*recorded:said.jsonl was answered already*"])


def test_an_application_takes_a_reminder_but_no_conversation(world: pytest.Pytester) -> None:
    world.makepyfile(app="def answer(text, images, system=None):\n    return system or 'none'\n")
    options = ("--model=python:app:answer", "--vsc-pairs=pairs.jsonl")
    world.runpytest(*options, "--vsc-method=safety-prompt")
    assert {row["response"] for row in outcomes_of(world.path)} == {REMINDER}
    result = world.runpytest(*options, "--vsc-method=few-shot")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*called with one question, not with a conversation*"])


def test_only_the_half_that_was_asked_for_is_planned(world: pytest.Pytester) -> None:
    ids: list[set[str]] = []
    for half in ("test", "development"):
        world.runpytest(
            "--model=recorded:said.jsonl",
            "--vsc-pairs=pairs.jsonl",
            f"--vsc-split={half}",
            f"--vsc-report={half}/reports",
        )
        ids.append({row["pair_id"] for row in outcomes_of(world.path / half)})
        summary = summary_of(world.path / half)
        assert summary["complete"]
        assert summary["run"]["selection"]["split"] == half
        jsonschema.Draft202012Validator(load_schema("summary")).validate(summary)
    assert not ids[0] & ids[1]
    assert len(ids[0] | ids[1]) == 6


def test_a_snapshot_of_a_method_is_a_file_of_its_own(world: pytest.Pytester) -> None:
    with openai_server(lambda body: "Sure.") as server:
        for method in ("none", "safety-prompt"):
            run(world, server, f"--vsc-method={method}", "--snapshot-update")
        run(
            world,
            server,
            "--vsc-method=safety-prompt",
            "--vsc-method-param=place=user",
            "--snapshot-update",
        )
    names = sorted(file.name for file in (world.path / "vsc_snapshots").glob("*.txt"))
    assert len(names) == 3, "another text, file or parameter is another method"
    assert sum("safety-prompt" in name for name in names) == 2


def test_a_run_by_a_method_can_be_judged_again(
    world: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.path)
    with openai_server(reasoned) as server:
        run(world, server, "--vsc-method=chain-of-thought")
    (folder,) = (world.path / "reports").iterdir()
    result = CliRunner().invoke(main, ["rejudge", str(folder), "--judge", "keywords"])
    assert result.exit_code == 0, result.output
    (again,) = [each for each in (world.path / "reports").iterdir() if each != folder]
    summary = json.loads((again / "summary.json").read_text(encoding="utf-8"))
    assert summary["run"]["method"] == "chain-of-thought"
    assert summary["counts"]["by_kind"]["no-final-answer"] == 1


def test_recorded_outcomes_of_a_method_keep_what_had_no_final_answer(
    world: pytest.Pytester,
) -> None:
    with openai_server(reasoned) as server:
        run(world, server, "--vsc-method=chain-of-thought", "--vsc-report=first/reports")
    (file,) = Path(world.path).glob("first/reports/*/outcomes.jsonl")
    world.runpytest(f"--model=recorded:{file}", "--vsc-pairs=pairs.jsonl")
    rows = {row["pair_id"]: row["kind"] for row in outcomes_of(world.path)}
    assert rows["door-unsafe"] == "no-final-answer"
