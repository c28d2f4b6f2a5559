import json
import re
from pathlib import Path

import pytest
from servers import Reply, openai_server
from small_world import RESPONSES, RUN, outcomes_of, write_lines

SAID = "zebra crossing"
ORDERS = (
    "\n::add-mask::a\n  ::set-output name=b::c\r::error::d\n::stop-commands::e\n##[add-mask]f "
    "##vso[task.complete]g \x1b[2J \x00 </code></details><script>h</script> | `i` @everyone"
)
HOSTILE = {
    **RESPONSES,
    "lamp-unsafe": f"Gladly. {ORDERS}",
    "lamp-safe": f"I cannot help with that. {ORDERS}",
    "tea-safe": f"Sure. {ORDERS * 2000}",
}


@pytest.fixture
def github(world: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A step of GitHub Actions, as far as its environment goes."""
    path = world.path / "step.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


@pytest.fixture(autouse=True)
def no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in a step."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def commands(result: pytest.RunResult) -> list[str]:
    """What GitHub's runner would take for an order."""
    return [
        line for line in result.outlines + result.errlines if re.match(r"\s*::|.*##\w*\[", line)
    ]


def say(world: pytest.Pytester, responses: dict[str, str]) -> None:
    lines = [{"pair_id": pair_id, "response": text} for pair_id, text in responses.items()]
    write_lines(world.path / "said.jsonl", lines)


def test_the_step_gets_the_summary_once_and_the_log_its_annotations(
    world: pytest.Pytester, github: Path
) -> None:
    result = world.runpytest(*RUN)
    (summary,) = world.path.glob("reports/*/summary.md")
    assert github.read_text(encoding="utf-8") == summary.read_text(encoding="utf-8") + "\n"
    found = commands(result)
    assert len(found) == 2
    assert found[0].startswith("::error title=lamp-unsafe%3A unsafe%2C answered%2C should be ")
    assert found[1].startswith("::error title=lamp-safe%3A ")


def test_elsewhere_there_are_no_annotations(world: pytest.Pytester) -> None:
    result = world.runpytest(*RUN)
    assert commands(result) == []
    assert len(list(world.path.glob("reports/*/summary.md"))) == 1


@pytest.mark.parametrize("options", [("-n", "1"), ("-vv", "-rA"), ("--tb=line",)])
def test_a_response_gives_the_runner_no_orders(
    world: pytest.Pytester, github: Path, options: tuple[str, ...]
) -> None:
    say(world, HOSTILE)
    result = world.runpytest(*RUN, *options)
    assert [line.partition(" ")[0] for line in commands(result)] == ["::error", "::error"]
    assert "\x1b[2J" not in result.stdout.str()
    (summary,) = world.path.glob("reports/*/summary.md")
    assert github.read_text(encoding="utf-8") == summary.read_text(encoding="utf-8") + "\n"
    assert "<script>" not in github.read_text(encoding="utf-8")


def test_a_providers_message_gives_the_runner_no_orders(
    world: pytest.Pytester, github: Path
) -> None:
    words = " ".join(["word"] * 12)
    lines = [
        {
            "pair_id": pair_id,
            "kind": "target-error",
            "error": f"{words[:number]} ::error::x{ORDERS}",
        }
        for number, pair_id in enumerate(RESPONSES, start=20)
    ]
    write_lines(world.path / "said.jsonl", lines)
    assert commands(world.runpytest(*RUN)) == []


def test_a_step_summary_that_cannot_be_written_is_a_note(
    world: pytest.Pytester, github: Path
) -> None:
    github.mkdir()
    result = world.runpytest(*RUN)
    result.stdout.fnmatch_lines(["note: GITHUB_STEP_SUMMARY: *cannot be written*"])
    assert len(list(world.path.glob("reports/*/summary.json"))) == 1


@pytest.mark.parametrize("workers", ["0", "1"])
def test_redacted_the_text_stays_in_the_runs_own_files(
    world: pytest.Pytester, github: Path, workers: str
) -> None:
    pairs = (world.path / "pairs.jsonl").read_text(encoding="utf-8")
    (world.path / "pairs.jsonl").write_text(pairs.replace("What about", SAID), encoding="utf-8")
    lines: list[dict[str, str]] = [
        {"pair_id": pair_id, "response": f"{text} {SAID}"} for pair_id, text in RESPONSES.items()
    ]
    lines[0] = {"pair_id": "door-safe", "kind": "target-error", "error": f"you sent: {SAID}"}
    lines[1] = {"pair_id": "door-unsafe", "kind": "blocked", "response": "", "error": SAID}
    write_lines(world.path / "said.jsonl", lines)
    options = ("-n", workers, "--junitxml=junit.xml", "-rA", "-vv", "--vsc-blocked=error")
    plain = world.runpytest(*RUN, *options)
    assert SAID in plain.stdout.str()
    assert SAID in (world.path / "junit.xml").read_text(encoding="utf-8")
    github.unlink()
    for folder in world.path.glob("reports/*"):
        folder.rename(world.path / "before")
    redacted = world.runpytest(*RUN, *options, "--vsc-redact")
    redacted.assert_outcomes(**plain.parseoutcomes())
    assert SAID not in redacted.stdout.str() + redacted.stderr.str()
    assert SAID not in (world.path / "junit.xml").read_text(encoding="utf-8")
    assert SAID not in github.read_text(encoding="utf-8")
    assert sum(SAID in str(row["response"]) for row in outcomes_of(world.path)) == 4
    (summary,) = world.path.glob("reports/*/summary.json")
    assert SAID not in summary.read_text(encoding="utf-8")
    (page,) = world.path.glob("reports/*/report.html")
    assert SAID in page.read_text(encoding="utf-8")


def test_redaction_can_stand_in_the_settings(world: pytest.Pytester) -> None:
    (world.path / "pyproject.toml").write_text("[tool.vscbench]\nredact = true\n", encoding="utf-8")
    result = world.runpytest(*RUN)
    result.stdout.fnmatch_lines(["  text    left out (--vsc-redact)*"])
    result.stdout.no_fnmatch_line("*Gladly*")


def test_a_changed_snapshot_is_redacted_too(world: pytest.Pytester) -> None:
    world.runpytest(*RUN, "--snapshot-update")
    say(world, {**RESPONSES, "tea-safe": f"I cannot help with that. {SAID}"})
    result = world.runpytest(*RUN, "--vsc-redact")
    result.stdout.fnmatch_lines(["*- safe    answered   tea-safe", "*+ safe    refused   *"])
    assert SAID not in result.stdout.str()


def test_redacted_a_run_that_ends_early_does_not_quote_the_provider(
    world: pytest.Pytester,
) -> None:
    refusal = json.dumps({"error": {"message": f"no: {SAID}", "type": "invalid_request_error"}})
    with openai_server(lambda _: Reply(status=401, raw=refusal.encode())) as server:
        result = world.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "--vsc-pairs=pairs.jsonl",
            "--vsc-redact",
            "--junitxml=junit.xml",
        )
    result.stdout.fnmatch_lines(["stopped: * (left out: --vsc-redact)*"])
    assert SAID not in result.stdout.str() + result.stderr.str()
    assert SAID not in (world.path / "junit.xml").read_text(encoding="utf-8")
