import pytest
from servers import openai_server
from small_world import RUN, summary_of


def test_a_dry_run_prints_the_plan_and_its_cost_and_sends_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with openai_server() as server:
        asked = ("--model=openai/gpt-4o", f"--vsc-api-base={server.base_url}", "--vsc-sample=8")
        result = pytester.runpytest(*asked, "--vsc-dry-run", "-n", "2")
        assert result.ret == pytest.ExitCode.OK
        assert not server.requests
        result.stdout.fnmatch_lines(
            ["*cases *8", "*stored *0*", "*requests *8", "*cost *$0.0* to $0.*by litellm's prices"]
        )
        result.stdout.no_fnmatch_line("*bringing up nodes*")
        pytester.runpytest(*asked)
        assert len(server.requests) == 8
        again = pytester.runpytest(*asked, "--vsc-dry-run", "--vsc-max-cost=3")
        again.stdout.fnmatch_lines(["*stored *8*", "*requests *0", "*cost *$0.00 to $0.00*"])
        assert len(server.requests) == 8
    assert not list(pytester.path.glob("reports/*/none"))


def test_a_plan_counts_only_the_cases_that_would_run(world: pytest.Pytester) -> None:
    result = world.runpytest(*RUN, "--vsc-dry-run", "-k", "tea")
    result.stdout.fnmatch_lines(["*cases *2"])
    assert not (world.path / "reports").exists()


def test_a_budget_ends_the_run_before_it_is_passed(pytester: pytest.Pytester) -> None:
    price = ("--vsc-param=input_cost_per_token=0", "--vsc-param=output_cost_per_token=0.001")
    with openai_server() as server:
        result = pytester.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "--vsc-variant=text",
            *price,
            "--vsc-param=max_tokens=10",
            "--vsc-max-cost=0.025",
        )
        asked = len(server.requests)
    # Each answer has 7 tokens: 0.007 dollars, and 0.010 at worst.
    assert asked == 3
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["stopped: the budget of*--vsc-max-cost*"])
    summary = summary_of(pytester.path)
    assert summary["usage"]["spent_usd"] == pytest.approx(0.021)
    assert not summary["complete"]


def test_a_budget_that_cannot_be_kept_is_said_before_anything_is_sent(
    pytester: pytest.Pytester,
) -> None:
    with openai_server() as server:
        result = pytester.runpytest(
            "--model=openai/a-model", f"--vsc-api-base={server.base_url}", "--vsc-max-cost=1"
        )
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--vsc-max-cost: no price*input_cost_per_token*"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--vsc-offline", "--vsc-refresh"], "*choose one*"),
        (["--vsc-rpm=0"], "*--vsc-rpm: 0 is out of range*"),
        (["--vsc-retries=-1"], "*--vsc-retries: -1 is out of range*"),
        (["--vsc-max-cost=-2"], "*--vsc-max-cost: -2 is out of range*"),
    ],
)
def test_limits_that_cannot_be_kept_are_one_message(
    world: pytest.Pytester, options: list[str], message: str
) -> None:
    result = world.runpytest(*RUN, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_a_store_that_cannot_be_used_is_one_message(world: pytest.Pytester) -> None:
    (world.path / "broken.sqlite").write_bytes(b"not a database" * 100)
    world.makepyfile(app="def answer(text, images): return 'Sure.'")
    result = world.runpytest("--model=python:app:answer", RUN[1], "--vsc-store=broken.sqlite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*broken.sqlite*"])
    result.stderr.no_fnmatch_line("*Traceback*")
    assert (world.path / "broken.sqlite").read_bytes() == b"not a database" * 100
