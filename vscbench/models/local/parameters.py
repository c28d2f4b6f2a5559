"""The parameters of a local model, as ``--vsc-param`` gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vscbench.errors import UsageError
from vscbench.models.protocol import ParamValue

DTYPES = ("bfloat16", "float16", "float32")
PROCESSOR = "processor."
# Long enough for any refusal and for most answers; a longer one is judged by its beginning.
DEFAULT_MAX_TOKENS = 512
LEAST_TEMPERATURE = 0.01
NAMES = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "seed",
    "dtype",
    "device",
    "attn_implementation",
    "batch_tokens",
    "revision",
    "base",
    "adapter",
    "trust_remote_code",
)


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """How a local model is loaded and how it chooses tokens.

    ``temperature`` 0 is greedy. ``dtype``, ``device`` and ``attn_implementation`` are ``None``
    where the machine decides, ``batch_tokens`` where its memory does. ``repetition_penalty`` is
    ``None`` where the checkpoint says it. ``base`` is what an adapter, or a checkpoint in the
    original LLaVA layout, goes onto. ``processor`` is handed to the processor as it is.
    """

    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float | None = None
    seed: int = 0
    dtype: str | None = None
    device: str | None = None
    attn_implementation: str | None = None
    batch_tokens: int | None = None
    revision: str | None = None
    base: str | None = None
    adapter: str | None = None
    trust_remote_code: bool = False
    processor: Mapping[str, ParamValue] = field(default_factory=dict)


def read_local_parameters(params: Mapping[str, ParamValue]) -> LocalParameters:
    """Read and check the parameters of a local model.

    Raises:
        UsageError: a parameter is unknown, or its value will not do.
    """
    for name in params:
        if name not in NAMES and not name.startswith(PROCESSOR):
            known = ", ".join((*NAMES, f"{PROCESSOR}NAME"))
            raise UsageError(f"--vsc-param {name}: a local model knows only {known}")
    temperature = _number(params, "temperature", 0.0, 0.0)
    if 0 < temperature < LEAST_TEMPERATURE:
        raise UsageError(
            f"--vsc-param temperature={temperature}: 0 is greedy; to draw, take at least "
            f"{LEAST_TEMPERATURE}"
        )
    dtype = _text(params, "dtype")
    if dtype is not None and dtype not in DTYPES:
        raise UsageError(f"--vsc-param dtype={dtype}: one of {', '.join(DTYPES)} is needed")
    trust = params.get("trust_remote_code", False)
    if not isinstance(trust, bool):
        raise UsageError(f"--vsc-param trust_remote_code={trust}: true or false is needed")
    penalty = params.get("repetition_penalty")
    return LocalParameters(
        max_tokens=_whole(params, "max_tokens", DEFAULT_MAX_TOKENS, 1),
        temperature=temperature,
        top_p=_number(params, "top_p", 1.0, 1e-6, 1.0),
        top_k=_whole(params, "top_k", 0, 0),
        repetition_penalty=None
        if penalty is None
        else _number(params, "repetition_penalty", 1.0, 1e-3),
        seed=_whole(params, "seed", 0, 0),
        dtype=dtype,
        device=_text(params, "device"),
        attn_implementation=_text(params, "attn_implementation"),
        batch_tokens=None
        if params.get("batch_tokens") is None
        else _whole(params, "batch_tokens", 0, 1),
        revision=_text(params, "revision"),
        base=_text(params, "base"),
        adapter=_text(params, "adapter"),
        trust_remote_code=trust,
        processor={
            name.removeprefix(PROCESSOR): value
            for name, value in params.items()
            if name.startswith(PROCESSOR)
        },
    )


def _text(params: Mapping[str, ParamValue], name: str) -> str | None:
    value = params.get(name)
    return None if value is None else str(value)


def _whole(params: Mapping[str, ParamValue], name: str, default: int, low: int) -> int:
    value = params.get(name, default)
    if type(value) is not int or value < low:
        raise UsageError(f"--vsc-param {name}={value}: a whole number from {low} is needed")
    return value


def _number(
    params: Mapping[str, ParamValue],
    name: str,
    default: float,
    low: float,
    high: float = float("inf"),
) -> float:
    value = params.get(name, default)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not low <= value <= high
        or value == float("inf")
    ):
        bounds = f"from {low:g}" + (f" to {high:g}" if high < float("inf") else "")
        raise UsageError(f"--vsc-param {name}={value}: a number {bounds} is needed")
    return float(value)
