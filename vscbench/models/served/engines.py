"""The servers that a run can start: how each is called, and what its options mean to a run."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vscbench.errors import UsageError

HOST = "127.0.0.1"
# litellm's way to any server of one's own that speaks OpenAI's protocol, SGLang's too: the only one
# that has a variable for its key (custom_openai sends OPENAI_API_KEY to it).
PROVIDER = "hosted_vllm"

# What says where and how fast, and no more; anything that is not listed may change an answer.
# https://docs.vllm.ai/en/latest/configuration/engine_args/
_VLLM_NEUTRAL = frozenset(
    {
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
        "data_parallel_size_local",
        "data_parallel_address",
        "data_parallel_rpc_port",
        "data_parallel_backend",
        "data_parallel_start_rank",
        "distributed_executor_backend",
        "nnodes",
        "node_rank",
        "master_addr",
        "master_port",
        "max_parallel_loading_workers",
        "gpu_memory_utilization",
        "kv_cache_memory_bytes",
        "num_gpu_blocks_override",
        "swap_space",
        "cpu_offload_gb",
        "max_num_seqs",
        "max_num_batched_tokens",
        "api_server_count",
        "download_dir",
        "use_tqdm_on_load",
        "enable_log_requests",
        "disable_log_requests",
        "disable_log_stats",
        "disable_uvicorn_access_log",
        "uvicorn_log_level",
        "max_log_len",
    }
)
# https://docs.sglang.io/advanced_features/server_arguments.html
_SGLANG_NEUTRAL = frozenset(
    {
        "tp",
        "tp_size",
        "tensor_parallel_size",
        "pp",
        "pp_size",
        "pipeline_parallel_size",
        "dp",
        "dp_size",
        "data_parallel_size",
        "load_balance_method",
        "dist_init_addr",
        "nnodes",
        "node_rank",
        "nccl_port",
        "dist_timeout",
        "base_gpu_id",
        "gpu_id_step",
        "enable_p2p_check",
        "mem_fraction_static",
        "max_running_requests",
        "max_queued_requests",
        "max_total_tokens",
        "max_prefill_tokens",
        "chunked_prefill_size",
        "schedule_policy",
        "schedule_conservativeness",
        "download_dir",
        "log_level",
        "log_level_http",
        "log_requests",
        "log_requests_level",
        "show_time_cost",
        "enable_metrics",
        "decode_log_interval",
        "watchdog_timeout",
    }
)
# What is ours to say: address, key and name, and plain HTTP on this machine.
_RESERVED = frozenset(
    {
        "model",
        "host",
        "port",
        "api_key",
        "served_model_name",
        "ssl_keyfile",
        "ssl_certfile",
        "ssl_ca_certs",
    }
)


@dataclass(frozen=True, slots=True)
class Start:
    """What starts a server: a command, and what is put into its environment.

    Both may hold the key of the server.
    """

    command: Sequence[str] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that serves weights.

    ``name`` is what stands before the colon in ``--model``, ``title`` its name in a sentence.
    ``program`` finds how it begins on the command line, ``None`` where it is not installed;
    ``arrange`` puts the whole start together of that, the weights, the options, port and key.
    ``reserved`` options are not a person's to set, ``neutral`` ones change no answer.
    ``has_off_switches``: whether a switch can be turned off, as ``--no-NAME``.
    """

    name: str
    title: str
    install: str
    program: Callable[[], Sequence[str] | None]
    arrange: Callable[[Sequence[str], str, Sequence[str], int, str], Start]
    reserved: frozenset[str]
    neutral: frozenset[str]
    has_off_switches: bool

    def require_installed(self, model: str) -> Sequence[str]:
        """Return how the program begins on the command line.

        Args:
            model: as the person named it.

        Raises:
            UsageError: it is not installed; says what to do.
        """
        program = self.program()
        if program is None:
            raise UsageError(
                f"--model={model}: {self.title} is not installed here. Install it "
                f"({self.install}), or join a server that runs already: "
                "--vsc-api-base http://HOST:PORT/v1"
            )
        return program


def engine_of(model: str) -> tuple[Engine, str] | None:
    """Return the engine that a name asks for, and which weights; ``None`` where it asks for none.

    Raises:
        UsageError: it does not say which weights.
    """
    prefix, colon, source = model.partition(":")
    engine = next((each for each in ENGINES if colon and each.name == prefix), None)
    if engine is None:
        return None
    if not source or source.startswith("-"):
        raise UsageError(
            f"--model={model}: say which weights {engine.title} shall serve, by a hub id, a folder "
            f"or a short name: --model={engine.name}:Qwen/Qwen2.5-VL-7B-Instruct"
        )
    return engine, source


def _find_vllm() -> Sequence[str] | None:
    # An environment that was not activated has its programs beside its interpreter.
    beside = shutil.which("vllm", path=str(Path(sys.executable).parent))
    program = beside or shutil.which("vllm")
    return None if program is None else (program, "serve")


def _arrange_vllm(
    program: Sequence[str], source: str, options: Sequence[str], port: int, key: str
) -> Start:
    # The variable keeps the key out of the list of processes, and out of the arguments that vLLM
    # logs: https://docs.vllm.ai/en/latest/getting_started/quickstart/
    own = ("--host", HOST, "--port", str(port), "--served-model-name", source)
    return Start([*program, source, *options, *own], {"VLLM_API_KEY": key})


def _find_sglang() -> Sequence[str] | None:
    if importlib.util.find_spec("sglang") is None:
        return None
    return (sys.executable, "-m", "sglang.launch_server")


def _arrange_sglang(
    program: Sequence[str], source: str, options: Sequence[str], port: int, key: str
) -> Start:
    # SGLang takes its key from the command line alone, and logs it:
    # https://github.com/sgl-project/sglang/issues/37457. The log that is kept is without it.
    own = ("--host", HOST, "--port", str(port), "--served-model-name", source, "--api-key", key)
    return Start([*program, "--model-path", source, *options, *own], {})


VLLM = Engine(
    "vllm",
    "vLLM",
    "pip install vllm",
    _find_vllm,
    _arrange_vllm,
    _RESERVED | {"model_tag", "uds", "root_path", "headless"},
    _VLLM_NEUTRAL,
    # Its switches are argparse.BooleanOptionalAction, as in --no-enable-prefix-caching.
    has_off_switches=True,
)
SGLANG = Engine(
    "sglang",
    "SGLang",
    "pip install sglang",
    _find_sglang,
    _arrange_sglang,
    _RESERVED | {"model_path", "admin_api_key"},
    _SGLANG_NEUTRAL,
    # Its switches are argparse's store_true (python/sglang/srt/arg_groups/arg_utils.py).
    has_off_switches=False,
)
ENGINES = (VLLM, SGLANG)
