import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from local_models import BLIND, open_tiny
from safetensors.torch import load_file, save_file
from tiny_vlms import ARCHITECTURES

from vscbench.errors import UsageError
from vscbench.models.local.checkpoint import find_checkpoint
from vscbench.models.local.loading import (
    NVIDIA_DRIVER,
    Machine,
    choose_machine,
    generation_defaults,
    load_config,
    load_model,
    slower_than_thought,
)
from vscbench.models.local.parameters import LocalParameters
from vscbench.models.local.processors import load_processor
from vscbench.models.protocol import ParamValue

CPU = LocalParameters(device="cpu")
PLAIN = Machine("cpu", "float32", None)
# A package that is there, and that torch cannot use.
BROKEN = 'raise RuntimeError("operator torchvision::nms does not exist")\n'
OPENING = """
import sys
sys.path.insert(0, sys.argv[2])
from vscbench.errors import UsageError
from vscbench.models.local.model import open_checkpoint
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
try:
    open_checkpoint(LocalOpening(ModelSpec("tiny", params={"device": "cpu"}), sys.argv[1]))
except UsageError as error:
    print(error)
"""


@pytest.fixture
def folder(tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    """A checkpoint that a test may change."""
    return shutil.copytree(tiny("llava"), tmp_path / "checkpoint")


def loaded(folder: Path, machine: Machine = PLAIN) -> Any:  # noqa: ANN401 - transformers' models
    return load_model(find_checkpoint(str(folder), None, None, CPU), CPU, machine)


def refusal(act: Callable[[], object]) -> str:
    """Return what a person is told, which is one line."""
    with pytest.raises(UsageError) as raised:
        act()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def edited(
    folder: Path, edit: Callable[[dict[str, torch.Tensor]], Mapping[str, torch.Tensor]]
) -> Path:
    """Write other weights into a checkpoint."""
    file = folder / "model.safetensors"
    save_file(dict(edit(load_file(file))), file, {"format": "pt"})
    return folder


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_is_loaded_whole(name: str, tiny: Callable[[str], Path]) -> None:
    opened = open_tiny(tiny(name), images=name not in BLIND).opened
    model = load_model(opened.checkpoint, opened.parameters, opened.machine)
    assert not model.training
    assert (model.device.type, model.dtype) == ("cpu", torch.float32)
    assert all(torch.isfinite(each).all() for each in model.parameters())


def test_the_weights_are_those_of_the_file(tiny: Callable[[str], Path]) -> None:
    stored = load_file(tiny("llava") / "model.safetensors")
    head = loaded(tiny("llava")).lm_head.weight
    assert torch.equal(head, stored["language_model.lm_head.weight"])


def test_weights_are_brought_to_the_chosen_numbers(tiny: Callable[[str], Path]) -> None:
    assert loaded(tiny("llava"), Machine("cpu", "bfloat16", None)).dtype == torch.bfloat16


def test_the_chosen_attention_is_used(tiny: Callable[[str], Path]) -> None:
    model = loaded(tiny("llava"), Machine("cpu", "float32", "eager"))
    assert model.config.get_text_config()._attn_implementation == "eager"


def test_weights_that_are_missing_are_named_and_never_made_up(folder: Path) -> None:
    edited(folder, lambda all_: {k: v for k, v in all_.items() if "layers.1.mlp" not in k})
    said = refusal(lambda: loaded(folder))
    assert said.startswith(f"--model=local:{folder}: its weights lack model.")
    assert "layers.1.mlp." in said
    assert "more; they would be random" in said


@pytest.mark.parametrize("part", ["lm_head.weight", "multi_modal_projector.linear_1.weight"])
def test_weights_of_another_shape_are_named_and_never_made_up(folder: Path, part: str) -> None:
    edited(
        folder,
        lambda all_: {k: v[:-1].contiguous() if part in k else v for k, v in all_.items()},
    )
    said = refusal(lambda: loaded(folder))
    assert "its weights do not have the shapes of its config.json in " in said
    assert f"{part}; they would be random" in said


def test_weights_that_no_module_takes_do_no_harm(folder: Path) -> None:
    edited(folder, lambda all_: {**all_, "model.extra.weight": torch.zeros(3)})
    loaded(folder)


@pytest.mark.parametrize("attention", ["no-such-attention", "flash_attention_2"])
def test_an_attention_that_is_not_there_is_told(
    attention: str, tiny: Callable[[str], Path]
) -> None:
    if attention == "flash_attention_2" and find_spec("flash_attn") is not None:
        pytest.skip("flash_attn is installed")
    said = refusal(lambda: loaded(tiny("llava"), Machine("cpu", "float32", attention)))
    assert "its weights cannot be loaded (" in said
    assert attention in said.replace("FlashAttention2", "flash_attention_2")


def test_a_cpu_computes_in_wide_numbers_unless_told_otherwise() -> None:
    assert choose_machine(CPU) == PLAIN
    told = LocalParameters(device="cpu", dtype="bfloat16", attn_implementation="eager")
    assert choose_machine(told) == Machine("cpu", "bfloat16", "eager")


def test_a_gpu_that_torch_cannot_use_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    if not NVIDIA_DRIVER.is_dir():
        assert choose_machine(LocalParameters()).notes == ()
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    (note,) = choose_machine(LocalParameters()).notes
    assert note.startswith("computed on the CPU, though this machine has a GPU: torch ")
    assert choose_machine(CPU).notes == ()  # asked for by name


def test_attention_that_is_slow_is_told_where_nobody_asked_for_it(folder: Path) -> None:
    eager = Machine("cpu", "float32", "eager")
    model = loaded(folder, eager)
    assert slower_than_thought(model, eager) == ()
    (note,) = slower_than_thought(model, PLAIN)
    assert note.startswith("attention is computed step by step (eager)")
    assert slower_than_thought(loaded(folder), PLAIN) == ()


def test_weights_that_lie_beside_the_gpu_are_told(folder: Path) -> None:
    model = loaded(folder)
    model.hf_device_map = {"model": 0, "lm_head": "cpu"}
    (note,) = slower_than_thought(model, PLAIN)
    assert note.startswith("part of the weights lies on the cpu")
    model.hf_device_map = {"": "cpu"}
    assert slower_than_thought(model, PLAIN) == ()


def test_without_a_word_the_best_device_is_taken() -> None:
    chosen = choose_machine(LocalParameters())
    if torch.cuda.is_available():
        assert chosen.device == "cuda"
        assert chosen.dtype in {"bfloat16", "float16"}
    elif not torch.backends.mps.is_available():
        assert chosen == PLAIN


@pytest.mark.parametrize("device", ["cuda", "cuda:99", "mps", "xla", "meta", "banana", "cpu:x"])
def test_a_device_that_is_not_there_is_named_with_what_is(device: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("there is a GPU of Apple's")
    said = refusal(lambda: choose_machine(LocalParameters(device=device)))
    assert said.startswith(f"--vsc-param device={device}: torch {torch.__version__} cannot")
    assert "leave it out, and " in said


def processor_of(folder: Path, needs: tuple[str, ...] = (), **params: ParamValue) -> object:
    parameters = LocalParameters(device="cpu", processor=params)
    return load_processor(find_checkpoint(str(folder), None, None, CPU), parameters, needs)


def test_a_checkpoint_without_an_image_processor_is_refused(folder: Path) -> None:
    (folder / "processor_config.json").unlink()
    said = refusal(lambda: processor_of(folder))
    assert f"{folder} has no image processor that transformers knows" in said


def test_a_processor_that_is_only_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "processor_config.json").write_text(
        '{"processor_class": "NoSuchProcessor"}', encoding="utf-8"
    )
    assert "has no image processor" in refusal(lambda: processor_of(folder))


@pytest.mark.parametrize("name", ["tokenizer.json", "processor_config.json"])
@pytest.mark.parametrize("content", ["", '{"a', "{}", "[7]"])
def test_a_broken_file_of_a_processor_is_told(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    try:
        processor_of(folder)
    except UsageError as error:
        assert str(error).startswith(f"--model=local:{folder}: ")
        assert "\n" not in str(error)
    else:
        # What it says is the default of its class then.
        assert (name, content) == ("processor_config.json", "{}")


def test_a_checkpoint_without_a_tokenizer_is_told(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    said = refusal(lambda: processor_of(folder))
    assert "has no tokenizer that transformers can read (tokenizer.json)" in said


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="sentencepiece is installed")
def test_a_tokenizer_that_needs_sentencepiece_says_so(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    config = {"tokenizer_class": "LlamaTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    said = refusal(lambda: processor_of(folder))
    assert "its processor needs sentencepiece, which is not installed here: pip install" in said


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
@pytest.mark.parametrize(
    ("kind", "images", "needs", "missing"),
    [
        ("Qwen2VL", "Qwen2VL", (), "torchvision, which is not"),
        (
            "SmolVLM",
            "SmolVLM",
            ("torchvision", "num2words"),
            "torchvision and num2words, which are",
        ),
        ("Pixtral", "Pixtral", ("torchvision",), "torchvision, which is not"),
        ("InternVL", "GotOcr2", (), "torchvision, which is not"),
    ],
)
def test_a_processor_that_lacks_a_library_names_it_and_how_to_install_it(
    folder: Path, kind: str, images: str, needs: tuple[str, ...], missing: str
) -> None:
    if find_spec("num2words") is not None:
        missing = "torchvision, which is not"
    config = {
        "processor_class": f"{kind}Processor",
        "image_processor": {"image_processor_type": f"{images}ImageProcessor"},
        "video_processor": {"video_processor_type": f"{kind}VideoProcessor"},
    }
    (folder / "processor_config.json").write_text(json.dumps(config), encoding="utf-8")
    said = refusal(lambda: processor_of(folder, needs))
    assert f"its processor needs {missing}" in said
    assert "installed here: pip install torchvision" in said
    assert "a build that fits the installed torch" in said


def test_a_library_of_another_build_than_torch_is_told_from_one_that_is_missing(
    folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "packages"
    (broken / "torchvision").mkdir(parents=True)
    (broken / "torchvision" / "__init__.py").write_text(BROKEN, encoding="utf-8")
    about = broken / "torchvision-0.99.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: torchvision\nVersion: 0.99\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", OPENING, str(folder), str(broken)],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "operator torchvision::nms does not exist" in ran.stdout
    assert "the installed torchvision is of another build than torch" in ran.stdout
    assert ran.stdout.count("\n") == 1


def test_parameters_of_the_processor_reach_it(folder: Path) -> None:
    processor: Any = processor_of(folder, size={"shortest_edge": 14})
    assert processor.image_processor.size["shortest_edge"] == 14


def test_parameters_that_a_processor_refuses_are_told(folder: Path) -> None:
    said = refusal(lambda: processor_of(folder, size="large"))
    assert "its processor cannot be loaded (ValueError: " in said


def test_what_ends_an_answer_is_what_the_checkpoint_says(folder: Path) -> None:
    checkpoint = find_checkpoint(str(folder), None, None, CPU)
    of_text = load_config(checkpoint, CPU).get_text_config().eos_token_id
    cases: list[tuple[object, set[int]]] = [([5, 6], {5, 6}), (7, {7}), (None, {of_text})]
    for said, ends in cases:
        config = {"eos_token_id": said, "repetition_penalty": 1.3}
        (folder / "generation_config.json").write_text(json.dumps(config), encoding="utf-8")
        defaults = generation_defaults(loaded(folder))
        assert set(defaults.ends) == ends
        assert defaults.repetition_penalty == 1.3


def test_a_parameter_that_nothing_in_the_processor_knows_is_refused(
    tiny: Callable[[str], Path],
) -> None:
    with pytest.raises(UsageError, match=r"processor\.no_such_option: .*would change nothing"):
        open_tiny(tiny("llava"), **{"processor.no_such_option": 7})  # type: ignore[arg-type]  # mypy takes it for any keyword


def test_weights_larger_than_the_machine_s_memory_are_refused_before_they_are_read(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("llava"), tmp_path / "huge")
    header = {"big": {"dtype": "F32", "shape": [10**9, 10**6], "data_offsets": [0, 0]}}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    checkpoint = find_checkpoint(str(tiny("llava")), None, None, CPU)
    with pytest.raises(UsageError, match=r"weights take 4000000\.0 GB in float32.*dtype=bfloat16"):
        load_model(replace(checkpoint, folder=folder), CPU, PLAIN)
