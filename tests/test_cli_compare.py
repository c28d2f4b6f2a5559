import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner, Result
from written_runs import RUN, contrast_pairs, outcomes_of, write_run, wrong

from vscbench.cli import main
from vscbench.report import load_schema

PAIRS = contrast_pairs(20)


def compare(*arguments: str | Path) -> Result:
    command = ["compare", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = (
        '[tool.vscbench.models]\nours = { litellm = "hosted_vllm/ours", family = "open-weight" }\n'
    )
    (tmp_path / "pyproject.toml").write_text(names, encoding="utf-8")
    for name, model, lost in (
        ("a", "claude", ["unsafe-001"]),
        ("b", "ours", ["unsafe-001", "unsafe-002", "safe-003"]),
    ):
        run = replace(RUN, id=name, model=model)
        write_run(tmp_path / "reports", outcomes_of(PAIRS, wrong(PAIRS, *lost)), run)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_many_runs_come_as_one_table(project: Path) -> None:
    done = compare("b", "reports/a")
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.output.splitlines()[1:3]] == [
        ["claude", "95.0%"],
        ["ours", "90.0%"],
    ]


def test_the_file_fits_its_schema_and_knows_the_projects_own_names(project: Path) -> None:
    found = json.loads(compare("a", "b", "--format", "json").output)
    jsonschema.Draft202012Validator(load_schema("comparison")).validate(found)
    families = {run["model"]: run["family"] for run in found["runs"]}
    assert families == {"claude": "proprietary", "ours": "open-weight"}


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "csv"])
def test_a_file_holds_what_the_terminal_would_show(project: Path, form: str) -> None:
    shown = compare("a", "b", "--format", form).stdout_bytes
    done = compare("a", "b", "--format", form, "-o", "table.out")
    assert done.output == ""
    assert (project / "table.out").read_bytes() == shown


def test_a_figure_is_drawn_beside_the_table(project: Path) -> None:
    done = compare("a", "b", "--figure", "figure.svg")
    assert "claude" in done.output
    root = ElementTree.parse(project / "figure.svg").getroot()  # noqa: S314 - our own
    assert {"claude", "ours"} <= {"".join(each.itertext()).strip() for each in root.iter()}


def test_runs_that_cannot_be_compared_warn(project: Path) -> None:
    run = replace(RUN, id="c", judge="classifier")
    write_run(project / "reports", outcomes_of(PAIRS), run)
    assert "warning: not comparable: the judges differ" in compare("a", "c").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a", "absent"), "no run at absent"),
        (("a", "--figure", "no/such/folder/figure.svg"), "cannot be written"),
        ((), "Missing argument 'RUN...'"),
    ],
)
def test_what_cannot_be_used_is_one_message_and_status_2(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = compare(*arguments)
    assert done.exit_code == 2
    assert said in done.output
