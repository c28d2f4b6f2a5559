"""What a project calls a block: how it is written down, and whom it reaches."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from vscbench.cli import main
from vscbench.cli_options import judge_spec
from vscbench.engine.opening import key_of
from vscbench.errors import UsageError
from vscbench.judges.asking import model_spec
from vscbench.methods.open import open_method
from vscbench.models.frames import pack_spec, unpack_spec
from vscbench.models.protocol import ModelSpec
from vscbench.models.sender_pool import HostedOpening
from vscbench.plugin.settings import Settings, read_table, settings_of
from vscbench.plugin.source import Source

WORDS = ("House rule", "内容被拦截")


def write(folder: Path, value: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(f"[tool.vscbench]\nblock_words = {value}\n", encoding="utf-8")
    return path


def settings(folder: Path) -> Settings:
    table = read_table(write(folder, json.dumps(WORDS, ensure_ascii=False)))
    return settings_of(Source(lambda name: None, table, folder, folder))


def test_they_reach_the_model_and_the_judges_model(tmp_path: Path) -> None:
    read = settings(tmp_path)
    spec = read.model_spec(open_method(read.method), sends_images=False)
    for reached in (spec, model_spec(read.judge, "openai/judge")):
        assert reached.block_words == WORDS
        packed = json.loads(json.dumps(pack_spec(reached)))
        assert unpack_spec(packed).block_words == WORDS


def test_they_reach_a_judge_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert judge_spec("rubric").block_words == ()
    write(tmp_path, '["house rule"]')
    assert judge_spec("rubric").block_words == ("house rule",)


def test_no_answer_is_asked_for_again_because_of_them() -> None:
    plain, worded = (
        HostedOpening(ModelSpec("m", block_words=words), "openai/gpt-4o") for words in ((), WORDS)
    )
    assert key_of(plain) == key_of(worded)


@pytest.mark.parametrize("value", ['"house rule"', "[7]", '["a", ""]', '[" "]', "{ a = 1 }", "1"])
def test_anything_but_texts_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    path = write(tmp_path, value)
    with pytest.raises(UsageError, match=r"block_words = .*a list of texts is needed") as raised:
        read_table(path)
    assert "\n" not in str(raised.value)
    monkeypatch.chdir(tmp_path)
    options = ["run", "--models", "openai/m", "--methods", "none"]
    result = CliRunner().invoke(main, options, catch_exceptions=False)
    assert (result.exit_code, "block_words" in result.stderr) == (2, True)
    assert result.stderr.count("\n") == 1
