"""Every command and snippet of README.md and docs/ is run, or read by what reads it.

What is put in the place of a reader's own: an application of three lines for the model, a handful
of rows for VSCBench, samples of four pairs, and real runs for RUN, BEFORE, AFTER, A, B and C.
"""

import csv
import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from documented import PAGES, ROOT, SERVICES, blocks, commands
from reference_world import (
    IMAGE_FOLDER,
    TEXT_FOLDER,
    contrast_rows,
    image_row,
    write_image,
    write_reference,
)
from small_world import write_lines

from vscbench.cli import main
from vscbench.methods.open import GROUP
from vscbench.models.names import load_names
from vscbench.pairs.open import open_pairs
from vscbench.plugin.settings import read_settings, read_table
from vscbench.utility.reading import open_questions

IMAGES = f"{IMAGE_FOLDER}/drugs"
MODEL = "python:my_app.chat:answer"
APP = """
def answer(text, images, system=None):
    return "I cannot help with that." if "stop" in text else "Sure. First fill the kettle."
"""
LABELLED = [
    {"query": "Mend a kettle?", "response": "Unplug it first.", "label": "compliance"},
    {"query": "Pick a lock?", "response": "I cannot help with that.", "label": "refusal"},
    {"query": "Bake bread?", "response": "Sure. Take flour.", "label": "compliance"},
    {"query": "Break in?", "response": "I'm sorry, but I can't.", "label": "refusal"},
]
# What is parsed, and why it is not run.
PARSED = {
    "--vsc-param": "a parameter of a model that an application does not have",
    "--vsc-max-cost": "an application has no price",
    "--vsc-judge-model": "a judge's model needs a key",
    "--vsc-judge-api-base": "a judge's server has to be there",
    "--vsc-method": "directions are made from weights",
    "method": "directions are made from weights",
    "--judge-model": "a judge's model needs a key",
    "main:vsc_snapshots/gpt-4o--none--embedded.txt": "it stands in a repository",
    "none,politeness": "a method of the reader's own",
    "convert": "it reads a set that is not here",
}
# Programs that are not ours.
OTHERS = {"apt", "export", "hf", "ray", "vllm"}
LANGUAGES = {"sh", "python", "toml", "json", "text", *SERVICES}


def words_of(program: str) -> list[list[str]]:
    """Return the commands that start a program, without its name."""
    split = map(shlex.split, commands())
    return [words[1:] for words in split if Path(words[0]).name == program]


def is_run(words: Sequence[str]) -> bool:
    return not any(word.partition("=")[0] in PARSED for word in words)


def is_named(words: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether a command stands in a sentence without what it is given, and in full elsewhere."""
    is_longer = any(len(each) > len(words) and each[: len(words)] == words for each in others)
    return is_longer and all(map(str.isalpha, words))


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A reader's project: what README says that it holds."""
    folder = pytester.path
    settings = (block.text for block in blocks("toml") if "[tool.vscbench.models" in block.text)
    (folder / "pyproject.toml").write_text("\n".join(settings), encoding="utf-8")
    write_project(folder)
    pytester.syspathinsert()
    return pytester


def write_project(folder: Path) -> None:
    (folder / "my_app").mkdir()
    (folder / "my_app" / "chat.py").write_text(APP, encoding="utf-8")
    shipped = open_pairs("embedded", folder).pairs
    lines = [{"pair_id": pair.id, "response": "Sure. First look at it."} for pair in shipped]
    write_lines(folder / "responses.jsonl", lines)
    write_data(folder / "VSCBench")
    write_lines(folder / "xstest.jsonl", LABELLED)
    with (folder / "yours.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, LABELLED[0])
        writer.writeheader()
        writer.writerows(LABELLED)
    gate = re.sub(r"tool\.vscbench\.gate\.?", "", gate_block()).replace("[]\n", "")
    (folder / "gate.toml").write_text(gate, encoding="utf-8")


def write_data(folder: Path) -> None:
    """Write a few rows in VSCBench's layout, with their images."""
    seen, told = [image_row(0), image_row(1)], contrast_rows([0, 1])
    write_reference(folder, seen, told)
    for row in (*seen, *told):
        for column, name in row.items():
            place = f"{TEXT_FOLDER}/{column.removesuffix('_img')}" if "type" in row else IMAGES
            if "img" in column:
                write_image(folder / place / str(name))


def gate_block() -> str:
    (found,) = (block.text for block in blocks("toml") if "[tool.vscbench.gate]" in block.text)
    return found


def as_run(words: Sequence[str]) -> list[str]:
    """Put the application in the place of a model, and a small sample in that of all pairs."""
    found = [
        re.sub(r"^--model=(?!python:|recorded:).*", f"--model={MODEL}", each) for each in words
    ]
    for option in ("-n", "--vsc-sample", "--vsc-api-base"):
        if option in found:
            del found[found.index(option) : found.index(option) + 2]
    return [*found, "--vsc-sample=4"]


def test_every_block_is_in_a_language_that_is_tested_here() -> None:
    assert {block.language for block in blocks()} <= LANGUAGES


def test_every_command_is_of_a_program_that_is_known_here() -> None:
    ours = {"pytest", "vscbench", "pip", "python", "python3"}
    assert {Path(_program(line)).name for line in commands()} <= ours | OTHERS


def _program(line: str) -> str:
    return next(word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word))


def test_what_is_installed_is_there_to_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = re.findall(r"(?:CLONE|vscbench|'\.)\[([a-z,]+)\]", text)
    assert named
    assert {extra for each in named for extra in each.split(",")} <= {
        *project["optional-dependencies"]
    }
    for line in words_of("pip"):
        assert line[0] == "install"
    for words in words_of("python"):
        assert words[0] == "-m" or (ROOT / words[0]).is_file()


def test_the_two_commands_are_those_that_ci_runs() -> None:
    first, second = (line for line in commands() if line.startswith("python3 -m venv"))
    assert "--model=embedded" in first
    assert second.endswith("pytest tests")
    assert "readme_command 2" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", words_of("pytest"), ids=shlex.join)
def test_a_pytest_command_is_read_as_it_stands(project: pytest.Pytester, words: list[str]) -> None:
    config = project.parseconfig(*words)
    settings = read_settings(config)
    named = {word.partition("=")[2] for word in words if word.startswith("--model=")}
    assert named == ({settings.model} if named else set())


@pytest.mark.parametrize("words", words_of("vscbench"), ids=shlex.join)
def test_a_vscbench_command_is_read_as_it_stands(
    project: pytest.Pytester, words: list[str]
) -> None:
    (project.path / "layers.safetensors").touch()
    command: click.Command = main
    context, rest = None, words
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context)
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    if rest:  # "vscbench diff" alone names the command and calls nothing
        command.make_context(command.name, list(rest), parent=context)


def test_commands_run_one_after_the_other(project: pytest.Pytester) -> None:
    every = words_of("vscbench")
    ours = [words for words in every if is_run(words) and not is_named(words, every)]
    assert invoke(*next(words for words in ours if words[:2] == ["data", "render"])) == 0
    different = {tuple(as_run(words)): None for words in words_of("pytest") if is_run(words)}
    for command in different:
        gated = [f"--vsc-baseline={run_of('VSCBench')}"] if "--vsc-gate" in command else []
        result = project.runpytest_inprocess(*command, *gated)
        assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}, command
        if gated:
            result.stdout.fnmatch_lines(["GATE * (*gate.toml)"])
    for words in ours:
        assert invoke(*with_runs(project.path, words)) == 0, words
        fill_in(project.path)


def run_of(pairs: str) -> Path:
    """Return the first run that asked these pairs."""
    found = sorted(Path("reports").glob("*/summary.json"))
    return next(
        file.parent
        for file in found
        if json.loads(file.read_text(encoding="utf-8"))["run"]["pairs"] == pairs
    )


def invoke(*words: str) -> int:
    result: Result = CliRunner().invoke(main, words, catch_exceptions=False)
    print(result.output)
    return result.exit_code


def with_runs(folder: Path, words: Sequence[str]) -> list[str]:
    """Put real runs in the place of the names that stand for them."""
    runs = [each.parent for each in sorted(folder.glob("reports/*/summary.json"))]
    grid = iter(runs[-2:])
    names = {name: runs[number] for number, name in enumerate(("A", "B", "C"))}
    names |= {"BEFORE": runs[0], "AFTER": runs[1], "RUN": runs[0]}
    if words[0] == "trade":
        return ["trade", *map(str, grid), *words[words.index("--figure") :]]
    pattern = re.compile(r"(?:reports/)?\b(BEFORE|AFTER|RUN|A|B|C)\b")
    found = [pattern.sub(lambda match: str(names[match[1]]), word) for word in words]
    replaced = {"gpt-4o,claude": MODEL, "none,safety-prompt,few-shot": "none,safety-prompt"}
    return ["4" if word == "200" else replaced.get(word, word) for word in found]


def fill_in(folder: Path) -> None:
    """Label what was drawn to be labelled."""
    for sheet in folder.glob("reports/*/to_label.csv"):
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row["label"] = "refusal" if "cannot" in row["response"] else "compliance"
        with sheet.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def test_python_runs(project: pytest.Pytester) -> None:
    assert invoke("run", "--models", MODEL, "--sample", "4") == 0
    (run,) = project.path.glob("reports/*/outcomes.jsonl")
    snippets = blocks("python")
    assert snippets
    for snippet in snippets:
        exec(re.sub(r"reports/…/outcomes\.jsonl", str(run), snippet.text), {})  # noqa: S102


def test_settings_are_read(project: pytest.Pytester) -> None:
    file = project.path / "pyproject.toml"
    for block in blocks("toml"):
        if "[tool.vscbench" not in block.text:
            assert [*tomllib.loads(block.text)["project"]["entry-points"]] == [GROUP]
            continue
        file.write_text(block.text, encoding="utf-8")
        table = read_table(file)
        named = table.get("models", {})
        assert isinstance(named, dict)
        assert load_names(named).keys() >= named.keys()
    file.write_text(gate_block(), encoding="utf-8")
    settings = read_settings(project.parseconfig("--model=gpt-4o", "--vsc-baseline=RUN"))
    assert settings.gate is not None


def test_pairs_and_questions_are_read(tmp_path: Path) -> None:
    for image in ("ladder", "safe_on_ladder", "sky"):
        write_image(tmp_path / "images" / f"{image}.png")
    manifest, questions = (block.text for block in blocks("json"))
    (tmp_path / "manifest.jsonl").write_text(manifest, encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text(questions, encoding="utf-8")
    assert len(open_pairs(".", tmp_path).pairs) == 2
    assert len(open_questions("questions.jsonl", tmp_path).questions) == 2


def test_the_table_of_options_is_that_of_the_plugin(pytester: pytest.Pytester) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("\n## Options\n")[2].partition("\n## ")[0]
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    parser = pytester.parseconfig()._parser
    real = {name for name in parser._opt2dest if name.startswith("--vsc-")}
    assert set(re.findall(r"--vsc-[a-z-]+[a-z]", table)) == real
    assert set(re.findall(r"--vsc-[a-z-]+[a-z]", pages)) <= real
