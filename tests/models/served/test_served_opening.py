import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from stand_in_engine import write_vllm

from vscbench.errors import UsageError
from vscbench.models.names import load_names
from vscbench.models.open import hosted_opening
from vscbench.models.protocol import ModelFacts, ModelSpec, ParamValue
from vscbench.models.sender_pool import HostedOpening
from vscbench.models.served.opening import ServedOpening, joined_opening, served_opening
from vscbench.models.served.server import Address

NAMED = load_names({})
BASE = "http://gpu-box:8000/v1"
# What litellm's model says of itself where it has an address that does not exist yet.
SAID = ModelFacts(
    "vllm:a/b",
    {"temperature": 0.0, "api_base": "http://127.0.0.1/v1"},
    16,
    {"temperature": 0.0, "model": "hosted_vllm/a/b", "api_base": "http://127.0.0.1/v1"},
    None,
)


def served(params: Mapping[str, ParamValue] | None = None, name: str = "vllm:a/b") -> ServedOpening:
    opening = served_opening(ModelSpec(name, params=params or {}), NAMED)
    assert opening is not None
    return opening


def identity(params: Mapping[str, ParamValue] | None = None, name: str = "vllm:a/b") -> object:
    return served(params, name).facts(SAID).identity


def test_a_server_is_started_for_a_name_without_an_address() -> None:
    opening = served({"serve.dtype": "auto", "top_p": 0.5})
    assert opening.launch.source == "a/b"
    assert opening.launch.options.options == {"dtype": "auto"}
    assert opening.hosted.litellm_id == "hosted_vllm/a/b"
    assert opening.hosted.spec.params == {"top_p": 0.5}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_with_an_address_it_is_the_model_that_runs_there(engine: str) -> None:
    spec = ModelSpec(f"{engine}:a/b", api_base=BASE, params={"top_p": 0.5})
    assert served_opening(spec, NAMED) is None
    assert hosted_opening(spec, NAMED) == HostedOpening(spec, "hosted_vllm/a/b")


def test_options_for_a_server_that_runs_already_are_refused() -> None:
    spec = ModelSpec("vllm:a/b", api_base=BASE, params={"serve.dtype": "auto"})
    with pytest.raises(UsageError, match=r"serve\.dtype: .*leave one of the two out"):
        joined_opening(spec, NAMED)


@pytest.mark.parametrize("base", [None, BASE])
def test_a_short_name_stands_for_its_weights(base: str | None) -> None:
    spec = ModelSpec("vllm:llava-1.5-7b", api_base=base)
    served_here = served_opening(spec, NAMED)
    opening = served_here.hosted if served_here else joined_opening(spec, NAMED)
    assert opening is not None
    assert opening.litellm_id == "hosted_vllm/llava-hf/llava-1.5-7b-hf"
    assert opening.takes_images is True


def test_a_short_name_without_weights_says_so() -> None:
    with pytest.raises(UsageError, match=r"cannot be had.*--model=gpt-4o"):
        served(name="vllm:gpt-4o")


def test_what_a_model_is_says_its_engine_and_options_but_not_where_it_ran() -> None:
    facts = served({"serve.dtype": "auto", "serve.tensor_parallel_size": 4}).facts(SAID)
    expected = {"engine": "vllm", "dtype": "auto"}
    assert facts.identity == {
        "temperature": 0.0,
        "model": "hosted_vllm/a/b",
        "serve": expected,
    }
    shown = {"dtype": "auto", "tensor_parallel_size": 4}
    assert facts.params == {"temperature": 0.0, "serve": shown}
    assert facts.default_concurrency > SAID.default_concurrency


def test_another_engine_or_option_is_another_model_and_more_gpus_are_not() -> None:
    assert identity() == identity({"serve.tensor_parallel_size": 2})
    assert identity() != identity(name="sglang:a/b")
    assert identity() != identity({"serve.quantization": "fp8"})


def test_a_folder_whose_files_changed_is_another_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    before = identity(name=f"vllm:{tmp_path}")
    (tmp_path / "config.json").write_text('{"a": 1}', encoding="utf-8")
    assert identity(name=f"vllm:{tmp_path}") != before


def test_the_key_of_a_server_goes_to_the_senders_and_into_no_text() -> None:
    opening = served().at(Address("http://127.0.0.1:81/v1", "sk-vscbench-1"))
    assert opening.spec.api_base == "http://127.0.0.1:81/v1"
    assert opening.pack()["spec"]["api_key"] == "sk-vscbench-1"
    assert "sk-vscbench-1" not in repr(opening)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script of a shell")
def test_a_proxy_that_would_come_between_is_told_with_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vllm(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r"NO_PROXY to 127\.0\.0\.1"):
        served().require_startable()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served().require_startable()
