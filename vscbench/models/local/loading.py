"""From a checkpoint to a model that is ready to generate, and the processor that feeds it."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.local.adapters import merge_adapter
from vscbench.models.local.checkpoint import Checkpoint, Sight
from vscbench.models.local.original_llava import overlay_original_llava
from vscbench.models.local.parameters import LocalParameters
from vscbench.visible import one_line

SHOWN_WEIGHTS = 3
LONGEST_REASON = 300
# As an error spells them, and as pip does. Sentencepiece is not among them: transformers names it
# whenever it finds no tokenizer at all.
LIBRARIES = {
    "torchvision": "torchvision",
    "num2words": "num2words",
    "tiktoken": "tiktoken",
    "protobuf": "protobuf",
    "mistral_common": "mistral-common",
    "einops": "einops",
    "pillow": "Pillow",
}
SENTENCEPIECE = "*.model"
TOKENIZERS = ("tokenizer.json", SENTENCEPIECE, "vocab.*", "*.tiktoken")
# torch and torchvision are built for each other; transformers imports the second where it is there.
BROKEN_BUILD = "torchvision::"
OTHER_BUILD = (
    ": the installed torchvision is of another build than torch; install the one that fits it, or "
    "none"
)
PROCESSORS = ("processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and in which numbers a model computes, as torch names them."""

    device: str
    dtype: str
    attn_implementation: str | None


@dataclass(frozen=True, slots=True)
class GenerationDefaults:
    """The tokens that end an answer, and the penalty for repetition, where there is one."""

    ends: frozenset[int]
    repetition_penalty: float | None


def choose_machine(parameters: LocalParameters) -> Machine:
    """Choose what the machine is best at, where the person has not.

    bfloat16 on a GPU that has it, else float16; float32 on a CPU, where the narrow types are slow.

    Raises:
        UsageError: torch knows no such device here.
    """
    import torch

    device = parameters.device or _best_device()
    kind = device.partition(":")[0]
    try:
        torch.zeros(1, device=device if kind != "auto" else "cpu").item()
    except Exception as error:  # each backend raises what it likes
        raise UsageError(
            f"--vsc-param device={device}: torch {torch.__version__} cannot compute on it here "
            f"({one_line(str(error), 120)}); leave it out, and {_best_device()} is used"
        ) from None
    dtype = parameters.dtype or _best_dtype(kind)
    return Machine(device, dtype, parameters.attn_implementation)


def load_processor(
    checkpoint: Checkpoint, parameters: LocalParameters, needs: tuple[str, ...]
) -> Any:  # noqa: ANN401 - transformers' processors share no type
    """Load what turns text and images into tensors: a processor, or a tokenizer for a text model.

    Raises:
        UsageError: it lacks a package, or the checkpoint has none.
    """
    sees = checkpoint.sight is Sight.IMAGES
    if sees and not any((checkpoint.folder / name).is_file() for name in PROCESSORS):
        raise UsageError(_no_image_processor(checkpoint))
    try:
        # Fails where a package that it needs is there, but broken.
        from transformers import AutoProcessor, AutoTokenizer

        loader = AutoProcessor if sees else AutoTokenizer
        loaded = loader.from_pretrained(
            checkpoint.folder,
            trust_remote_code=parameters.trust_remote_code,
            local_files_only=True,
            **parameters.processor,
        )
    except Exception as error:  # tokenizers raise a bare Exception
        raise UsageError(_why_no_processor(checkpoint, error, needs)) from None
    if sees and not hasattr(loaded, "image_processor"):
        raise UsageError(_no_image_processor(checkpoint))
    return loaded


def load_model(checkpoint: Checkpoint, parameters: LocalParameters, machine: Machine) -> Any:  # noqa: ANN401 - any of transformers' models
    """Load the weights, all of them, and nothing but safetensors.

    Raises:
        UsageError: weights are missing, do not fit the configuration, or do not fit in memory.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    sees = checkpoint.sight is Sight.IMAGES
    loader = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    try:
        model, report = loader.from_pretrained(
            checkpoint.folder,
            dtype=getattr(torch, machine.dtype),
            device_map=machine.device if machine.device == "auto" else {"": machine.device},
            attn_implementation=machine.attn_implementation,
            use_safetensors=True,
            trust_remote_code=parameters.trust_remote_code,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # named and refused below
        )
    except torch.OutOfMemoryError:
        raise UsageError(_too_large(checkpoint, machine)) from None
    except Exception as error:  # what is in a checkpoint's files can fail in any way
        raise UsageError(_not_loaded(checkpoint, "weights", error)) from None
    _require_all_weights(checkpoint, report)
    if checkpoint.overlay is not None:
        overlay_original_llava(model, checkpoint.overlay)
    if checkpoint.adapter is not None:
        model = merge_adapter(model, checkpoint.adapter)
    return model.eval()


def load_config(checkpoint: Checkpoint, parameters: LocalParameters) -> Any:  # noqa: ANN401 - any of transformers' configurations
    """Load a checkpoint's configuration, with what transformers adds to it.

    Raises:
        UsageError: it does not hold together.
    """
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(
            checkpoint.folder,
            trust_remote_code=parameters.trust_remote_code,
            local_files_only=True,
        )
    except Exception as error:  # its checks raise classes of their own
        raise UsageError(_not_loaded(checkpoint, "config.json", error)) from None


def generation_defaults(model: Any) -> GenerationDefaults:  # noqa: ANN401 - any of transformers'
    """Return what the checkpoint says of generation, as far as it is kept to."""
    config = model.generation_config
    ends = config.eos_token_id
    if ends is None:
        ends = model.config.get_text_config(decoder=True).eos_token_id
    listed = ends if isinstance(ends, list | tuple) else [] if ends is None else [ends]
    return GenerationDefaults(frozenset(map(int, listed)), config.repetition_penalty)


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _best_dtype(kind: str) -> str:
    import torch

    if kind in {"cuda", "auto"} and torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    return "float16" if kind == "mps" else "float32"


def _require_all_weights(checkpoint: Checkpoint, report: Mapping[str, Any]) -> None:
    """Refuse what transformers only warns of: weights it has made up by chance."""
    misshapen = sorted(str(each[0]) for each in report.get("mismatched_keys") or ())
    made_up = sorted(map(str, report.get("missing_keys") or ()))
    wrong = misshapen or made_up
    if wrong:
        what = "do not have the shapes of its config.json in" if misshapen else "lack"
        shown = ", ".join(wrong[:SHOWN_WEIGHTS])
        more = f" and {len(wrong) - SHOWN_WEIGHTS} more" if len(wrong) > SHOWN_WEIGHTS else ""
        raise UsageError(
            f"--model=local:{checkpoint.source}: its weights {what} {shown}{more}; they would be "
            "random, and so would every number of the run. Fetch or convert the checkpoint again"
        )


def _why_no_processor(checkpoint: Checkpoint, error: Exception, needs: Sequence[str]) -> str:
    missing = _missing_packages(checkpoint, error, needs)
    if missing:
        return _not_installed(checkpoint.source, missing)
    if not any(any(checkpoint.folder.glob(name)) for name in TOKENIZERS):
        return (
            f"--model=local:{checkpoint.source}: {checkpoint.folder} has no tokenizer that "
            "transformers can read (tokenizer.json); fetch the checkpoint again"
        )
    return _not_loaded(checkpoint, "processor", error)


def _missing_packages(
    checkpoint: Checkpoint, error: Exception, needs: Sequence[str]
) -> Sequence[str]:
    """Name the packages that a processor lacks, whatever the words in which it asks for them."""
    folder = checkpoint.folder
    is_slow = not (folder / "tokenizer.json").is_file() and any(folder.glob(SENTENCEPIECE))
    words = str(error).lower()
    asks = isinstance(error, ImportError) or "install" in words
    named = [package for word, package in LIBRARIES.items() if asks and word in words]
    wanted = [*(["sentencepiece"] if is_slow else []), *named, *needs]
    return [each for each in dict.fromkeys(wanted) if not _is_installed(each)]


def _not_installed(source: str, missing: Sequence[str]) -> str:
    verb = "is" if len(missing) == 1 else "are"
    hint = " (a build that fits the installed torch)" if "torchvision" in missing else ""
    return (
        f"--model=local:{source}: its processor needs {' and '.join(missing)}, which {verb} not "
        f"installed here: pip install {' '.join(missing)}{hint}"
    )


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _first(error: BaseException) -> BaseException:
    """Return what an error goes back to."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _no_image_processor(checkpoint: Checkpoint) -> str:
    return (
        f"--model=local:{checkpoint.source}: {checkpoint.folder} has no image processor that "
        f"transformers knows ({' or '.join(PROCESSORS)}), so it cannot be given images; fetch the "
        "checkpoint again, or take the file from the model that it was made from"
    )


def _not_loaded(checkpoint: Checkpoint, what: str, error: BaseException) -> str:
    first = _first(error)
    reason = one_line(str(first), LONGEST_REASON)
    hint = OTHER_BUILD if BROKEN_BUILD in reason else ""
    return (
        f"--model=local:{checkpoint.source}: its {what} cannot be loaded "
        f"({type(first).__name__}: {reason}){hint}"
    )


def _too_large(checkpoint: Checkpoint, machine: Machine) -> str:
    return (
        f"--model=local:{checkpoint.source}: its weights do not fit into the memory of "
        f"{machine.device}; spread them with --vsc-param device=auto, or serve it over several "
        f"GPUs: --model=vllm:{checkpoint.source} --vsc-param serve.tensor_parallel_size=N"
    )
