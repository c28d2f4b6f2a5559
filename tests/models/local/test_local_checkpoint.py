import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

from local_models import open_tiny

from vscbench.errors import UsageError
from vscbench.models.local.checkpoint import Sight, find_checkpoint
from vscbench.models.local.parameters import LocalParameters
from vscbench.models.protocol import ParamValue

GREEDY = LocalParameters()
REMOTE = {"AutoConfig": "code.Ours", "AutoModelForImageTextToText": "code.Model"}
# What a checkpoint with code of its own may do to whoever opens it.
CODE = """
import pathlib
from transformers import LlavaConfig, LlavaForConditionalGeneration
pathlib.Path({mark!r}).touch()
class Ours(LlavaConfig):
    model_type = "ours"
class Model(LlavaForConditionalGeneration):
    config_class = Ours
"""
OPENING = """
import pathlib, sys
from vscbench.errors import UsageError
from vscbench.models.local.model import open_checkpoint
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
folder, mark = sys.argv[1], pathlib.Path(sys.argv[2])
for trusted in (False, True):
    params = {"device": "cpu", "trust_remote_code": trusted}
    spec = ModelSpec("local:" + folder, params=params)
    try:
        said = "opened " + open_checkpoint(LocalOpening(spec, folder)).name
    except UsageError as error:
        said = str(error)
    print(mark.exists(), said)
"""


@pytest.fixture
def folder(tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    """A checkpoint that a test may change."""
    return shutil.copytree(tiny("llava"), tmp_path / "checkpoint")


def configured(folder: Path, **changed: object) -> Path:
    """Change the configuration of a checkpoint; ``None`` takes a field away."""
    file = folder / "config.json"
    config = {**json.loads(file.read_text(encoding="utf-8")), **changed}
    kept = {name: value for name, value in config.items() if value is not None}
    file.write_text(json.dumps(kept), encoding="utf-8")
    return folder


def refusal(folder: Path, **params: ParamValue) -> str:
    """Return why a checkpoint is not opened, in one line."""
    with pytest.raises(UsageError) as raised:
        open_tiny(folder, **params)  # type: ignore[arg-type]  # a name each
    said = str(raised.value)
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_a_checkpoint_of_transformers_is_found_with_what_it_sees(
    tiny: Callable[[str], Path],
) -> None:
    found = find_checkpoint(str(tiny("llava")), None, None, GREEDY)
    assert (found.folder, found.sight, found.commit) == (tiny("llava"), Sight.IMAGES, None)
    assert found.parts == (tiny("llava"),)
    assert find_checkpoint(str(tiny("llama")), None, None, GREEDY).sight is Sight.TEXT


def test_a_text_only_model_is_not_opened_for_pairs_with_images(
    tiny: Callable[[str], Path],
) -> None:
    assert "is a text-only model, and the selected pairs have images" in refusal(tiny("llama"))
    assert "--vsc-variant text" in refusal(tiny("llama"))
    open_tiny(tiny("llama"), images=False)


def test_a_folder_without_a_configuration_is_no_checkpoint(folder: Path) -> None:
    (folder / "config.json").unlink()
    said = refusal(folder)
    assert said.startswith(f"--model=local:{folder}: {folder} is no checkpoint")
    assert "no config.json; name the folder" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b'{"model_type": ', "cannot be read"),
        (b"\xff\xfe\x00\x01", "cannot be read"),
        (b"[]", "is no JSON object"),
        (b"7", "is no JSON object"),
    ],
)
def test_a_broken_configuration_is_named(folder: Path, content: bytes, reason: str) -> None:
    (folder / "config.json").write_bytes(content)
    said = refusal(folder)
    assert f"{folder / 'config.json'} {reason}" in said
    assert "fetch it again" in said


def test_a_configuration_of_no_architecture_is_named(folder: Path) -> None:
    assert "config.json names no model_type" in refusal(configured(folder, model_type=None))


def test_an_architecture_that_transformers_does_not_know_is_named(folder: Path) -> None:
    said = refusal(configured(folder, model_type="fancy-vl"))
    assert "does not know the architecture 'fancy-vl'" in said
    assert "pip install -U transformers" in said


def test_an_architecture_that_gives_no_answers_is_refused(folder: Path) -> None:
    said = refusal(configured(folder, model_type="clip"))
    assert "a 'clip' gives no answers in text" in said


@pytest.mark.parametrize("text_config", [7, {"model_type": "llama", "hidden_size": "wide"}])
def test_a_configuration_that_does_not_hold_together_says_which_field(
    folder: Path, text_config: object
) -> None:
    said = refusal(configured(folder, text_config=text_config))
    assert "its config.json cannot be loaded" in said
    assert "text_config" in said or "hidden_size" in said


def test_code_of_a_known_architecture_is_not_needed_and_not_run(folder: Path) -> None:
    mark = folder.parent / "it-ran"
    (folder / "code.py").write_text(CODE.format(mark=str(mark)), encoding="utf-8")
    open_tiny(configured(folder, auto_map=REMOTE))
    assert not mark.exists()


def test_code_that_a_repository_brings_runs_only_for_whom_says_so(folder: Path) -> None:
    mark = folder.parent / "it-ran"
    (folder / "code.py").write_text(CODE.format(mark=str(mark)), encoding="utf-8")
    configured(folder, model_type="ours", auto_map=REMOTE)

    environment = {**os.environ, "HF_HOME": str(folder.parent / "hub"), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", OPENING, str(folder), str(mark)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    untrusted, trusted = ran.stdout.splitlines()
    assert untrusted.startswith(
        f"False --model=local:{folder} brings Python code of its own ('ours' is none"
    )
    assert "--vsc-param trust_remote_code=true" in untrusted
    assert trusted.startswith("True opened")


def test_code_that_is_trusted_but_not_there_is_named(folder: Path) -> None:
    configured(folder, model_type="ours", auto_map=REMOTE)
    said = refusal(folder, trust_remote_code=True)
    assert "its config.json cannot be loaded" in said
    assert "code.py" in said


def test_a_checkpoint_without_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert refusal(folder) == (
        f"{folder} has no weights: no *.safetensors file is there; download it again"
    )


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin"])
def test_weights_that_are_pickles_are_not_read(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"cos\nsystem\n(S'touch it-ran'\ntR.")
    said = refusal(folder)
    assert f"has its weights as pickles only ({name})" in said
    assert "can run code" in said
    assert not (folder / "it-ran").exists()


@pytest.mark.parametrize("cut", [0, 4, 1000, -1])
def test_weights_that_are_cut_short_are_named_before_anything_is_asked(
    folder: Path, cut: int
) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    said = refusal(folder)
    assert said.startswith(f"{file} cannot be read as safetensors")
    assert "download it again" in said


def test_a_pointer_that_git_left_in_place_of_the_weights_is_named(folder: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"
    (folder / "model.safetensors").write_text(pointer, encoding="utf-8")
    assert "model.safetensors cannot be read as safetensors" in refusal(folder)


def test_a_part_of_the_weights_that_is_not_there_is_named(folder: Path) -> None:
    first, second = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
    (folder / "model.safetensors").rename(folder / first)
    index = {"metadata": {}, "weight_map": {"a": first, "b": second}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    said = refusal(folder)
    assert f"is incomplete: model.safetensors.index.json lists {second}" in said


def test_weights_under_a_name_that_transformers_does_not_look_for_are_named(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    said = refusal(folder)
    assert "has consolidated.safetensors, but transformers loads weights from model." in said


def test_a_folder_has_no_revisions(tiny: Callable[[str], Path]) -> None:
    said = refusal(tiny("llava"), revision="v1")
    assert said.startswith("--vsc-param revision=v1: ")
    assert "leave it out" in said


def test_a_whole_checkpoint_goes_onto_no_other(tiny: Callable[[str], Path]) -> None:
    said = refusal(tiny("llava"), base="llava-hf/llava-1.5-7b-hf")
    assert said.startswith("--vsc-param base=llava-hf/llava-1.5-7b-hf: ")
    assert "leave it out" in said


def test_what_is_named_as_an_adapter_must_be_one(tiny: Callable[[str], Path]) -> None:
    said = refusal(tiny("llava"), adapter=str(tiny("llama")))
    assert said.startswith(f"--vsc-param adapter={tiny('llama')}: ")
    assert "adapter_config.json is missing" in said


@pytest.fixture
def adapter(tmp_path: Path, tiny: Callable[[str], Path]) -> Path:
    """An adapter that names the tiny LLaVA as its base."""
    peft = pytest.importorskip("peft", reason="adapters need peft")
    from transformers import LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration.from_pretrained(tiny("llava"))
    config = peft.LoraConfig(r=2, target_modules=r"model\.language_model\..*\.q_proj")
    peft.get_peft_model(model, config).save_pretrained(str(tmp_path / "adapter"))
    return tmp_path / "adapter"


def test_an_adapter_is_opened_on_the_base_that_it_names_or_that_is_named(
    adapter: Path, tiny: Callable[[str], Path]
) -> None:
    base = str(tiny("llava"))
    itself = find_checkpoint(str(adapter), None, None, GREEDY)
    assert (itself.folder, itself.adapter) == (tiny("llava"), adapter)
    assert itself.parts == (tiny("llava"), adapter)
    configured_base = find_checkpoint(str(adapter), base, None, GREEDY)
    named = find_checkpoint(str(adapter), "org/other", None, LocalParameters(base=base))
    onto = find_checkpoint(base, None, None, LocalParameters(adapter=str(adapter)))
    assert configured_base.parts == named.parts == onto.parts == itself.parts


def test_an_adapter_that_is_cut_short_is_named_before_anything_is_asked(adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    assert f"{file} cannot be read as safetensors" in refusal(adapter)


def test_weights_in_the_original_layout_of_an_unknown_size_need_a_base(tmp_path: Path) -> None:
    config = {"model_type": "llava_llama", "architectures": ["LlavaLlamaForCausalLM"]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    index = {"weight_map": {"model.mm_projector.0.weight": "model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    # A header of no tensors is a whole file.
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    said = refusal(tmp_path)
    assert "is in the original LLaVA layout" in said
    assert "--vsc-param base=llava-hf/llava-1.5-7b-hf" in said
