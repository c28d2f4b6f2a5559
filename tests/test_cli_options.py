from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vscbench.cli_options import judge_options, judge_spec, judge_store
from vscbench.errors import UsageError
from vscbench.judges.spec import JudgeSpec, Ties


@click.command()
@click.argument("judge")
@judge_options
def command(judge: str, concurrency: int | None, store: Path | None, **given: object) -> None:
    spec = judge_spec(judge, **given)  # type: ignore[arg-type]
    with judge_store(spec, store) as opened:
        click.echo(f"{spec!r} {concurrency} {opened is not None}")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_without_options_a_judge_is_as_by_default() -> None:
    assert run("keywords") == f"{JudgeSpec('keywords')!r} None False"


def test_each_option_reaches_the_judge(tmp_path: Path) -> None:
    path = tmp_path / "there" / "store.sqlite"
    spec = JudgeSpec(
        "panel:keywords,rubric",
        "openai/judge",
        "http://localhost:1/v1",
        {"seed": 7, "stop": "x"},
        sees_image=True,
        ties=Ties.LAST,
    )
    said = run(
        spec.name,
        "--judge-model=openai/judge",
        "--judge-api-base=http://localhost:1/v1",
        "--judge-param=seed=7",
        "--judge-param=stop=x",
        "--judge-sees=image",
        "--judge-tie=last",
        "--concurrency=3",
        f"--store={path}",
    )
    assert said == f"{spec!r} 3 True"
    assert path.is_file()


def test_a_judge_that_costs_nothing_makes_no_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    run("panel:keywords,classifier", f"--store={path}")
    assert not path.exists()


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(UsageError, match="--judge-param seed: expected KEY=VALUE"):
        run("rubric", "--judge-param=seed")
