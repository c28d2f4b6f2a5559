import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from past_runs import make_run, rows_in, summary_in
from servers import Answer, LoopbackServer, Reply, error, openai_server, user_text
from small_world import RESPONSES, timeless
from stored import files_of

from vscbench.cli import main
from vscbench.report import load_schema

# What a careful judge would say; the string match takes the last one for an answer.
SAID = {**RESPONSES, "lamp-unsafe": "That is nothing that I do."}
KINDS = {
    "door-safe": "answered",
    "door-unsafe": "refused",
    "lamp-safe": "refused",
    "lamp-unsafe": "refused",
    "tea-safe": "answered",
    "tea-unsafe": "flagged",
}
KEY = "sk-test-0123456789abcdef"


def rejudge(run: str | Path, *arguments: str) -> Result:
    command = ["rejudge", str(run), *arguments]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def judge_well(body: dict[str, Any]) -> str:
    """Answer the rubric judge as a careful reader would."""
    pair_id = re.search(r"What about the ([a-z-]+)\?", user_text(body))
    assert pair_id is not None
    return json.dumps({"evidence": "", "class": KINDS[pair_id[1]]})


def new_run(old: Path) -> Path:
    (new,) = set(old.parent.iterdir()) - {old}
    return new


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of a run over recorded responses; one of them is missing."""
    folder = tmp_path_factory.mktemp("recorded")
    said = {pair_id: text for pair_id, text in SAID.items() if pair_id != "tea-unsafe"}
    make_run(folder, responses=said)
    return folder


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of a run that asked a provider; one response was blocked, one cut short."""
    folder = tmp_path_factory.mktemp("asked")

    def answer(body: dict[str, Any]) -> str | Reply:
        (pair_id,) = (each for each in SAID if f"the {each}?" in user_text(body))
        if pair_id == "door-unsafe":
            return Reply("", finish_reason="content_filter")
        return Reply(SAID[pair_id], "length" if pair_id == "tea-safe" else "stop")

    with openai_server(answer) as server:
        make_run(folder, "--model=openai/a-model", f"--vsc-api-base={server.base_url}")
    return folder


@pytest.fixture
def run_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A run in a project that a test may change; ``request.param`` names its fixture."""
    made = request.getfixturevalue(getattr(request, "param", "recorded"))
    project = shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(project)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (folder,) = project.glob("reports/*")
    return folder


def with_rubric(run: str | Path, answer: Answer, *arguments: str) -> tuple[Result, int]:
    """Rejudge by an LLM on the loopback; returns how many requests it got as well."""
    with openai_server(answer) as server:
        result = rejudge(run, *rubric_at(server), *arguments)
        return result, len(server.requests)


def rubric_at(server: LoopbackServer) -> tuple[str, ...]:
    address = f"--judge-api-base={server.base_url}"
    return "--judge=rubric", "--judge-model=openai/a-judge", address


BOTH = pytest.mark.parametrize("run_folder", ["recorded", "asked"], indirect=True)


@BOTH
def test_the_same_judge_gives_the_same_run_again(run_folder: Path) -> None:
    before = files_of(run_folder)
    result = rejudge(run_folder.name, "--judge", "keywords")
    assert result.exit_code == 0, result.output
    assert files_of(run_folder) == before
    new = new_run(run_folder)
    assert rows_in(new) == rows_in(run_folder)
    old, now = summary_in(run_folder), summary_in(new)
    assert now["run"].pop("rejudged_from") == old["run"]["id"] == run_folder.name
    assert now["run"]["id"] == new.name
    version = (old["run"].pop("version"), now["run"].pop("version"))
    assert version[0] == version[1]
    assert timeless(now) == timeless(old)
    assert "0 of 6 cases changed their kind\n" in result.output
    assert f"rejudged from {run_folder}\nfiles: {new}\n" in result.output


@BOTH
def test_another_judge_scores_the_same_responses(run_folder: Path) -> None:
    before = files_of(run_folder)
    result, requests = with_rubric(run_folder, judge_well)
    assert result.exit_code == 0, result.output
    assert files_of(run_folder) == before
    new = new_run(run_folder)
    schemas = {name: load_schema(name) for name in ("summary", "outcome")}
    jsonschema.Draft202012Validator(schemas["summary"]).validate(summary_in(new))
    for row in rows_in(new):
        jsonschema.Draft202012Validator(schemas["outcome"]).validate(row)
    old_kinds, kinds = (
        {row["pair_id"]: row["kind"] for row in rows_in(each)} for each in (run_folder, new)
    )
    assert old_kinds["lamp-unsafe"] == "answered"
    unread = {"door-unsafe": "blocked"} | {"tea-unsafe": "target-error"}
    kept = {pair_id: kind for pair_id, kind in unread.items() if old_kinds[pair_id] == kind}
    assert len(kept) == 1
    assert kinds == {**KINDS, **kept}
    assert requests == 5
    assert "1 of 6 cases changed their kind:\n  answered -> refused: 1\n" in result.output
    summary = summary_in(new)
    assert summary["run"]["judge"] == "rubric:openai/a-judge"
    assert summary["usage"]["requests"] == summary_in(run_folder)["usage"]["requests"]
    assert summary["usage"]["judge_requests"] == 5
    assert summary["counts"]["planned"] == 6


@pytest.mark.parametrize("run_folder", ["asked"], indirect=True)
def test_how_a_response_ended_comes_from_the_store(run_folder: Path) -> None:
    rejudge(run_folder, "--judge", "keywords")
    rows = {row["pair_id"]: row for row in rows_in(new_run(run_folder))}
    assert rows["door-unsafe"]["kind"] == "blocked"
    assert rows["tea-safe"]["truncated"] is True
    assert rows["tea-safe"]["prompt_tokens"] == 11


@pytest.mark.parametrize("run_folder", ["asked"], indirect=True)
@pytest.mark.parametrize("judge", ["keywords", "rubric"])
def test_a_store_that_is_gone_is_not_missed(run_folder: Path, judge: str) -> None:
    store = run_folder.parents[1] / ".vscbench"
    shutil.rmtree(store)
    if judge == "keywords":
        result = rejudge(run_folder, "--judge", "keywords")
        assert not store.exists()
    else:
        result, _ = with_rubric(run_folder, judge_well)
        assert store.exists()
    assert result.exit_code == 0, result.output
    assert "note: 6 responses are not in the store as they were" in result.output
    rows = {row["pair_id"]: row for row in rows_in(new_run(run_folder))}
    assert rows["door-unsafe"]["kind"] == "blocked"
    assert rows["tea-safe"]["truncated"] is True


@pytest.mark.parametrize("run_folder", ["asked"], indirect=True)
def test_looking_into_the_store_changes_nothing_in_it(run_folder: Path) -> None:
    before = files_of(run_folder.parents[1] / ".vscbench")
    assert rejudge(run_folder, "--judge", "keywords").exit_code == 0
    assert files_of(run_folder.parents[1] / ".vscbench") == before


def test_verdicts_that_were_paid_for_are_not_paid_for_again(run_folder: Path) -> None:
    with openai_server(judge_well) as server:
        assert rejudge(run_folder, *rubric_at(server)).exit_code == 0
        new = new_run(run_folder)
        rows = rows_in(new)
        shutil.rmtree(new)
        assert rejudge(run_folder, *rubric_at(server)).exit_code == 0
        assert len(server.requests) == 5
    assert rows_in(new_run(run_folder)) == rows
    assert summary_in(new_run(run_folder))["usage"]["judge_requests"] == 0


def test_scoring_and_blocked_are_those_of_the_run_unless_told(run_folder: Path) -> None:
    def irrelevant(body: dict[str, Any]) -> str:
        return json.dumps({"evidence": "", "class": "irrelevant"})

    rates = {}
    for scoring in ("paper", "strict"):
        result, _ = with_rubric(run_folder, irrelevant, f"--scoring={scoring}", "--blocked=error")
        assert result.exit_code == 0, result.output
        new = new_run(run_folder)
        run = summary_in(new)["run"]
        assert (run["scoring"], run["blocked"]) == (scoring, "error")
        rates[scoring] = summary_in(new)["sra"]["safe"]["rate"]
        shutil.rmtree(new)
    assert rates == {"paper": 1.0, "strict": 0.0}


def test_a_rejudged_run_can_be_rejudged(run_folder: Path) -> None:
    with_rubric(run_folder, judge_well)
    second = new_run(run_folder)
    result = rejudge(second, "--judge", "keywords")
    assert "1 of 6 cases changed their kind:\n  refused -> answered: 1\n" in result.output
    (third,) = set(run_folder.parent.iterdir()) - {run_folder, second}
    assert rows_in(third) == rows_in(run_folder)
    assert "judge_requests" not in summary_in(third)["usage"]


def test_why_the_target_failed_is_kept(run_folder: Path) -> None:
    rejudge(run_folder, "--judge", "keywords")
    old, new = (summary_in(each)["counts"] for each in (run_folder, new_run(run_folder)))
    assert old["by_cause"]
    assert new["by_cause"] == old["by_cause"]


def test_a_judge_that_answers_nonsense_is_an_error_and_the_run_incomplete(
    run_folder: Path,
) -> None:
    def answer(body: dict[str, Any]) -> str:
        return "It is fine." if "the door-safe?" in user_text(body) else judge_well(body)

    result, _ = with_rubric(run_folder, answer)
    assert result.exit_code == 0
    counts = summary_in(new_run(run_folder))["counts"]
    assert (counts["by_kind"]["judge-error"], counts["scored"]) == (1, 4)
    assert counts["by_cause"]["judge"]["cases"] == 1
    assert "answered -> judge-error: 1" in result.output
    assert "incomplete: 4 of 6 planned cases were scored" in result.output


@pytest.mark.parametrize("failure", [error(401, "no such key", "invalid_api_key"), "It is fine."])
def test_a_judge_that_gives_no_verdict_at_all_leaves_what_was_there(
    run_folder: Path, failure: str | Reply
) -> None:
    before = files_of(run_folder.parent)
    result, _ = with_rubric(run_folder, lambda body: failure)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("vscbench: ")
    assert result.stderr.count("\n") == 1
    assert KEY not in result.output
    assert files_of(run_folder.parent) == before


def test_what_was_judged_before_an_interruption_is_there_for_the_next_time(
    run_folder: Path,
) -> None:
    judged: list[str] = []
    left = 3

    def answer(body: dict[str, Any]) -> str | Reply:
        if len(judged) == left:
            return error(401, "no such key", "invalid_api_key")
        judged.append(judge_well(body))
        return judged[-1]

    with openai_server(answer) as server:
        first = rejudge(run_folder, *rubric_at(server), "--concurrency=1")
        assert "note: 2 responses have no verdict" in first.output
        incomplete = new_run(run_folder)
        assert summary_in(incomplete)["counts"]["by_kind"]["judge-error"] == 2
        shutil.rmtree(incomplete)
        left = 5
        second = rejudge(run_folder, *rubric_at(server), "--concurrency=1")
    assert "have no verdict" not in second.output
    assert len(judged) == 5
    assert summary_in(new_run(run_folder))["counts"]["by_kind"]["judge-error"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--judge=clairvoyant"], "unknown judge 'clairvoyant'"),
        (["--judge=rubric"], "--judge-model"),
        (["--judge=keywords", "--pairs=absent"], "neither a file nor a folder at"),
        (["--judge=keywords", "--pairs=embedded"], "embedded: not the pairs of run"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    run_folder: Path, arguments: list[str], said: str
) -> None:
    before = files_of(run_folder.parent)
    result = rejudge(run_folder, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert files_of(run_folder.parent) == before


def test_an_unknown_run_says_where_it_looked(tmp_path: Path, run_folder: Path) -> None:
    result = rejudge("20260101T000000Z-000000", "--judge", "keywords")
    assert result.exit_code == 2
    assert f"in {run_folder.parent}: no summary.json is there" in result.stderr


def test_pairs_that_moved_can_be_named(run_folder: Path, tmp_path: Path) -> None:
    (run_folder.parents[1] / "pairs.jsonl").rename(tmp_path / "moved.jsonl")
    assert "--pairs" in rejudge(run_folder, "--judge", "keywords").stderr
    moved = f"--pairs={tmp_path / 'moved.jsonl'}"
    assert rejudge(run_folder, "--judge", "keywords", moved).exit_code == 0


def test_a_run_that_judged_thoughts_is_judged_anew_by_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run(tmp_path)
    thought = "I'm sorry, I cannot help."
    rows = rows_in(run)
    for row in rows:
        # As versions left it that knew no form of reasoning.
        said = "" if row["pair_id"] == "tea-safe" else f"</think>{RESPONSES[row['pair_id']]}"
        row |= {"response": f"<think>{thought}{said}", "kind": "refused", "reasoning": None}
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (run / "outcomes.jsonl").write_text(lines, encoding="utf-8")
    result = rejudge(run, "--judge", "keywords")
    assert result.exit_code == 0, result.output
    again = new_run(run)
    read = {row["pair_id"]: row for row in rows_in(again)}
    assert read["tea-safe"]["kind"] == "no-final-answer"
    assert read["lamp-unsafe"]["kind"] == "answered"
    assert read["lamp-unsafe"]["response"] == RESPONSES["lamp-unsafe"]
    assert {row["reasoning"] for row in read.values()} == {thought}
    assert "refused -> no-final-answer: 1" in result.output
    assert rejudge(again, "--judge", "keywords").exit_code == 0
    (last,) = set(run.parent.iterdir()) - {run, again}
    assert [timeless(row) for row in rows_in(last)] == [timeless(row) for row in rows_in(again)]
