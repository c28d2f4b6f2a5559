import sys
from pathlib import Path

import pytest
from stand_in_engine import write_sglang, write_vllm

from vscbench.errors import UsageError
from vscbench.models.served.engines import SGLANG, VLLM, Engine, engine_of


@pytest.mark.parametrize(
    ("name", "engine", "source"),
    [
        ("vllm:Qwen/Qwen2.5-VL-7B-Instruct", VLLM, "Qwen/Qwen2.5-VL-7B-Instruct"),
        ("sglang:/models/ours", SGLANG, "/models/ours"),
        ("vllm:C:\\models\\ours", VLLM, "C:\\models\\ours"),
    ],
)
def test_a_name_says_which_engine_serves_which_weights(
    name: str, engine: Engine, source: str
) -> None:
    assert engine_of(name) == (engine, source)


@pytest.mark.parametrize("name", ["gpt-4o", "hosted_vllm/a/b", "local:a", "vllm", "ollama/x:7b"])
def test_other_names_ask_for_no_engine(name: str) -> None:
    assert engine_of(name) is None


@pytest.mark.parametrize("name", ["vllm:", "sglang:", "vllm:--help"])
def test_a_name_without_weights_says_how_it_is_written(name: str) -> None:
    with pytest.raises(UsageError, match=r"--model=(vllm|sglang):Qwen"):
        engine_of(name)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script of a shell")
def test_vllm_is_found_on_the_path_and_its_key_is_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(write_vllm(tmp_path).folder))
    start = VLLM.arrange(VLLM.require_installed("vllm:a/b"), "a/b", ["--dtype", "auto"], 81, "sk-1")
    assert list(start.command) == [
        *(str(tmp_path / "vllm"), "serve", "a/b", "--dtype", "auto"),
        *("--host", "127.0.0.1", "--port", "81", "--served-model-name", "a/b"),
    ]
    assert start.environment == {"VLLM_API_KEY": "sk-1"}
    assert "sk-1" not in repr(start)


def test_sglang_is_found_as_a_package_of_this_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(write_sglang(tmp_path).folder))
    start = SGLANG.arrange(SGLANG.require_installed("sglang:a/b"), "a/b", ["--tp", "2"], 81, "sk-1")
    assert list(start.command) == [
        *(sys.executable, "-m", "sglang.launch_server", "--model-path", "a/b", "--tp", "2"),
        *("--host", "127.0.0.1", "--port", "81", "--served-model-name", "a/b"),
        *("--api-key", "sk-1"),
    ]
    assert "sk-1" not in repr(start)


@pytest.mark.parametrize("engine", [VLLM, SGLANG])
def test_an_engine_that_is_not_installed_is_one_line_with_what_to_do(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as raised:
        engine.require_installed(f"{engine.name}:a/b")
    message = str(raised.value)
    assert "\n" not in message
    assert f"--model={engine.name}:a/b: {engine.title} is not installed" in message
    assert engine.install in message
    assert "--vsc-api-base" in message
