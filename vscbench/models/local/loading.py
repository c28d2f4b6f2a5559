"""From a checkpoint to a model that is ready to generate."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.local.adapters import merge_adapter
from vscbench.models.local.checkpoint import Checkpoint, Sight
from vscbench.models.local.failures import not_loaded
from vscbench.models.local.internals import attention_of, parts_beside_the_device
from vscbench.models.local.memory import free_bytes_of_machine
from vscbench.models.local.original_llava import overlay_original_llava
from vscbench.models.local.parameters import LocalParameters
from vscbench.visible import one_line

SHOWN_WEIGHTS = 3
# The driver of NVIDIA's GPUs on Linux lists them here.
NVIDIA_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and in which numbers a model computes, as torch names them.

    ``notes`` say where that is not the best that the machine seems to have.
    """

    device: str
    dtype: str
    attn_implementation: str | None
    notes: tuple[str, ...] = ()


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
    notes = []
    if parameters.device is None and kind == "cpu" and has_nvidia_gpu():
        notes.append(
            f"computed on the CPU, though this machine has a GPU: torch {torch.__version__} cannot "
            "use it (https://pytorch.org/get-started/locally/ names the build that can)"
        )
    if parameters.dtype is None and kind in {"cuda", "auto"} and dtype == "float16":
        notes.append("computed in float16: this GPU has no bfloat16, whose range is wider")
    return Machine(device, dtype, parameters.attn_implementation, tuple(notes))


def has_nvidia_gpu() -> bool:
    """Whether the machine's own programs know of a GPU, whatever torch can use."""
    return NVIDIA_DRIVER.is_dir() or shutil.which("nvidia-smi") is not None


def slower_than_thought(model: Any, machine: Machine) -> tuple[str, ...]:  # noqa: ANN401 - as below
    """Say what of a loaded model computes slower than its device would: in words for a person."""
    notes = []
    if beside := parts_beside_the_device(model):
        notes.append(
            f"part of the weights lies on the {' and '.join(sorted(beside))}, since they do not "
            "fit into GPU memory: far slower than a server over several GPUs (--model=vllm:...)"
        )
    attention = attention_of(model)
    if machine.attn_implementation is None and attention == "eager":
        notes.append(
            "attention is computed step by step (eager): this architecture has no faster one in "
            "transformers"
        )
    return tuple(notes)


def load_model(checkpoint: Checkpoint, parameters: LocalParameters, machine: Machine) -> Any:  # noqa: ANN401 - any of transformers' models
    """Load the weights, all of them, from safetensors or GGUF and nothing else.

    Raises:
        UsageError: weights are missing, do not fit the configuration, or do not fit in memory.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    _require_room(checkpoint, machine)
    sees = checkpoint.sight is Sight.IMAGES
    loader = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    try:
        with checkpoint.loadable() as named:
            model, report = loader.from_pretrained(
                **named,
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
        raise UsageError(not_loaded(checkpoint, "weights", error)) from None
    _require_all_weights(checkpoint, report)
    if checkpoint.overlay is not None:
        overlay_original_llava(model, checkpoint.overlay)
    if checkpoint.adapter is not None:
        model = merge_adapter(model, checkpoint.adapter)
    return model.eval()


def _require_room(checkpoint: Checkpoint, machine: Machine) -> None:
    """Check that the weights fit into the memory of the machine, where they are to lie there.

    A GPU says so by itself; a machine ends some process, or everything stands still.
    """
    import torch

    needed = checkpoint.parameters * getattr(torch, machine.dtype).itemsize
    free = free_bytes_of_machine()
    if machine.device == "cpu" and needed > free:
        raise UsageError(
            f"--model=local:{checkpoint.source}: its weights take {needed / 1e9:.1f} GB in "
            f"{machine.dtype}, and this machine has {free / 1e9:.1f} GB free; take smaller numbers "
            "(--vsc-param dtype=bfloat16), a smaller model, or a machine with a GPU"
        )


def load_config(checkpoint: Checkpoint, parameters: LocalParameters) -> Any:  # noqa: ANN401 - any of transformers' configurations
    """Load a checkpoint's configuration, with what transformers adds to it.

    Raises:
        UsageError: it does not hold together.
    """
    from transformers import AutoConfig

    try:
        with checkpoint.loadable() as named:
            return AutoConfig.from_pretrained(
                **named,
                trust_remote_code=parameters.trust_remote_code,
                local_files_only=True,
            )
    except Exception as error:  # its checks raise classes of their own
        what = "header" if checkpoint.gguf else "config.json"
        raise UsageError(not_loaded(checkpoint, what, error)) from None


def generation_defaults(model: Any) -> GenerationDefaults:  # noqa: ANN401 - any of transformers'
    """Return what the checkpoint says of generation, as far as it is kept to."""
    config = model.generation_config
    ends = config.eos_token_id
    if ends is None:
        ends = model.config.get_text_config(decoder=True).eos_token_id
    listed = ends if isinstance(ends, list | tuple) else [] if ends is None else [ends]
    return GenerationDefaults(frozenset(map(int, listed)), config.repetition_penalty)


def keep_only_marks(model: Any) -> None:  # noqa: ANN401 - any of transformers' models
    """Leave of a checkpoint's generation settings only which tokens begin, end and pad.

    ``generate`` would follow all others, beside what is said here of how tokens are chosen.
    """
    from transformers import GenerationConfig

    config = model.generation_config
    model.generation_config = GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        decoder_start_token_id=config.decoder_start_token_id,
    )


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _best_dtype(kind: str) -> str:
    import torch

    if kind in {"cuda", "auto"} and torch.cuda.is_available():
        real = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if real else "float16"
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


def _too_large(checkpoint: Checkpoint, machine: Machine) -> str:
    return (
        f"--model=local:{checkpoint.source}: its weights do not fit into the memory of "
        f"{machine.device}; if another local model is at work there, bound it (batch_tokens=N); "
        "else spread them with --vsc-param device=auto, or serve it over several GPUs: "
        f"--model=vllm:{checkpoint.source} --vsc-param serve.tensor_parallel_size=N"
    )
