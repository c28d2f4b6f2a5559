import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from vscbench.errors import UsageError
from vscbench.models.local.adapters import (
    adapter_files,
    base_of_adapter,
    is_adapter,
    merge_adapter,
)

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")
pytest.importorskip("peft", reason="adapters need peft")

import torch
from peft import LoraConfig, PeftModel
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_vlms import make_tiny
from transformers import LlavaForConditionalGeneration as Llava
from transformers import LlavaProcessor

WORDS = r"model\.language_model\..*\.(q_proj|v_proj|up_proj)"
# What the original code, and transformers before 4.52, call the parts of a LLaVA.
ORIGINAL = {
    "model.language_model.": "model.",
    "model.multi_modal_projector.linear_1": "model.mm_projector.0",
    "model.multi_modal_projector.linear_2": "model.mm_projector.2",
    "model.vision_tower.": "model.vision_tower.vision_tower.vision_model.",
}
EARLIER = {
    "model.language_model.": "language_model.model.",
    "model.multi_modal_projector.": "multi_modal_projector.",
    "model.vision_tower.": "vision_tower.vision_model.",
}
BETWEEN = {"model.vision_tower.": "model.vision_tower.vision_model."}
SAME: dict[str, str] = {}


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("llava", tmp_path_factory.mktemp("base"))


@pytest.fixture
def base(base_folder: Path) -> Llava:
    return load(base_folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "adapter"


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Llava:
    model: Llava = Llava.from_pretrained(folder, dtype=dtype)
    return model


def trained(base_folder: Path, folder: Path, **config: object) -> PeftModel:
    """An adapter with random matrices, saved to ``folder`` as its trainer would."""
    made = LoraConfig(**{"r": 4, "lora_alpha": 16, "target_modules": WORDS} | config)
    wrapped = PeftModel(load(base_folder), made)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for parameter in wrapped.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    wrapped.save_pretrained(str(folder))
    return wrapped.eval()


def rename(folder: Path, names: Mapping[str, str]) -> None:
    """Give a saved adapter the names that another code would have given it."""
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file({renamed(name, names): tensor for name, tensor in tensors.items()}, file)


def renamed(name: str, names: Mapping[str, str]) -> str:
    plain = name.removeprefix("base_model.model.")
    now = next((new for new in names if plain.startswith(new)), "")
    return "base_model.model." + names.get(now, "") + plain.removeprefix(now)


def edit(folder: Path, **settings: object) -> None:
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | settings), encoding="utf-8")


def logits(model: Llava | PeftModel, base_folder: Path) -> torch.Tensor:
    """What a model says of a real prompt with a real image."""
    processor = LlavaProcessor.from_pretrained(base_folder)
    text = "USER: <image>\nthe picture shows a garden ASSISTANT:"
    image = Image.linear_gradient("L").convert("RGB").resize((28, 28))
    with torch.inference_mode():
        said: torch.Tensor = model(**processor(images=image, text=text, return_tensors="pt")).logits
    return said


def assert_same_answers(merged: Llava, expected: PeftModel, base_folder: Path) -> None:
    wanted = logits(expected, base_folder)
    torch.testing.assert_close(logits(merged, base_folder), wanted, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(logits(load(base_folder), base_folder), wanted, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("names", [SAME, ORIGINAL, EARLIER, BETWEEN])
@pytest.mark.parametrize(
    "targets", [WORDS, r"model\.(language|multi|vision).*(_proj|linear_.|fc1)"]
)
def test_a_merged_adapter_answers_as_peft_does_whatever_names_it_was_trained_with(
    names: Mapping[str, str], targets: str, base: Llava, base_folder: Path, folder: Path
) -> None:
    expected = trained(base_folder, folder, target_modules=targets)
    rename(folder, names)
    # As the original code writes it; PEFT by itself would take the vision tower's q_proj too.
    edit(folder, target_modules=["q_proj", "v_proj", "up_proj"])

    merged = merge_adapter(base, folder)

    assert_same_answers(merged, expected, base_folder)


@pytest.mark.parametrize(
    "config",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"bias": "all", "target_modules": r".*vision_tower.*(q_proj|fc1)"},
        {"target_modules": "all-linear", "r": 2},
        {"modules_to_save": ["multi_modal_projector", "lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
        {"lora_dropout": 0.5, "init_lora_weights": "gaussian"},
    ],
)
def test_what_a_lora_may_have_besides_its_matrices_is_merged_too(
    config: dict[str, object], base: Llava, base_folder: Path, folder: Path
) -> None:
    expected = trained(base_folder, folder, **config)
    assert_same_answers(merge_adapter(base, folder), expected, base_folder)


@pytest.mark.parametrize("names", [SAME, ORIGINAL, EARLIER])
def test_modules_with_ranks_and_scales_of_their_own_keep_them(
    names: Mapping[str, str], base: Llava, base_folder: Path, folder: Path
) -> None:
    one, other = "model.language_model.layers.0.self_attn.q_proj", "layers.1.mlp.up_proj"
    expected = trained(
        base_folder, folder, rank_pattern={one: 2}, alpha_pattern={other: 64, one: 8}
    )
    rename(folder, names)
    old = renamed(one, names).removeprefix("base_model.model.")
    edit(folder, rank_pattern={old: 2}, alpha_pattern={other: 64, old: 8})

    assert_same_answers(merge_adapter(base, folder), expected, base_folder)


@pytest.mark.parametrize("file", ["non_lora_trainables", "mm_projector"])
def test_modules_trained_whole_by_the_original_code_are_put_in(
    file: str, base: Llava, base_folder: Path, folder: Path
) -> None:
    expected = trained(base_folder, folder, modules_to_save=["multi_modal_projector"])
    tensors = load_file(folder / "adapter_model.safetensors")
    projector = {name: tensor for name, tensor in tensors.items() if "multi_modal" in name}
    save_file(
        {n: t for n, t in tensors.items() if n not in projector},
        folder / "adapter_model.safetensors",
    )
    save_file(
        {renamed(n, ORIGINAL): t for n, t in projector.items()}, folder / f"{file}.safetensors"
    )
    edit(folder, modules_to_save=None)
    rename(folder, ORIGINAL)

    assert len(projector) == 4
    assert_same_answers(merge_adapter(base, folder), expected, base_folder)
    assert [each.name for each in adapter_files(folder)] == [
        "adapter_config.json",
        "adapter_model.safetensors",
        f"{file}.safetensors",
    ]


def test_a_vocabulary_without_the_image_token_leaves_the_bases_rows(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    image, table = base.config.image_token_id, base.state_dict()["lm_head.weight"]
    before = table.clone()
    whole = {"base_model.model.lm_head.weight": torch.full((image, table.shape[1]), 0.5)}
    save_file(whole, folder / "non_lora_trainables.safetensors")

    merge_adapter(base, folder)

    assert table[:image].eq(0.5).all()
    assert torch.equal(table[image:], before[image:])


def test_a_merged_model_has_the_modules_and_numbers_of_its_base(
    base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    base = load(base_folder, torch.bfloat16)
    kinds = {name: type(module) for name, module in base.named_modules()}

    merged = merge_adapter(base, folder)

    assert {name: type(module) for name, module in merged.named_modules()} == kinds
    assert {parameter.dtype for parameter in merged.parameters()} == {torch.bfloat16}


def refusal(base: Llava, folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        merge_adapter(base, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_that_peft_would_ignore_are_named(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    rename(folder, {"model.language_model.layers.1.": "model.text.layers.1."})
    edit(folder, base_model_name_or_path="someone/else")
    said = refusal(base, folder)
    assert "6 weights that fit no module of the base model (model.text.layers.1.mlp.up_proj" in said
    assert "and 3 more" in said
    assert "it says someone/else" in said
    assert "--vsc-param base=PATH_OR_ID" in said


def test_an_adapter_of_another_size_is_refused(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    file = folder / "adapter_model.safetensors"
    tensors = {name: tensor.repeat(2, 2) for name, tensor in load_file(file).items()}
    save_file(tensors, file)
    assert "trained on a base model of other sizes" in refusal(base, folder)


def test_a_whole_module_of_another_size_is_refused(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    wide = {"base_model.model.model.mm_projector.0.bias": torch.zeros(99)}
    save_file(wide, folder / "non_lora_trainables.safetensors")
    said = refusal(base, folder)
    assert "model.multi_modal_projector.linear_1.bias ([99], not [64])" in said


def test_half_a_pair_of_matrices_is_refused(base: Llava, base_folder: Path, folder: Path) -> None:
    trained(base_folder, folder)
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    lost = next(name for name in tensors if "lora_B" in name)
    save_file({name: tensor for name, tensor in tensors.items() if name != lost}, file)
    said = refusal(base, folder)
    assert "lacks a part of its own LoRA matrices" in said
    assert lost.removesuffix(".weight") in said


def test_an_empty_adapter_is_refused(base: Llava, base_folder: Path, folder: Path) -> None:
    trained(base_folder, folder)
    save_file({}, folder / "adapter_model.safetensors")
    assert "without a single weight" in refusal(base, folder)


def test_a_base_spread_beyond_its_device_is_refused_instead_of_left_as_it_was(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    torch.nn.Module.to(base, "meta")
    assert "does not fit into the memory of the device" in refusal(base, folder)


@pytest.mark.parametrize("settings", [{"peft_type": "PREFIX_TUNING"}, {"peft_type": None}])
def test_only_lora_is_merged(
    settings: dict[str, object], base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    edit(folder, **settings)
    assert "only LoRA adapters (LORA) are merged" in refusal(base, folder)


@pytest.mark.parametrize(
    "settings", [{"layer_replication": [[0, 2], [1, 2]]}, {"trainable_token_indices": [1, 2]}]
)
def test_a_lora_that_changes_more_than_weights_is_refused(
    settings: dict[str, object], base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    edit(folder, **settings)
    assert next(iter(settings)) in refusal(base, folder)


def test_a_config_that_peft_cannot_read_is_refused(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    edit(folder, use_dora=True, megatron_config={"a": 1})
    assert "cannot be read by the installed peft" in refusal(base, folder)


def test_without_peft_one_line_says_what_to_install(
    base: Llava, base_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(base_folder, folder)
    # As where the package is not installed: Python's own way to say so.
    monkeypatch.setitem(sys.modules, "peft", None)
    assert "pip install peft" in refusal(base, folder)


@pytest.mark.parametrize("stem", ["non_lora_trainables", "mm_projector"])
def test_pickles_beside_an_adapter_are_refused(
    stem: str, base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    torch.save({}, folder / f"{stem}.bin")
    assert f"pickles ({stem}.bin), which can run code" in refusal(base, folder)


def test_pickles_are_refused_with_a_command_that_converts_them(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    expected = trained(base_folder, folder)
    written = folder / "adapter_model.safetensors"
    torch.save(load_file(written), folder / "adapter_model.bin")
    written.unlink()
    norm = base.state_dict()["model.language_model.norm.weight"].clone()
    torch.save({"base_model.model.model.norm.weight": norm}, folder / "mm_projector.bin")

    said = refusal(base, folder)
    assert "pickles (adapter_model.bin, mm_projector.bin), which can run code" in said
    command = shlex.split(said.partition("convert them once to safetensors with: ")[2])
    subprocess.run([sys.executable, *command[1:]], check=True)

    assert_same_answers(merge_adapter(base, folder), expected, base_folder)


def test_an_adapter_whose_weights_are_not_there_is_refused(
    base: Llava, base_folder: Path, folder: Path
) -> None:
    trained(base_folder, folder)
    (folder / "adapter_model.safetensors").unlink()
    assert "no adapter_model.safetensors" in refusal(base, folder)


@pytest.mark.parametrize(
    ("named", "base"),
    [
        ("Qwen/Qwen2-VL-7B-Instruct", "Qwen/Qwen2-VL-7B-Instruct"),
        ("liuhaotian/llava-v1.5-7b", "llava-hf/llava-1.5-7b-hf"),
        ("liuhaotian/llava-v1.5-13b/", "llava-hf/llava-1.5-13b-hf"),
    ],
)
def test_an_adapter_names_its_base(named: str, base: str, tmp_path: Path) -> None:
    config = {"base_model_name_or_path": named}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    assert is_adapter(tmp_path)
    assert base_of_adapter(tmp_path) == base


@pytest.mark.parametrize("config", ["{}", '{"base_model_name_or_path": null}', "[]", "{"])
def test_an_adapter_without_a_base_asks_for_one(config: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(config, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape("--vsc-param base=PATH_OR_ID")):
        base_of_adapter(tmp_path)


def test_a_full_checkpoint_is_no_adapter(base_folder: Path) -> None:
    assert not is_adapter(base_folder)
