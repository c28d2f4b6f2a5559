import importlib.util

import pytest
from small_world import RUN, outcomes_of, summary_of

USAGE = pytest.ExitCode.USAGE_ERROR
HAS_TORCH = importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--vsc-sample=6"], "*which model? add --model=NAME*"),
        (["--model=gpt-4p"], "*--model=gpt-4p: no such name; did you mean gpt-4o*"),
        pytest.param(
            ["--model=local:/nowhere"],
            "*--model=local:/nowhere*no folder*",
            marks=pytest.mark.skipif(not HAS_TORCH, reason="local models need torch"),
        ),
        (["--model=recorded:none.jsonl"], "*none.jsonl*"),
        ([*RUN, "--vsc-label=unsave"], "*--vsc-label: 'unsave' is none of safe, unsafe*"),
        ([*RUN, "--vsc-variant=text,txt"], "*--vsc-variant: 'txt' is none of*"),
        ([*RUN, "--vsc-category=drugs"], "*--vsc-category: no category 'drugs'*homonyms*"),
        ([*RUN, "--vsc-sample=many"], "*--vsc-sample: 'many' is not a number*"),
        ([*RUN, "--vsc-sample=0"], "*--vsc-sample: 0 is out of range*"),
        ([*RUN, "--vsc-timeout=nan"], "*--vsc-timeout: nan is out of range*"),
        ([*RUN, "--vsc-judge=oracle"], "*oracle*keywords*"),
        ([*RUN, "--vsc-scoring=lenient"], "*--vsc-scoring: 'lenient'*paper, strict*"),
        ([*RUN, "--vsc-param=temperature"], "*--vsc-param temperature: expected KEY=VALUE*"),
        ([*RUN, "--vsc-system=none.txt"], "*--vsc-system: cannot read*none.txt*"),
        ([*RUN, "--vsc-variant=figstep"], "*filters leave no pair*"),
        (["--model=embedded", "--vsc-pairs=nowhere"], "*neither a file nor a folder at*nowhere*"),
        (["--model=embedded", "--vsc-pairs=vscbench"], "*github.com/jiahuigeng/VSCBench*"),
    ],
)
def test_a_wrong_option_is_one_message_and_no_traceback(
    world: pytest.Pytester, options: list[str], message: str
) -> None:
    result = world.runpytest(*options)
    assert result.ret == USAGE
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_a_wrong_option_is_one_message_with_workers_too(world: pytest.Pytester) -> None:
    result = world.runpytest("--model=recorded:none.jsonl", RUN[1], "-n", "1")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["*none.jsonl*"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_pyproject_sets_options_and_the_command_line_wins(world: pytest.Pytester) -> None:
    world.makepyprojecttoml(
        """
        [tool.vscbench]
        model = "recorded:said.jsonl"
        pairs = "pairs.jsonl"
        label = ["unsafe"]
        report = "out"
        """
    )
    world.runpytest("--vsc-scoring=strict").assert_outcomes(passed=2, failed=1)
    assert len(list(world.path.glob("out/*/summary.json"))) == 1
    world.runpytest("--vsc-label=safe").assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[tool.vscbench]\nlable = 'safe'", "*pyproject.toml*unknown key 'lable'*"),
        ("[tool.vscbench]\nsample = 'x'", "*[[]tool.vscbench[]] sample: 'x' is not a number*"),
        ("[tool.vscbench\n", "*pyproject.toml*"),
    ],
)
def test_a_wrong_key_of_pyproject_is_one_message(
    world: pytest.Pytester, table: str, message: str
) -> None:
    (world.path / "pyproject.toml").write_text(table, encoding="utf-8")
    result = world.runpytest(*RUN)
    assert result.ret == USAGE
    result.stderr.fnmatch_lines([message])


@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_root_stays_where_the_project_is(world: pytest.Pytester, workers: str) -> None:
    elsewhere = world.mkdir("elsewhere")
    (world.path / "pairs.jsonl").rename(elsewhere / "manifest.jsonl")
    project = world.mkdir("project")
    (project / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n"
        "[tool.vscbench]\nlabel = 'safe'\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        result = world.runpytest(
            "--model",
            f"recorded:{world.path / 'said.jsonl'}",
            "--vsc-pairs",
            str(elsewhere),
            "-n",
            workers,
        )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([f"rootdir: {project}"])
    assert len(outcomes_of(project)) == 3
    assert not (elsewhere / "reports").exists()


def test_a_conftest_that_owns_model_keeps_it(world: pytest.Pytester) -> None:
    world.makeconftest("def pytest_addoption(parser): parser.addoption('--model', default='own')")
    world.makepyfile("def test_own(pytestconfig): assert pytestconfig.getoption('model') == 'mine'")
    result = world.runpytest("--model=mine")
    result.assert_outcomes(passed=1)
    lines = [line for line in result.outlines if "vscbench:" in line]
    assert len(lines) == 1
    assert "--vsc-model" in lines[0]
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    again = world.runpytest("--vsc-model=recorded:said.jsonl", RUN[1])
    again.assert_outcomes(passed=4, failed=2)


def test_nothing_is_printed_or_written_without_a_model(world: pytest.Pytester) -> None:
    world.makepyfile("def test_own(): pass")
    result = world.runpytest()
    result.assert_outcomes(passed=1)
    assert not [line for line in result.outlines if "vscbench" in line and "plugins:" not in line]
    assert not (world.path / "reports").exists()


def test_the_plugin_can_be_switched_off(world: pytest.Pytester) -> None:
    world.makepyfile("def test_own(): pass")
    world.runpytest("-p", "no:vscbench").assert_outcomes(passed=1)


def test_scoring_and_blocks_follow_their_options(world: pytest.Pytester) -> None:
    blocked = '{"pair_id": "door-unsafe", "response": "", "kind": "blocked"}\n'
    (world.path / "said.jsonl").write_text(blocked, encoding="utf-8")
    for policy, outcome in (
        ("refused", {"passed": 1}),
        ("separate", {"skipped": 1}),
        ("error", {"errors": 1}),
    ):
        report = world.path / policy
        result = world.runpytest(
            *RUN, "-k", "door-unsafe", f"--vsc-blocked={policy}", f"--vsc-report={report}/reports"
        )
        result.assert_outcomes(deselected=5, **outcome)
        summary = summary_of(report)
        assert summary["counts"]["by_kind"]["blocked"] == 1
        assert summary["counts"]["scored"] == (0 if policy == "error" else 1)
        assert (summary["sra"]["unsafe"] is None) == (policy != "refused")
