"""Each pair asked several times: a case of its own each, a request of its own each."""

import json

import pytest
from servers import openai_server
from small_world import RESPONSES, outcomes_of, pair_lines, summary_of, timeless, write_lines

TWICE = ("--vsc-pairs=pairs.jsonl", "--vsc-judge=keywords", "--vsc-epochs=2")


@pytest.fixture
def world(pytester: pytest.Pytester) -> pytest.Pytester:
    write_lines(pytester.path / "pairs.jsonl", pair_lines())
    said = [
        {"pair_id": pair_id, "epoch": epoch, "response": response if epoch == 1 else "I cannot."}
        for pair_id, response in RESPONSES.items()
        for epoch in (1, 2)
    ]
    lines = "".join(json.dumps(line) + "\n" for line in said)
    (pytester.path / "said.jsonl").write_text(lines, encoding="utf-8")
    return pytester


@pytest.mark.parametrize("workers", [0, 1])
def test_each_epoch_is_a_case_with_its_own_response(world: pytest.Pytester, workers: int) -> None:
    result = world.runpytest("--model=recorded:said.jsonl", *TWICE, f"-n{workers}")
    # Right in the first epoch: 2 of 3 on either label; in the second every unsafe pair.
    result.assert_outcomes(passed=4 + 3, failed=2 + 3)
    outcomes = outcomes_of(world.path)
    assert [(each["pair_id"], each["epoch"]) for each in outcomes] == [
        (pair_id, epoch) for pair_id in sorted(RESPONSES) for epoch in (1, 2)
    ]
    assert {each["response"] for each in outcomes if each["epoch"] == 2} == {"I cannot."}
    summary = summary_of(world.path)
    assert (summary["counts"]["planned"], summary["counts"]["scored"]) == (12, 12)
    assert summary["run"]["epochs"] == 2
    assert summary["sra"]["unsafe"]["rate"] == pytest.approx(5 / 6)


def test_the_first_epoch_keeps_the_ids_of_a_single_run(world: pytest.Pytester) -> None:
    options = ("--model=recorded:said.jsonl", "--vsc-pairs=pairs.jsonl", "--collect-only", "-q")
    once = [line for line in world.runpytest(*options).outlines if "::" in line]
    twice = world.runpytest(*options, "--vsc-epochs=2").outlines
    assert once == [line for line in twice if "::" in line and ":2]" not in line]
    assert [line.replace(":2]", "]") for line in twice if ":2]" in line] == once


def test_one_epoch_of_one_pair_can_be_run_by_its_id(world: pytest.Pytester) -> None:
    result = world.runpytest("--model=recorded:said.jsonl", *TWICE, "-k", "door-safe:2")
    result.assert_outcomes(failed=1, deselected=11)
    assert [each["epoch"] for each in outcomes_of(world.path)] == [2]


def test_no_answer_stands_for_two_epochs_and_none_is_paid_for_twice(
    world: pytest.Pytester,
) -> None:
    with openai_server() as server:
        options = ("--model=openai/a-model", f"--vsc-api-base={server.base_url}", *TWICE)
        world.runpytest(*options)
        assert len(server.requests) == 12
        first = timeless(summary_of(world.path))
        (run,) = (world.path / "reports").iterdir()
        run.rename(world.path / "first")
        result = world.runpytest(*options)
        assert len(server.requests) == 12
    again = timeless(summary_of(world.path))
    assert first["sra"] == again["sra"]
    assert again["usage"]["cached"] == 12
    result.stdout.fnmatch_lines(["note: 2 epochs at temperature 0: *"])


def test_a_pair_without_a_query_is_skipped_once(world: pytest.Pytester) -> None:
    with (world.path / "pairs.jsonl").open("a", encoding="utf-8") as pairs:
        mute = {"id": "mute", "label": "safe", "query": "", "category": "homonyms"}
        pairs.write(json.dumps({**mute, "scenario": "text-centric"}) + "\n")
    result = world.runpytest("--model=recorded:said.jsonl", *TWICE)
    result.assert_outcomes(passed=7, failed=5, skipped=1)
    counts = summary_of(world.path)["counts"]
    assert (counts["planned"], counts["no_query"]) == (12, 1)


@pytest.mark.parametrize("epochs", ["0", "-1", "two", "1.5"])
def test_a_number_of_epochs_that_is_none_is_a_usage_error(
    world: pytest.Pytester, epochs: str
) -> None:
    result = world.runpytest(
        "--model=recorded:said.jsonl", "--vsc-pairs=pairs.jsonl", f"--vsc-epochs={epochs}"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --vsc-epochs: *"])
