"""Checkpoints in the layout of the original LLaVA code, laid over a model in transformers' layout.

VLGuard and SPA-VL publish such checkpoints; transformers opens none of them by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vscbench.errors import UsageError
from vscbench.models.local.tensor_files import (
    json_object,
    named,
    names_without_torch,
    open_tensors,
    weight_files,
)

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# Where each part of an original checkpoint is found in transformers' layout; of several places the
# first that the model has (CLIP inside LLaVA lost its level "vision_model" within transformers 5).
# https://github.com/huggingface/transformers/blob/main/src/transformers/models/llava/convert_llava_weights_to_hf.py
_PARTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("model.mm_projector.0.", ("model.multi_modal_projector.linear_1.",)),
    ("model.mm_projector.2.", ("model.multi_modal_projector.linear_2.",)),
    (
        "model.vision_tower.vision_tower.vision_model.",
        ("model.vision_tower.", "model.vision_tower.vision_model."),
    ),
    ("model.image_newline", ("model.image_newline",)),
    ("model.layers.", ("model.language_model.layers.",)),
    ("model.embed_tokens.", ("model.language_model.embed_tokens.",)),
    ("model.norm.", ("model.language_model.norm.",)),
    ("lm_head.", ("lm_head.",)),
)
# Computed from the config, never learnt; older versions of transformers saved them all the same.
_NOT_LEARNT: Final = (".rotary_emb.inv_freq", ".position_ids")
_VISION: Final = "model.vision_tower."
_VOCABULARY: Final = ("embed_tokens.weight", "lm_head.weight")
_FEATURES: Final = {"patch": "default", "cls_patch": "full"}
_SAME_IN_BOTH: Final = ("hidden_act", "num_attention_heads", "num_key_value_heads", "rms_norm_eps")


class _Placed(NamedTuple):
    """One tensor of the checkpoint and the parameter of the model that it replaces."""

    file: Path
    name: str
    target: str


def is_original_llava(folder: Path) -> bool:
    """Whether a folder holds a full checkpoint in the layout of the original LLaVA code.

    The names of the weights decide; where none can be read, ``config.json`` does. Both layouts call
    themselves ``llava`` there, so transformers would open an original one with random weights.
    """
    if (folder / "adapter_config.json").exists():
        return False
    names = names_without_torch(folder)
    if names:
        return any(name.startswith("model.mm_projector") for name in names)
    return _says_original(json_object(folder / "config.json"))


def usual_base(folder: Path) -> str | None:
    """Name the hub id of LLaVA-1.5 in transformers' layout that fits the checkpoint, if one does.

    The original repository and these differ in layout and in the rows of the image token only.
    """
    config = json_object(folder / "config.json")
    if not str(config.get("mm_vision_tower")).endswith("clip-vit-large-patch14-336"):
        return None
    shape = (config.get("num_hidden_layers"), config.get("mm_projector_type"))
    sizes = {(32, "mlp2x_gelu"): "7b", (40, "mlp2x_gelu"): "13b"}
    llama = "LlavaLlamaForCausalLM" in (config.get("architectures") or ())
    return f"llava-hf/llava-1.5-{sizes[shape]}-hf" if llama and shape in sizes else None


def transformers_names(name: str) -> tuple[str, ...]:
    """Where a weight or module of the original layout may be in transformers'; best first.

    Nothing for a name that the original layout does not have.
    """
    for part, places in _PARTS:
        if name.startswith(part):
            return tuple(place + name.removeprefix(part) for place in places)
    return ()


def overlay_original_llava(model: "PreTrainedModel", folder: Path) -> None:
    """Put the weights of an original LLaVA checkpoint in the place of a base model's own.

    Embeddings and ``lm_head`` of the original have no row for the image token: the rows that it has
    are taken, the base keeps the others and always that of the image token. The vision tower is
    taken if the checkpoint has one. Weights are read tensor by tensor; the model keeps its dtype
    and its device.

    Args:
        model: LLaVA in transformers' layout, of the same shape; changed in place.
        folder: the checkpoint; only its safetensors files and ``config.json`` are read.

    Raises:
        UsageError: a weight of the checkpoint has no place in the model or another shape, a weight
            of the model is not in the checkpoint, both were made for other settings, there are no
            safetensors, or the model is spread beyond its device. The model is as it was.
    """
    files = weight_files(folder)
    require_at_hand(model, folder)
    _refuse_other_settings(folder, model.config)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    placed = [tensor for file in files for tensor in _places(file, parameters)]
    _refuse_gaps(folder, parameters, {tensor.target for tensor in placed})
    kept_row = image_row(model)
    for file in files:
        with open_tensors(file) as opened:
            for name, target in ((each.name, each.target) for each in placed if each.file == file):
                copy_rows(parameters[target], opened.get_tensor(name), kept_row)


def require_at_hand(model: "PreTrainedModel", folder: Path) -> None:
    """Check that weights can be changed: where some wait on a CPU or a disk, that would do nothing.

    Raises:
        UsageError: they are spread beyond the memory of the device.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        raise UsageError(
            f"{folder} changes the weights of its base model, which does not fit into the memory "
            "of the device here: take a narrower dtype or a larger device"
        )


def image_row(model: "PreTrainedModel") -> int | None:
    """The row of the embeddings that stands for an image, if the model has one."""
    for name in ("image_token_id", "image_token_index"):
        row = getattr(model.config, name, None)
        if isinstance(row, int):
            return row
    return None


def misfit(name: str, parameter: "torch.Tensor", shape: Iterable[int]) -> str | None:
    """Say why a tensor of this shape cannot replace a parameter; None where it can.

    Embeddings and ``lm_head`` may have fewer rows than the parameter.
    """
    theirs, ours = tuple(shape), tuple(parameter.shape)
    fewer_rows = name.endswith(_VOCABULARY) and theirs[1:] == ours[1:] and theirs[0] < ours[0]
    return None if theirs == ours or fewer_rows else f"{name} ({list(theirs)}, not {list(ours)})"


def copy_rows(parameter: "torch.Tensor", tensor: "torch.Tensor", kept_row: int | None) -> None:
    """Copy a tensor over a parameter; of a longer parameter the first rows, but ``kept_row``.

    Args:
        parameter: changed in place; keeps its dtype and device.
        tensor: of the same shape, or ``(rows, columns)`` with fewer rows.
        kept_row: the image token's row, which a vocabulary without one uses for something else.
    """
    import torch

    with torch.no_grad():
        if tensor.shape == parameter.shape:
            parameter.copy_(tensor)
            return
        rows = len(tensor)
        kept = kept_row if kept_row is not None and kept_row < rows else rows
        parameter[:kept].copy_(tensor[:kept])
        parameter[kept + 1 : rows].copy_(tensor[kept + 1 :])


def _places(file: Path, parameters: "Mapping[str, torch.Tensor]") -> Iterator[_Placed]:
    """Find the parameter for every tensor of a file that was learnt."""
    unknown, unfit = [], []
    with open_tensors(file) as opened:
        for name in opened.keys():  # noqa: SIM118 - no mapping
            if name.endswith(_NOT_LEARNT):
                continue
            target = next((each for each in transformers_names(name) if each in parameters), None)
            if target is None:
                unknown.append(name)
                continue
            reason = misfit(name, parameters[target], opened.get_slice(name).get_shape())
            unfit += [] if reason is None else [reason]
            yield _Placed(file, name, target)
    if unknown or unfit:
        what = "weights the base model has no place for" if unknown else "weights of other shapes"
        raise UsageError(
            f"{file} has {what}: {named(unknown or unfit)}; name the base model that it was made "
            "from, in transformers' layout"
        )


def _refuse_gaps(
    folder: Path, parameters: "Mapping[str, torch.Tensor]", replaced: set[str]
) -> None:
    """Refuse to mix: a weight of the base would stay where the checkpoint is to be measured."""
    done = {id(parameters[name]) for name in replaced}
    has_vision = any(name.startswith(_VISION) for name in replaced)
    left = [
        name
        for name, parameter in parameters.items()
        if id(parameter) not in done and (has_vision or not name.startswith(_VISION))
    ]
    if left:
        raise UsageError(
            f"{folder} lacks weights that the base model has: {named(left)}; the checkpoint is "
            "incomplete, or the base is of another size"
        )


def _refuse_other_settings(folder: Path, base: Any) -> None:  # noqa: ANN401 - any config class
    """Refuse settings that change every answer although all shapes fit."""
    config = json_object(folder / "config.json")
    if config.get("mm_use_im_start_end"):
        raise UsageError(
            f"{folder} was trained with tokens before and after the image (mm_use_im_start_end), "
            "which LLaVA in transformers does not put into a prompt; it cannot be used here"
        )
    text = base.get_text_config()
    ours = {name: getattr(text, name, None) for name in _SAME_IN_BOTH}
    ours["rope_theta"] = (getattr(text, "rope_parameters", None) or {}).get("rope_theta")
    ours["mm_vision_select_layer"] = getattr(base, "vision_feature_layer", None)
    ours["mm_vision_select_feature"] = getattr(base, "vision_feature_select_strategy", None)
    theirs = {name: _FEATURES.get(str(config.get(name)), config.get(name)) for name in ours}
    for name, value in theirs.items():
        if value is not None and ours[name] is not None and value != ours[name]:
            raise UsageError(
                f"{folder} was made with {name} {value}, and the base model with {ours[name]}: "
                "name the base model that it was made from"
            )


def _says_original(config: Mapping[str, Any]) -> bool:
    classes = [str(name) for name in config.get("architectures") or ()]
    if classes:
        return any(name.startswith("Llava") and name.endswith("ForCausalLM") for name in classes)
    return "mm_vision_tower" in config and "text_config" not in config
