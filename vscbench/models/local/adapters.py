"""PEFT LoRA adapters, merged into their base model so that generation costs nothing more."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vscbench.errors import UsageError
from vscbench.models.local.internals import pattern_key
from vscbench.models.local.original_llava import (
    copy_rows,
    image_row,
    misfit,
    require_at_hand,
    transformers_names,
)
from vscbench.models.local.tensor_files import (
    conversion_command,
    json_object,
    named,
    open_tensors,
)
from vscbench.visible import one_line

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig
    from transformers import PreTrainedModel

Model = TypeVar("Model", bound="PreTrainedModel")

_CONFIG: Final = "adapter_config.json"
_ADAPTER: Final = "adapter_model"
# What the original LLaVA code and its kin write beside an adapter: modules that were trained whole.
# https://github.com/haotian-liu/LLaVA/blob/main/llava/train/train.py
_BESIDE: Final = ("non_lora_trainables", "mm_projector")
_LONGEST_REASON: Final = 200
_PREFIX: Final = "base_model.model."
_LORA: Final = re.compile(r"(?P<module>.+?)\.(?P<part>lora_[A-Za-z_]+)(\.default)?(?P<rest>\..+)?")
# Levels that PEFT puts between a module and its own weight.
_WRAPPED: Final = re.compile(r"\.(base_layer|modules_to_save(\.default)?)(?=\.)")

# Adapters outlive the names of the modules they were trained on: transformers moved those of LLaVA
# and its kin in 4.52 and again within 5.
# https://github.com/huggingface/transformers/blob/main/src/transformers/conversion_mapping.py
_EARLIER: Final[tuple[tuple[str, str], ...]] = (
    ("language_model.model.", "model.language_model."),
    ("language_model.lm_head", "lm_head"),
    ("vision_tower.vision_model.", "model.vision_tower."),
    ("vision_tower.", "model.vision_tower."),
    ("multi_modal_projector.", "model.multi_modal_projector."),
    ("model.vision_tower.vision_model.", "model.vision_tower."),
    ("", "model."),
)

# Hub ids in the original layout that adapters name as their base, and the same weights in
# transformers' (https://huggingface.co/llava-hf).
_SAME_WEIGHTS: Final = {
    "liuhaotian/llava-v1.5-7b": "llava-hf/llava-1.5-7b-hf",
    "liuhaotian/llava-v1.5-13b": "llava-hf/llava-1.5-13b-hf",
}


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a PEFT adapter, which needs a base model to be of use."""
    return (folder / _CONFIG).is_file()


def base_of_adapter(folder: Path) -> str:
    """Return the hub id or path of the base model that an adapter names.

    For LLaVA-1.5 in its original layout that is the hub id of the same weights in transformers'.

    Raises:
        UsageError: it names none.
    """
    base = json_object(folder / _CONFIG).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise UsageError(
            f"{folder / _CONFIG} names no base model (base_model_name_or_path): name the one it "
            "was trained on, --vsc-param base=PATH_OR_ID"
        )
    return _SAME_WEIGHTS.get(base.rstrip("/"), base)


def adapter_files(folder: Path) -> tuple[Path, ...]:
    """List the files of an adapter that a merged model depends on.

    Raises:
        UsageError: its weights, or those of whole modules beside it, are pickles or are not there.
    """
    found = [folder / f"{stem}.safetensors" for stem in (_ADAPTER, *_BESIDE)]
    pickled = [
        file.with_suffix(".bin")
        for file in found
        if file.with_suffix(".bin").is_file() and not file.is_file()
    ]
    if pickled:
        raise UsageError(
            f"{folder} has weights as pickles ({named(file.name for file in pickled)}), which can "
            "run code when they are opened; convert them once to safetensors with: "
            + conversion_command(pickled)
        )
    if not found[0].is_file():
        raise UsageError(
            f"{folder} has an {_CONFIG} but no {found[0].name}: the adapter's weights are missing, "
            "or are published as pickles only, which are not read"
        )
    return (folder / _CONFIG, *(file for file in found if file.is_file()))


def merge_adapter(model: Model, folder: Path) -> Model:
    """Add a LoRA adapter to a base model's weights, and put in the modules it has whole.

    Names of the original LLaVA layout and of earlier versions of transformers are found too. The
    result has the modules, dtype and device of the base, so it generates at the base's speed.

    Args:
        model: the base; changed in place.
        folder: the adapter: ``adapter_config.json`` and safetensors.

    Returns:
        The base model with the adapter in its weights.

    Raises:
        UsageError: the ``peft`` package is missing, the adapter is no LoRA, is pickled or cut
            short, or has a weight that fits no module of the base; or the base is spread beyond
            the memory of its device.
    """
    config = _lora_config(folder)
    require_at_hand(model, folder)
    tensors = dict(_tensors(folder))
    lora = _placed_lora(model, tensors)
    whole = _placed_whole(folder, model, tensors)
    unplaced = tensors.keys() - lora.keys() - whole.keys()
    if unplaced or not tensors:
        raise UsageError(_fits_nowhere(folder, unplaced))
    kept_row = image_row(model)
    for name, parameter in whole.items():
        copy_rows(parameter, tensors[name], kept_row)
    if lora:
        _merge_lora(model, folder, config, lora, tensors)
    return model


def _lora_config(folder: Path) -> "LoraConfig":
    """Read how an adapter was made.

    Raises:
        UsageError: ``peft`` is missing, or the adapter is none that can be merged.
    """
    kind = json_object(folder / _CONFIG).get("peft_type")
    if kind != "LORA":
        raise UsageError(
            f"{folder / _CONFIG} has the peft_type {kind}: only LoRA adapters (LORA) are merged"
        )
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise UsageError(
            f"{folder} is an adapter, and merging it needs the package peft: pip install peft"
        ) from error
    try:
        config: LoraConfig = LoraConfig.from_pretrained(str(folder))
    except (TypeError, ValueError, KeyError) as error:
        message = f"{folder / _CONFIG} cannot be read by the installed peft ({error})"
        raise UsageError(message) from error
    if config.layer_replication or config.trainable_token_indices or config.target_parameters:
        raise UsageError(
            f"{folder / _CONFIG} uses layer_replication, trainable_token_indices or "
            "target_parameters, which are not merged here: merge it with peft, and test the result"
        )
    return config


def _tensors(folder: Path) -> "Iterator[tuple[str, torch.Tensor]]":
    """Read every tensor of an adapter, under its name in the model it was trained on."""
    for file in adapter_files(folder)[1:]:
        with open_tensors(file) as opened:
            for name in opened.keys():  # noqa: SIM118 - no mapping
                yield name.removeprefix(_PREFIX), opened.get_tensor(name)


def _candidates(name: str) -> Iterator[str]:
    """Yield the names that a module or weight may have in transformers' layout now; best first."""
    yield name
    yield from transformers_names(name)
    for earlier, now in _EARLIER:
        if name.startswith(earlier):
            yield now + name.removeprefix(earlier)


def _placed_lora(model: "PreTrainedModel", names: Iterable[str]) -> dict[str, str]:
    """Find the module of the base for every LoRA matrix: its name there, by its own name."""
    modules = {name for name, _ in model.named_modules()}
    placed = {}
    for name in names:
        for candidate in map(_LORA.fullmatch, _candidates(name)):
            if candidate is not None and candidate["module"] in modules:
                placed[name] = f"{candidate['module']}.{candidate['part']}{candidate['rest'] or ''}"
                break
    return placed


def _placed_whole(
    folder: Path, model: "PreTrainedModel", tensors: "Mapping[str, torch.Tensor]"
) -> "dict[str, torch.nn.Parameter]":
    """Find the parameter of the base for every weight that an adapter has whole."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    placed = {}
    for name, tensor in tensors.items():
        target = next(
            (each for each in _candidates(_WRAPPED.sub("", name)) if each in parameters), None
        )
        if target is None:
            continue
        reason = misfit(target, parameters[target], tensor.shape)
        if reason is not None:
            raise UsageError(_other_sizes(folder, reason))
        placed[name] = parameters[target]
    return placed


def _merge_lora(
    model: "PreTrainedModel",
    folder: Path,
    config: "LoraConfig",
    placed: Mapping[str, str],
    tensors: "Mapping[str, torch.Tensor]",
) -> None:
    """Add the product of each pair of LoRA matrices to the weight that it belongs to."""
    from peft import PeftModel, set_peft_model_state_dict

    _aim(config, {_module(old): _module(new) for old, new in placed.items()})
    try:
        wrapped = PeftModel(model, config)
        result: Any = set_peft_model_state_dict(
            wrapped, {_PREFIX + new: tensors[old] for old, new in placed.items()}
        )
        missing = [name for name in result.missing_keys if ".lora_" in name]
        if missing or result.unexpected_keys:
            raise UsageError(
                f"{folder} lacks a part of its own LoRA matrices, or has one too many: "
                f"{named(missing or result.unexpected_keys)}; download it again"
            )
        wrapped.merge_and_unload(safe_merge=True)
    except (RuntimeError, ValueError) as error:
        raise UsageError(_other_sizes(folder, one_line(str(error), _LONGEST_REASON))) from error


def _aim(config: "LoraConfig", modules: Mapping[str, str]) -> None:
    """Point an adapter's config at exactly the modules that it has matrices for.

    By itself PEFT takes every module with the right ending, those of the vision tower too. What it
    keeps whole has been put in already.
    """
    for pattern in ("rank_pattern", "alpha_pattern"):
        values = getattr(config, pattern) or {}
        keys = {new: pattern_key(list(values), old) for old, new in modules.items()}
        now = {re.escape(new): values[key] for new, key in keys.items() if key in values}
        setattr(config, pattern, now)
    config.target_modules = sorted(set(modules.values()))
    config.exclude_modules = config.modules_to_save = None
    config.layers_to_transform = config.layers_pattern = None


def _module(name: str) -> str:
    return name.partition(".lora_")[0]


def _fits_nowhere(folder: Path, unplaced: Collection[str]) -> str:
    if not unplaced:
        return f"{folder} is an adapter without a single weight: download it again"
    trained_on = json_object(folder / _CONFIG).get("base_model_name_or_path")
    return (
        f"{folder} has {len(unplaced)} weights that fit no module of the base model "
        f"({named(unplaced)}): name the base it was trained on (it says {trained_on}), "
        "--vsc-param base=PATH_OR_ID"
    )


def _other_sizes(folder: Path, reason: str) -> str:
    return (
        f"{folder} was trained on a base model of other sizes ({reason}): name that one, "
        "--vsc-param base=PATH_OR_ID"
    )
