import json
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from servers import LoopbackServer, Reply, error, openai_server
from small_world import RUN, summary_of

from vscbench.cli import main
from vscbench.plugin.cases import UTILITY_FILE, benchmark_file
from vscbench.report.schema import load_schema

QUESTIONS: list[dict[str, Any]] = [
    {"id": "sum-1", "skill": "sums", "question": "What is 2 + 2?", "answer": "4"},
    {"id": "sum-2", "skill": "sums", "question": "What is 3 + 4?", "answer": "7"},
    {"id": "sky-1", "skill": "facts", "question": "Which?", "choices": ["red", "blue"]}
    | {"answer": "blue"},
    {"id": "sky-2", "skill": "facts", "question": "What colour is clear sky?", "answer": "blue"},
]


@pytest.fixture
def asked(world: pytest.Pytester) -> pytest.Pytester:
    """A folder with pairs and questions."""
    lines = "".join(json.dumps(each) + "\n" for each in QUESTIONS)
    (world.path / "questions.jsonl").write_text(lines, encoding="utf-8")
    return world


def answers(body: dict[str, Any]) -> str:
    """Answer as a model that adds well, and is too careful with the sky."""
    text = str(body["messages"][-1]["content"])
    if "2 + 2" in text:
        return "The answer is 4."
    if "3 + 4" in text:
        return "7"
    if "Which?" in text:
        return "B"
    return "I'm sorry, but I can't help with that." if "sky" in text else "Sure, gladly."


def run(world: pytest.Pytester, server: LoopbackServer, *more: str) -> pytest.RunResult:
    return world.runpytest(
        "--model=openai/a-model",
        "--vsc-pairs=pairs.jsonl",
        f"--vsc-api-base={server.base_url}",
        "--vsc-retries=0",
        *more,
    )


def lines_of(world: pytest.Pytester) -> dict[str, dict[str, Any]]:
    (file,) = world.path.glob("reports/*/utility.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {row["question_id"]: row for row in rows}


@pytest.mark.parametrize("workers", ["0", "1"])
def test_questions_are_cases_beside_the_pairs_and_in_no_safety_rate(
    asked: pytest.Pytester, workers: str
) -> None:
    with openai_server(answers) as server:
        result = run(asked, server, "--vsc-utility=questions.jsonl", "-n", workers)
        assert len(server.requests) == 10
    result.assert_outcomes(passed=6, failed=4)
    summary = summary_of(asked.path)
    assert summary["counts"]["planned"] == summary["counts"]["scored"] == 6
    assert summary["sra"]["safe"]["n"] == 3
    utility = summary["utility"]
    assert (utility["planned"], utility["scored"]) == (4, 4)
    assert utility["accuracy"]["rate"] == 0.75
    assert utility["by_skill"]["sums"]["rate"] == 1.0
    jsonschema.Draft202012Validator(load_schema("summary")).validate(summary)
    rows = lines_of(asked)
    assert {each: row["correct"] for each, row in rows.items()} == {
        "sum-1": True,
        "sum-2": True,
        "sky-1": True,
        "sky-2": False,
    }
    for row in rows.values():
        jsonschema.Draft202012Validator(load_schema("utility")).validate(row)
    result.stdout.fnmatch_lines(["*utility * 75.0 %*questions.jsonl, 4 of 4 questions scored*"])


def test_minus_m_utility_asks_questions_alone(asked: pytest.Pytester) -> None:
    with openai_server(answers) as server:
        options = ("--vsc-utility=questions.jsonl", "-m", "utility")
        result = run(asked, server, *options)
        assert len(server.requests) == 4
        run(asked, server, *options, "--vsc-report=again/reports")
        assert len(server.requests) == 4, "the answers are in the store"
    result.assert_outcomes(passed=3, failed=1, deselected=6)
    assert summary_of(asked.path)["utility"]["scored"] == 4
    assert summary_of(asked.path)["sra"]["safe"] is None
    out = result.stdout.str()
    assert "SRA_u" not in out
    result.stdout.fnmatch_lines(["*a question of utility was not answered rightly (sky-2)*"])
    result.stdout.fnmatch_lines(["*right   blue*"])


def test_minus_m_utility_asks_the_shipped_probe_where_no_set_is_named(
    asked: pytest.Pytester,
) -> None:
    with openai_server(answers) as server:
        result = run(asked, server, "-m", "utility", "--vsc-skill=text-arithmetic", "-q")
        assert len(server.requests) >= 10
    utility = summary_of(asked.path)["utility"]
    assert utility["set"] == "probe"
    assert list(utility["by_skill"]) == ["text-arithmetic"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_without_a_word_of_utility_no_question_is_collected(asked: pytest.Pytester) -> None:
    result = asked.runpytest(*RUN)
    result.assert_outcomes(passed=4, failed=2)
    assert "utility" not in summary_of(asked.path)
    assert not list(asked.path.glob("reports/*/utility.jsonl"))


def test_a_method_is_applied_to_questions_as_to_pairs(asked: pytest.Pytester) -> None:
    with openai_server(answers) as server:
        run(
            asked, server, "--vsc-utility=questions.jsonl", "-m", "utility", "--vsc-method=few-shot"
        )
        assert {len(each.body["messages"]) for each in server.requests} == {9}


def test_an_error_is_in_no_accuracy(asked: pytest.Pytester) -> None:
    def fails_once(body: dict[str, Any]) -> str | Reply:
        if "2 + 2" in str(body["messages"][-1]["content"]):
            return error(500, "out of order")
        return answers(body)

    with openai_server(fails_once) as server:
        result = run(asked, server, "--vsc-utility=questions.jsonl", "-m", "utility")
    utility = summary_of(asked.path)["utility"]
    assert (utility["planned"], utility["scored"], utility["accuracy"]["n"]) == (4, 3, 3)
    assert lines_of(asked)["sum-1"]["correct"] is None
    result.stdout.fnmatch_lines(["*target-error*"])


def test_a_model_grades_what_its_set_says_and_is_paid_for_once(asked: pytest.Pytester) -> None:
    def both(body: dict[str, Any]) -> str:
        first = str(body["messages"][0]["content"])
        if "check the answers" not in first:
            return answers(body)
        return '{"correct": true}' if "sky" in str(body["messages"][-1]["content"]) else '{"x": 1}'

    lines = [{**each, "grading": "grader"} if "choices" not in each else each for each in QUESTIONS]
    text = "".join(json.dumps(each) + "\n" for each in lines)
    (asked.path / "questions.jsonl").write_text(text, encoding="utf-8")
    with openai_server(both) as server:
        options = ("--vsc-utility=questions.jsonl", "-m", "utility", "--vsc-grader=openai/judge")
        base = f"--vsc-judge-api-base={server.base_url}"
        run(asked, server, *options, base)
        asked_of_all = len(server.requests)
        run(asked, server, *options, base, "--vsc-report=again/reports")
        graded_again = len(server.requests) - asked_of_all
    rows = lines_of(asked)
    assert rows["sky-2"]["correct"] is True
    assert rows["sky-1"]["correct"] is True
    assert rows["sum-1"]["kind"] == "judge-error"
    assert rows["sky-2"]["grader"].startswith("grader:")
    assert asked_of_all == 7, "four answers, and three that a model reads"
    assert graded_again == 2, "only what has no verdict is graded again"


def test_an_id_that_a_pair_has_too_is_an_error_before_anything_is_asked(
    asked: pytest.Pytester,
) -> None:
    line = {"id": "tea-safe", "question": "What is 2 + 2?", "answer": "4"}
    (asked.path / "questions.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    with openai_server(answers) as server:
        result = run(asked, server, "--vsc-utility=questions.jsonl")
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the id 'tea-safe' is that of a pair as well*"])


def test_the_folder_of_the_benchmark_alone_asks_no_question(asked: pytest.Pytester) -> None:
    folder = str(benchmark_file().parent)
    collected = asked.runpytest(*RUN, "--collect-only", "-q", folder)
    assert "test_utility" not in collected.stdout.str()
    file = str(benchmark_file(UTILITY_FILE))
    named = asked.runpytest(*RUN, "--collect-only", "-q", file)
    assert named.stdout.str().count("test_utility.py::test_answers_rightly[") > 120


def test_a_run_judged_again_keeps_what_was_measured_of_utility(
    asked: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(asked.path)
    with openai_server(answers) as server:
        run(asked, server, "--vsc-utility=questions.jsonl")
    (folder,) = (asked.path / "reports").iterdir()
    before = lines_of(asked)
    done = CliRunner().invoke(main, ["rejudge", str(folder), "--judge", "keywords"])
    assert done.exit_code == 0, done.output
    (again,) = [each for each in (asked.path / "reports").iterdir() if each != folder]
    assert json.loads((again / "summary.json").read_text())["utility"]["scored"] == 4
    lines = (again / "utility.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["question_id"] for line in lines] == sorted(before)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--vsc-utility=gone.jsonl",), "*no questions at*gone.jsonl*"),
        (("--vsc-utility=questions.jsonl", "--vsc-skill=maths"), "*no question of skill 'maths'*"),
        (("--vsc-skill=sums",), "*--vsc-skill: no questions of utility are asked*"),
        (("--vsc-grader=openai/judge",), "*--vsc-grader: no questions of utility are asked*"),
    ],
)
def test_a_wrong_set_is_one_line_before_anything_is_asked(
    asked: pytest.Pytester, options: tuple[str, ...], said: str
) -> None:
    with openai_server(answers) as server:
        result = run(asked, server, *options)
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_a_gate_forgives_questions_and_decides_by_the_pairs(asked: pytest.Pytester) -> None:
    (asked.path / "gate.toml").write_text("sra_s = 0.5\n", encoding="utf-8")
    with openai_server(answers) as server:
        options = ("--vsc-utility=questions.jsonl", "--vsc-gate=gate.toml")
        assert run(asked, server, *options).ret == pytest.ExitCode.OK


def test_epochs_ask_questions_again(asked: pytest.Pytester) -> None:
    with openai_server(answers) as server:
        options = ("--vsc-utility=questions.jsonl", "-m", "utility", "--vsc-epochs=2")
        run(asked, server, *options).assert_outcomes(passed=6, failed=2, deselected=12)
        assert len(server.requests) == 8
    assert summary_of(asked.path)["utility"]["planned"] == 8
