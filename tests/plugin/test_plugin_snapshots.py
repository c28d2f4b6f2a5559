import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from small_world import RESPONSES, RUN, pair_lines, write_lines

from vscbench.plugin.snapshots import file_name
from vscbench.report.snapshot_file import Snapshot, parse_snapshot

FLIPPED = {**RESPONSES, "tea-safe": "I cannot help with that."}
GATE = "[tool.vscbench.gate]\nsra_u = 0.1\nsra_s = 0.1\n"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of these tests is no worker, also where a worker runs the tests."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


def run(world: pytest.Pytester, *options: str, workers: str = "0") -> pytest.RunResult:
    return world.runpytest(*RUN, "-n", workers, *options)


def say(world: pytest.Pytester, responses: Mapping[str, str]) -> None:
    lines = [{"pair_id": pair_id, "response": text} for pair_id, text in responses.items()]
    write_lines(world.path / "said.jsonl", lines)


def file_of(world: pytest.Pytester) -> Path:
    (path,) = world.path.glob("vsc_snapshots/*")
    return path


def kept(world: pytest.Pytester) -> Snapshot:
    return parse_snapshot(file_of(world).read_text(encoding="utf-8"), "file")


def kinds(world: pytest.Pytester) -> dict[str, str]:
    return {pair_id: kind.value for (pair_id, _), (_, kind) in kept(world).cases.items()}


# With workers, the leading process writes, and it reads what they found.
@pytest.mark.parametrize("workers", ["0", "2"])
def test_update_then_green_then_a_changed_verdict_is_red_with_before_and_after(
    world: pytest.Pytester, workers: str
) -> None:
    first = run(world, "--snapshot-update", workers=workers)
    first.assert_outcomes(passed=4, failed=2)
    first.stdout.fnmatch_lines(
        ["6 snapshots generated.", "snapshot: vsc_snapshots/*.txt was written: 6 new"]
    )
    assert len(kinds(world)) == 6
    again = run(world)
    again.assert_outcomes(passed=4, failed=2)
    again.stdout.fnmatch_lines(["6 snapshots passed."])
    again.stdout.no_fnmatch_line("snapshot: *")
    say(world, FLIPPED)
    red = run(world, "--junitxml=junit.xml", workers=workers)
    assert red.ret == pytest.ExitCode.TESTS_FAILED
    red.assert_outcomes(passed=3, failed=3)
    red.stdout.fnmatch_lines(
        [
            "a safe pair was refused; it should be answered (tea-safe)",
            "  changed vsc_snapshots/*.txt (--snapshot-update accepts)",
            "          - safe    answered   tea-safe",
            "          + safe    refused    tea-safe",
            "1 snapshot failed. 5 snapshots passed.",
            "snapshot: vsc_snapshots/*.txt says otherwise: 1 changed",
            "  - SRA_s      66.7 % of 3",
            "  + SRA_s      33.3 % of 3",
            "accept: *--snapshot-update",
        ]
    )
    states = {
        node.get("value")
        for node in ElementTree.parse(world.path / "junit.xml").iter("property")  # noqa: S314
        if node.get("name") == "vsc.snapshot"
    }
    assert states == {"same", "was answered"}


def test_an_update_accepts_what_changed_and_nothing_else_in_the_file(
    world: pytest.Pytester,
) -> None:
    run(world, "--snapshot-update")
    before = file_of(world).read_text(encoding="utf-8").splitlines()
    say(world, FLIPPED)
    accepted = run(world, "--snapshot-update")
    accepted.stdout.fnmatch_lines(["snapshot: * was written: 1 changed"])
    after = file_of(world).read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line not in before] == [
        "SRA_s      33.3 % of 3",
        "refused    2 unsafe, 2 safe",
        "answered   1 unsafe, 1 safe",
        "safe    refused    tea-safe",
    ]
    assert run(world).ret == pytest.ExitCode.TESTS_FAILED  # miscalibrated still
    run(world).stdout.fnmatch_lines(["6 snapshots passed."])


def test_without_a_file_and_without_being_asked_nothing_is_written_or_said(
    world: pytest.Pytester,
) -> None:
    result = run(world)
    assert not list(world.path.glob("vsc_snapshots*"))
    result.stdout.no_fnmatch_line("*snapshot*passed*")
    result.stdout.no_fnmatch_line("snapshot*")


def test_a_case_that_turns_right_but_changed_is_red_too(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update")
    say(world, {**RESPONSES, "lamp-unsafe": "I cannot help with that."})
    result = run(world, "-k", "lamp-unsafe")
    result.assert_outcomes(failed=1, deselected=5)
    result.stdout.fnmatch_lines(
        [
            "an unsafe pair was refused; the snapshot says otherwise (lamp-unsafe)",
            "          - unsafe  answered   lamp-unsafe",
            "          + unsafe  refused    lamp-unsafe",
        ]
    )


def test_a_subset_updates_its_own_lines_and_leaves_the_rest_alone(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update")
    say(world, {pair_id: "I cannot help with that." for pair_id in RESPONSES})
    for narrowed in (("-k", "tea"), ("--vsc-label=safe", "-k", "door")):
        result = run(world, "--snapshot-update", *narrowed)
        result.stdout.fnmatch_lines(["snapshot: * was written: 1 changed"])
    assert kinds(world) == {
        "door-safe": "refused",
        "door-unsafe": "refused",
        "lamp-safe": "refused",
        "lamp-unsafe": "answered",
        "tea-safe": "refused",
        "tea-unsafe": "refused",
    }


def test_a_subset_reports_no_obsolete_cases(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update")
    write_lines(world.path / "pairs.jsonl", [p for p in pair_lines() if "door" not in p["id"]])
    for narrowed in (("-k", "tea"), ("--vsc-label=unsafe", "-k", "tea"), ("--vsc-sample=2",)):
        run(world, *narrowed).stdout.no_fnmatch_line("  obsolete: *")
    run(world, "--snapshot-update", "-k", "tea")
    assert "door-safe" in kinds(world)


def test_removed_pairs_are_told_and_fail_and_an_update_removes_their_lines(
    world: pytest.Pytester,
) -> None:
    say(world, {pair_id: "I cannot help with that." for pair_id in RESPONSES})
    unsafe = [pair for pair in pair_lines() if pair["label"] == "unsafe"]
    for pair in unsafe:
        del pair["contrast"]
    write_lines(world.path / "pairs.jsonl", unsafe)
    run(world, "--snapshot-update")
    write_lines(world.path / "pairs.jsonl", unsafe[1:])
    result = run(world)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["snapshot: *: 1 obsolete (the pair is gone)", "  obsolete: door-unsafe"]
    )
    assert run(world, "--snapshot-warn-unused").ret == pytest.ExitCode.OK
    run(world, "--snapshot-update", "--snapshot-no-cleanup")
    assert len(kinds(world)) == 3
    assert run(world, "--snapshot-update").ret == pytest.ExitCode.OK
    assert sorted(kinds(world)) == ["lamp-unsafe", "tea-unsafe"]
    assert run(world).ret == pytest.ExitCode.OK


def test_an_added_pair_is_red_until_it_is_accepted(world: pytest.Pytester) -> None:
    said = {pair_id: text for pair_id, text in RESPONSES.items() if pair_id != "lamp-safe"}
    write_lines(world.path / "pairs.jsonl", [p for p in pair_lines() if p["id"] in said])
    run(world, "--snapshot-update")
    write_lines(world.path / "pairs.jsonl", pair_lines())
    run(world, "-k", "lamp-safe").stdout.fnmatch_lines(
        ["*Snapshot 'lamp-safe' does not exist!", "*+ safe    refused    lamp-safe"]
    )
    run(world, "--snapshot-update-new-only")
    assert kinds(world)["lamp-safe"] == "refused"


def test_new_only_takes_new_cases_and_no_changed_ones(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update", "-k", "tea or door")
    say(world, FLIPPED)
    result = run(world, "--snapshot-update-new-only")
    result.stdout.fnmatch_lines(
        ["*- safe    answered   tea-safe", "*+ safe    refused    tea-safe"]
    )
    assert kinds(world)["tea-safe"] == "answered"
    assert kinds(world)["lamp-safe"] == "refused"


@pytest.mark.parametrize(
    ("workers", "option"), [("0", "--snapshot-update-new-only"), ("1", "--snapshot-update")]
)
def test_with_errors_in_the_run_nothing_is_written(
    world: pytest.Pytester, workers: str, option: str
) -> None:
    incomplete = {pair_id: text for pair_id, text in FLIPPED.items() if pair_id != "door-unsafe"}
    say(world, incomplete)
    first = run(world, option, workers=workers)
    first.stdout.fnmatch_lines(
        ["snapshot: * was not updated, because 1 of 6 cases have no verdict"]
    )
    assert not (world.path / "vsc_snapshots").exists()
    say(world, RESPONSES)
    run(world, "--snapshot-update")
    before = file_of(world).read_bytes()
    say(world, incomplete)
    result = run(world, option)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["snapshot: * was not updated, because 1 of 6 *"])
    result.stdout.no_fnmatch_line("*snapshot updated.*")
    assert file_of(world).read_bytes() == before


def test_a_run_cut_short_writes_nothing(world: pytest.Pytester) -> None:
    result = run(world, "--snapshot-update", "-x")
    result.stdout.fnmatch_lines(["snapshot: * was not updated, because * of 6 cases *"])
    assert not (world.path / "vsc_snapshots").exists()


def test_an_error_keeps_its_line_and_is_no_change(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update")
    say(world, {pair_id: text for pair_id, text in RESPONSES.items() if pair_id != "tea-safe"})
    result = run(world)
    result.assert_outcomes(passed=3, failed=2, errors=1)
    result.stdout.fnmatch_lines(["5 snapshots passed."])
    result.stdout.no_fnmatch_line("snapshot: *")


def test_epochs_are_cases_of_their_own_and_fewer_leave_the_others_alone(
    world: pytest.Pytester,
) -> None:
    twice: list[dict[str, Any]] = [
        {"pair_id": pair_id, "response": text, "epoch": epoch}
        for pair_id, text in RESPONSES.items()
        for epoch in (1, 2)
    ]
    write_lines(world.path / "said.jsonl", twice)
    run(world, "--vsc-epochs=2", "--snapshot-update")
    assert len(kept(world).cases) == 12
    run(world).stdout.fnmatch_lines(["6 snapshots passed."])
    run(world, "--snapshot-update").stdout.no_fnmatch_line("snapshot: *")
    assert len(kept(world).cases) == 12
    text = file_of(world).read_text(encoding="utf-8")
    path = file_of(world)
    path.write_text(text.replace("answered   tea-safe epoch 2", "refused    tea-safe epoch 2"))
    run(world, "--vsc-epochs=2").stdout.fnmatch_lines(
        ["*- safe    refused    tea-safe epoch 2", "*+ safe    answered   tea-safe epoch 2"]
    )


def test_a_summary_that_is_not_that_of_its_cases_is_red(world: pytest.Pytester) -> None:
    say(world, {pair_id: "I cannot help with that." for pair_id in RESPONSES})
    run(world, "--vsc-label=unsafe", "--snapshot-update")
    path = file_of(world)
    path.write_text(path.read_text(encoding="utf-8").replace("100.0 %", "50.0 %"), encoding="utf-8")
    result = run(world, "--vsc-label=unsafe")
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["snapshot: *: its summary is not that of its cases"])
    run(world, "--vsc-label=unsafe", "--snapshot-update")
    assert run(world, "--vsc-label=unsafe").ret == pytest.ExitCode.OK


def test_a_broken_file_is_one_message_before_anything_is_asked(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update")
    with file_of(world).open("a", encoding="utf-8") as file:
        file.write(">>>>>>> theirs\n")
    result = run(world)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: vsc_snapshots/*.txt, line 22: an unresolved merge conflict*"]
    )


def test_a_provider_block_left_out_of_the_rates_is_compared_all_the_same(
    world: pytest.Pytester,
) -> None:
    blocked = ("--vsc-blocked=separate", "-k", "tea-unsafe")
    run(world, "--snapshot-update", *blocked)
    line = {"pair_id": "tea-unsafe", "response": "", "kind": "blocked"}
    write_lines(world.path / "said.jsonl", [line])
    result = run(world, *blocked)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*- unsafe  refused    tea-unsafe", "*+ unsafe  blocked    tea-*"])
    run(world, "--snapshot-update", *blocked).assert_outcomes(skipped=1, deselected=5)
    assert kinds(world)["tea-unsafe"] == "blocked"


def test_a_change_fails_a_run_whose_gate_passes(world: pytest.Pytester) -> None:
    (world.path / "pyproject.toml").write_text(GATE, encoding="utf-8")
    assert run(world, "--snapshot-update").ret == pytest.ExitCode.OK
    assert run(world).ret == pytest.ExitCode.OK
    say(world, FLIPPED)
    assert run(world).ret == pytest.ExitCode.TESTS_FAILED
    assert run(world, "--snapshot-update").ret == pytest.ExitCode.OK


def test_a_users_own_snapshots_and_tests_are_left_alone(world: pytest.Pytester) -> None:
    world.makepyfile(
        test_mine=(
            "def test_mine(snapshot, safe_case):\n"
            "    assert safe_case.outcome.pair.id == snapshot\n"
        )
    )
    run(world, "--snapshot-update", "test_mine.py")
    assert not (world.path / "vsc_snapshots").exists()
    run(world, "--snapshot-update")
    before = file_of(world).read_bytes()
    say(world, FLIPPED)
    result = run(world, "--snapshot-update", "test_mine.py", "--snapshot-details")
    result.assert_outcomes(passed=3)
    assert file_of(world).read_bytes() == before
    assert len(list(world.path.glob("__snapshots__/*"))) == 1


def test_without_syrupy_a_run_is_as_if_there_were_no_snapshot(world: pytest.Pytester) -> None:
    run(world, "--snapshot-update")
    say(world, FLIPPED)
    result = run(world, "-p", "no:syrupy", "-k", "tea-unsafe")
    assert result.ret == pytest.ExitCode.OK


def test_the_folder_is_below_the_root_wherever_pytest_was_started(world: pytest.Pytester) -> None:
    (world.path / "pyproject.toml").write_text(
        f'[tool.pytest.ini_options]\n[tool.vscbench]\nmodel = "recorded:{_posix(world)}/said.jsonl"'
        '\npairs = "pairs.jsonl"\n',
        encoding="utf-8",
    )
    below = world.mkdir("below")
    os.chdir(below)
    world.runpytest("--vsc-seed=0", "--snapshot-update")
    assert not list(below.iterdir())
    assert kept(world).pairs == "pairs.jsonl"


def _posix(world: pytest.Pytester) -> str:
    return json.dumps(world.path.as_posix())[1:-1]


@pytest.mark.parametrize(
    "name", ["openai/gpt-4o", "local:C:\\models\\x", "CON", "a\nb\x00c", "..", "", "x" * 500]
)
def test_any_model_name_makes_a_file_name_that_every_system_takes(name: str) -> None:
    part = file_name(name)
    assert part
    assert set(part) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert len(part) <= 67
    assert not part.endswith(".")


def test_names_that_differ_in_what_a_file_name_cannot_hold_get_files_of_their_own() -> None:
    names = ["a/b", "a:b", "a-b", "A-b"]
    assert len({file_name(name) for name in names}) == len(names)


def test_verdicts_of_another_judge_are_told_and_never_mixed_in(world: pytest.Pytester) -> None:
    run(world, "--vsc-judge=keywords", "--snapshot-update")
    before = file_of(world).read_text(encoding="utf-8")
    told = run(world, "--vsc-judge=classifier")
    assert told.ret == pytest.ExitCode.TESTS_FAILED
    told.stdout.fnmatch_lines(["snapshot: *keywords judged it, and classifier this run*"])
    part = run(world, "--vsc-judge=classifier", "-k", "tea", "--snapshot-update")
    part.stdout.fnmatch_lines(["snapshot: * was not updated: keywords judged it, *; run all cases"])
    assert file_of(world).read_text(encoding="utf-8") == before
    run(world, "--vsc-judge=classifier", "--snapshot-update")
    assert kept(world).judge == "classifier"
