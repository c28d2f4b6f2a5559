import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vscbench.errors import UsageError
from vscbench.models.local.original_llava import (
    copy_rows,
    is_original_llava,
    overlay_original_llava,
    usual_base,
)

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from PIL import Image
from safetensors.torch import save_file
from tiny_vlms import make_tiny
from transformers import LlavaForConditionalGeneration as Llava
from transformers import LlavaProcessor

# What the original code calls the parts of transformers' LLaVA, the longest name first.
ORIGINAL_NAMES = (
    ("model.multi_modal_projector.linear_1.", "model.mm_projector.0."),
    ("model.multi_modal_projector.linear_2.", "model.mm_projector.2."),
    ("model.vision_tower.vision_model.", "model.vision_tower.vision_tower.vision_model."),
    ("model.vision_tower.", "model.vision_tower.vision_tower.vision_model."),
    ("model.language_model.", "model."),
    ("lm_head.", "lm_head."),
)
# As the repositories of SPA-VL and VLGuard have it, with the sizes of the tiny model.
ORIGINAL_CONFIG = {
    "architectures": ["LlavaLlamaForCausalLM"],
    "model_type": "llava_llama",
    "hidden_act": "silu",
    "mm_projector_type": "mlp2x_gelu",
    "mm_use_im_start_end": False,
    "mm_vision_select_feature": "patch",
    "mm_vision_select_layer": -2,
    "mm_vision_tower": "openai/clip-vit-large-patch14-336",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 10000.0,
}
VISION = "model.vision_tower."
TABLES = ("model.language_model.embed_tokens.weight", "lm_head.weight")


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("llava", tmp_path_factory.mktemp("base"), seed=0)


@pytest.fixture
def base(base_folder: Path) -> Llava:
    """The model that a checkpoint goes over, with rows for the image that none other has."""
    model = load(base_folder)
    for name in TABLES:
        model.state_dict()[name][model.config.image_token_id] = 7.0
    return model


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Llava:
    """The model whose checkpoint is published in the original layout."""
    return load(make_tiny("llava", tmp_path_factory.mktemp("aligned"), seed=1))


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Llava:
    model: Llava = Llava.from_pretrained(folder, dtype=dtype)
    return model


def original_name(name: str) -> str:
    return next(old + name.removeprefix(new) for new, old in ORIGINAL_NAMES if name.startswith(new))


def original_weights(model: Llava) -> dict[str, torch.Tensor]:
    """The model's weights under their original names, with no row for the image token."""
    weights = {original_name(name): tensor.clone() for name, tensor in model.state_dict().items()}
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][: model.config.image_token_id].clone()
    return weights


def publish(folder: Path, weights: dict[str, torch.Tensor], **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(ORIGINAL_CONFIG | config), encoding="utf-8")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def publish_in_shards(folder: Path, weights: dict[str, torch.Tensor]) -> Path:
    publish(folder, {})
    (folder / "model.safetensors").unlink()
    files = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    where = {name: files[place % 2] for place, name in enumerate(sorted(weights))}
    for file in files:
        save_file({name: weights[name] for name in weights if where[name] == file}, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}), encoding="utf-8")
    return folder


def logits(model: Llava, base_folder: Path) -> torch.Tensor:
    """What a model says of a real prompt with a real image, but of the image token."""
    processor = LlavaProcessor.from_pretrained(base_folder)
    text = "USER: <image>\nthe picture shows a garden ASSISTANT:"
    image = Image.linear_gradient("L").convert("RGB").resize((28, 28))
    inputs = processor(images=image, text=text, return_tensors="pt")
    with torch.inference_mode():
        said: torch.Tensor = model(**inputs).logits
    return said[..., : model.config.image_token_id]


@pytest.mark.parametrize("write", [publish, publish_in_shards])
def test_an_original_checkpoint_answers_as_the_same_model_in_transformers_layout(
    write: Callable[..., Path], base: Llava, aligned: Llava, base_folder: Path, tmp_path: Path
) -> None:
    folder = write(tmp_path / "original", original_weights(aligned))
    assert not torch.allclose(logits(base, base_folder), logits(aligned, base_folder), atol=0.1)

    overlay_original_llava(base, folder)

    assert torch.equal(logits(base, base_folder), logits(aligned, base_folder))


def test_the_base_keeps_its_rows_for_the_image_token(
    base: Llava, aligned: Llava, tmp_path: Path
) -> None:
    overlay_original_llava(base, publish(tmp_path / "original", original_weights(aligned)))

    for name in TABLES:
        assert base.state_dict()[name][base.config.image_token_id].eq(7.0).all()


def test_a_row_that_a_longer_vocabulary_uses_otherwise_never_replaces_the_image_tokens_row() -> (
    None
):
    table, longer = torch.zeros(6, 2), torch.ones(4, 2)

    copy_rows(table, longer, kept_row=2)

    assert table[:, 0].tolist() == [1, 1, 0, 1, 0, 0]


def test_a_checkpoint_without_a_vision_tower_sees_with_that_of_the_base(
    base: Llava, aligned: Llava, base_folder: Path, tmp_path: Path
) -> None:
    weights = original_weights(aligned)
    blind = {name: weights[name] for name in weights if not name.startswith(VISION)}
    expected = load(base_folder)
    seen = {n: t for n, t in base.state_dict().items() if n.startswith(VISION)}
    expected.load_state_dict(aligned.state_dict() | seen)

    overlay_original_llava(base, publish(tmp_path / "original", blind))

    assert torch.equal(logits(base, base_folder), logits(expected, base_folder))


def test_what_was_never_learnt_is_left_out(base: Llava, aligned: Llava, tmp_path: Path) -> None:
    buffers = {
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8),
        "model.vision_tower.vision_tower.vision_model.embeddings.position_ids": torch.ones(1, 17),
    }
    overlay_original_llava(base, publish(tmp_path / "o", original_weights(aligned) | buffers))


def test_the_model_keeps_its_numbers_type_whatever_the_checkpoints(
    base_folder: Path, aligned: Llava, tmp_path: Path
) -> None:
    base = load(base_folder, torch.bfloat16)
    halves = {name: tensor.half() for name, tensor in original_weights(aligned).items()}

    overlay_original_llava(base, publish(tmp_path / "original", halves))

    norm = base.state_dict()["model.language_model.norm.weight"]
    assert {parameter.dtype for parameter in base.parameters()} == {torch.bfloat16}
    assert torch.equal(norm, halves["model.norm.weight"].bfloat16())


def refusal(base: Llava, folder: Path) -> str:
    """The words of the refusal, which is one line and leaves the model as it was."""
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    with pytest.raises(UsageError) as caught:
        overlay_original_llava(base, folder)
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_weight_without_a_place_is_named(base: Llava, aligned: Llava, tmp_path: Path) -> None:
    third = {"model.mm_projector.4.weight": torch.ones(2, 2)}
    said = refusal(base, publish(tmp_path / "original", original_weights(aligned) | third))
    assert "no place for: model.mm_projector.4.weight" in said
    assert "name the base model" in said


def test_a_weight_of_another_size_is_named(base: Llava, aligned: Llava, tmp_path: Path) -> None:
    weights = original_weights(aligned)
    weights["model.layers.1.mlp.up_proj.weight"] = torch.ones(100, 64)
    said = refusal(base, publish(tmp_path / "original", weights))
    assert ": model.layers.1.mlp.up_proj.weight ([100, 64], not [128, 64])" in said


@pytest.mark.parametrize(
    "lost",
    [
        "model.layers.1.mlp.up_proj.weight",
        "lm_head.weight",
        "model.vision_tower.vision_tower.vision_model.pre_layrnorm.bias",
    ],
)
def test_a_weight_that_the_checkpoint_lacks_is_named(
    lost: str, base: Llava, aligned: Llava, tmp_path: Path
) -> None:
    weights = original_weights(aligned)
    del weights[lost]
    said = refusal(base, publish(tmp_path / "original", weights))
    assert "lacks weights that the base model has" in said
    assert lost.rpartition("vision_model.")[2].removeprefix("model.") in said


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("rms_norm_eps", 1e-05),
        ("rope_theta", 500000.0),
        ("mm_vision_select_layer", -1),
        ("mm_vision_select_feature", "cls_patch"),
        ("num_attention_heads", 8),
    ],
)
def test_a_setting_that_changes_every_answer_is_compared_with_the_base(
    setting: str, value: object, base: Llava, aligned: Llava, tmp_path: Path
) -> None:
    folder = publish(tmp_path / "original", original_weights(aligned), **{setting: value})
    assert f"made with {setting} " in refusal(base, folder)


def test_tokens_around_the_image_are_refused(base: Llava, aligned: Llava, tmp_path: Path) -> None:
    folder = publish(tmp_path / "o", original_weights(aligned), mm_use_im_start_end=True)
    assert "tokens before and after the image" in refusal(base, folder)


def test_a_file_that_is_cut_short_or_missing_is_named(
    base: Llava, aligned: Llava, tmp_path: Path
) -> None:
    folder = publish_in_shards(tmp_path / "original", original_weights(aligned))
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    assert f"{shard} cannot be read as safetensors" in refusal(base, folder)
    shard.unlink()
    assert f"lists {shard.name}, which is not there" in refusal(base, folder)


def test_a_model_spread_beyond_its_device_is_refused_instead_of_left_as_it_was(
    base: Llava, aligned: Llava, tmp_path: Path
) -> None:
    folder = publish(tmp_path / "original", original_weights(aligned))
    torch.nn.Module.to(base, "meta")
    with pytest.raises(UsageError, match="does not fit into the memory of the device"):
        overlay_original_llava(base, folder)


def test_pickles_are_refused_with_a_command_that_converts_them(
    base: Llava, aligned: Llava, base_folder: Path, tmp_path: Path
) -> None:
    folder = publish(tmp_path / "an original", {})
    (folder / "model.safetensors").unlink()
    weights = original_weights(aligned)
    # Two names of one memory, and a transposed matrix: neither can be written as it is.
    weights["lm_head.weight"] = weights["lm_head.weight"].T.contiguous().T
    names = sorted(weights)
    for shard, part in enumerate((names[:9], names[9:]), start=1):
        file = folder / f"pytorch_model-0000{shard}-of-00002.bin"
        torch.save({name: weights[name] for name in part}, file)

    said = refusal(base, folder)
    assert "pickles only (pytorch_model-00001-of-00002.bin, " in said
    command = shlex.split(said.partition("convert the downloaded files once with: ")[2])
    subprocess.run([sys.executable, *command[1:]], check=True)

    overlay_original_llava(base, folder)
    assert torch.equal(logits(base, base_folder), logits(aligned, base_folder))


def test_pickles_that_stayed_on_the_hub_are_known_by_their_index(
    base: Llava, tmp_path: Path
) -> None:
    folder = publish(tmp_path / "original", {})
    (folder / "model.safetensors").unlink()
    shards = {"model.mm_projector.0.bias": "pytorch_model-00001-of-00002.bin"}
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": shards}), encoding="utf-8")
    assert is_original_llava(folder)
    said = refusal(base, folder)
    assert "pickles only (pytorch_model-00001-of-00002.bin)" in said
    assert "revision=refs/pr/1" in said


def test_a_folder_without_weights_is_refused(base: Llava, tmp_path: Path) -> None:
    assert "has no weights" in refusal(base, tmp_path)


def test_the_original_layout_is_known_by_the_names_of_its_weights(
    base_folder: Path, aligned: Llava, tmp_path: Path
) -> None:
    weights = original_weights(aligned)
    assert is_original_llava(publish(tmp_path / "one", weights))
    assert is_original_llava(publish_in_shards(tmp_path / "two", weights))
    assert is_original_llava(publish(tmp_path / "as-llava", weights, model_type="llava"))
    assert not is_original_llava(base_folder)


def test_weights_in_transformers_layout_are_so_whatever_their_config_says(
    base_folder: Path, tmp_path: Path
) -> None:
    folder = publish(tmp_path / "mixed", {})
    (folder / "model.safetensors").write_bytes((base_folder / "model.safetensors").read_bytes())
    assert not is_original_llava(folder)


@pytest.mark.parametrize(
    ("config", "original"),
    [
        (ORIGINAL_CONFIG, True),
        ({"model_type": "llava", "mm_vision_tower": "openai/clip"}, True),
        ({"architectures": ["LlavaForConditionalGeneration"], "mm_vision_tower": "clip"}, False),
        ({"architectures": ["LlamaForCausalLM"]}, False),
        ({}, False),
        ([], False),
    ],
)
def test_without_readable_names_the_config_tells_the_layout(
    config: object, original: bool, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert is_original_llava(tmp_path) is original


def test_an_adapter_trained_by_the_original_code_is_no_full_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(ORIGINAL_CONFIG), encoding="utf-8")
    (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
    assert not is_original_llava(tmp_path)


@pytest.mark.parametrize(("layers", "size"), [(32, "7b"), (40, "13b")])
def test_llava_1_5_has_a_usual_base(layers: int, size: str, tmp_path: Path) -> None:
    publish(tmp_path, {}, num_hidden_layers=layers)
    assert usual_base(tmp_path) == f"llava-hf/llava-1.5-{size}-hf"


@pytest.mark.parametrize(
    "config",
    [
        {"num_hidden_layers": 2},
        {"num_hidden_layers": 32, "architectures": ["LlavaMistralForCausalLM"]},
        {"num_hidden_layers": 32, "mm_vision_tower": "google/siglip-so400m-patch14-384"},
    ],
)
def test_other_originals_have_no_usual_base(config: dict[str, object], tmp_path: Path) -> None:
    publish(tmp_path, {}, **config)
    assert usual_base(tmp_path) is None
