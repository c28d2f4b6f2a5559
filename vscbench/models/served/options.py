"""The options of a server among the parameters of a run: those that begin with ``serve.``."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vscbench.errors import UsageError
from vscbench.models.protocol import ParamValue
from vscbench.models.secrets import secret_names
from vscbench.models.served.contents import pinned
from vscbench.models.served.engines import Engine

PREFIX = "serve"
ENVIRONMENT = "env."
TIMEOUT = "start_timeout_s"
DEFAULT_TIMEOUT_S = 1800.0  # weights of 100 GB come over the network in that time
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_.-]+)?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Which devices, where files are kept, how processes talk.
NEUTRAL_VARIABLES = re.compile(
    r"(CUDA|HIP|ROCR)_VISIBLE_DEVICES|ASCEND_RT_VISIBLE_DEVICES|HF_(HOME|HUB_\w+)|NCCL_\w+"
    r"|GLOO_\w+|RAY_\w+|OMP_NUM_THREADS|VLLM_HOST_IP|VLLM_CACHE_ROOT|VLLM_LOGGING_\w+"
)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is to be started.

    ``options`` are its own, by their names with underscores; ``variables`` go into its
    environment; ``start_timeout_s`` is how long it may take until it answers, in seconds.
    """

    options: Mapping[str, ParamValue] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    start_timeout_s: float = DEFAULT_TIMEOUT_S

    def arguments(self, engine: Engine) -> list[str]:
        """Write the options as the server's command line has them.

        Raises:
            UsageError: a value that a command line has no form for.
        """
        return [
            word for name, value in self.options.items() for word in _argument(engine, name, value)
        ]

    def shown(self) -> dict[str, ParamValue]:
        """Return everything that was asked, as it is printed and recorded."""
        return {**self.options, **_as_env(self.variables)}

    def identity(self, engine: Engine) -> dict[str, object]:
        """Return what may change an answer; files stand for what is in them."""
        options = {
            name: pinned(value)
            for name, value in self.options.items()
            if name.partition(".")[0] not in engine.neutral
        }
        variables = {
            name: value
            for name, value in self.variables.items()
            if not NEUTRAL_VARIABLES.fullmatch(name)
        }
        return {**options, **_as_env(variables)}


def split_parameters(
    params: Mapping[str, ParamValue],
) -> tuple[dict[str, ParamValue], dict[str, ParamValue]]:
    """Part the parameters of requests from the options of the server, which lose their prefix.

    A table ``[tool.vscbench.param.serve]`` is read as well as ``serve.NAME``; ``null`` takes away
    what a table says.
    """
    table = params.get(PREFIX)
    nested: dict[str, Any] = dict(table) if isinstance(table, Mapping) else {}
    of_requests: dict[str, ParamValue] = {}
    of_server: dict[str, ParamValue] = {}
    for name, value in nested.items():
        is_environment = f"{name}." == ENVIRONMENT and isinstance(value, Mapping)
        of_server |= _as_env(value) if is_environment else {name: value}
    for name, value in params.items():
        prefix, dot, rest = name.partition(".")
        if prefix == PREFIX and dot:
            of_server[rest] = value
        elif name != PREFIX or not isinstance(value, Mapping):
            of_requests[name] = value
    return of_requests, {name: value for name, value in of_server.items() if value is not None}


def read_options(engine: Engine, given: Mapping[str, ParamValue]) -> ServerOptions:
    """Check the options of a server.

    Args:
        engine: whose they are.
        given: names without ``serve.``, with values as a person wrote them.

    Raises:
        UsageError: a name or a value that will not do, or something secret; says which.
    """
    _refuse_secrets(given)
    options: dict[str, ParamValue] = {}
    variables: dict[str, str] = {}
    for name, value in given.items():
        if name.startswith(ENVIRONMENT):
            variables[_variable(name)] = value if isinstance(value, str) else json.dumps(value)
        elif name.replace("-", "_") != TIMEOUT:
            options[_option(engine, name)] = value
    limit = given.get(TIMEOUT, given.get(TIMEOUT.replace("_", "-"), DEFAULT_TIMEOUT_S))
    read = ServerOptions(
        dict(sorted(options.items())), dict(sorted(variables.items())), _seconds(limit)
    )
    read.arguments(engine)
    return read


def _option(engine: Engine, name: str) -> str:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"--vsc-param serve.{name}: an option of {engine.title} is written with letters, "
            "digits and underscores, for instance serve.tensor_parallel_size=2"
        )
    # Behind a dot stands the name of a field, which keeps its form: compilation_config.mode.
    head, dot, rest = name.partition(".")
    canonical = f"{head.replace('-', '_')}{dot}{rest}"
    if head.replace("-", "_") in engine.reserved:
        raise UsageError(
            f"--vsc-param serve.{name}: not an option to set here: the server listens on this "
            "machine alone, with a port and a key of its own. For any other, start it yourself "
            "and join it with --vsc-api-base"
        )
    return canonical


def _variable(name: str) -> str:
    variable = name.removeprefix(ENVIRONMENT)
    if not VARIABLE.fullmatch(variable):
        raise UsageError(
            f"--vsc-param serve.{name}: the name of a variable is needed, for instance "
            "serve.env.CUDA_VISIBLE_DEVICES=0"
        )
    return variable


def _refuse_secrets(given: Mapping[str, ParamValue]) -> None:
    found = secret_names(given)
    if found and found[0].replace("-", "_") != "api_key":
        raise UsageError(
            f"--vsc-param serve.{found[0]}: this looks like a secret, and parameters are printed "
            "and recorded. Put it into the environment, from which the server has it too"
        )


def _seconds(value: ParamValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise UsageError(
            f"--vsc-param serve.{TIMEOUT}={value}: a number of seconds above 0 is needed"
        )
    return float(value)


def _argument(engine: Engine, name: str, value: ParamValue) -> Iterator[str]:
    head, dot, rest = name.partition(".")
    flag = f"{head.replace('_', '-')}{dot}{rest}"
    if value is False and not engine.has_off_switches:
        raise UsageError(
            f"--vsc-param serve.{name}=false: a switch of {engine.title} is off unless it is "
            "named, and has no form that turns it off; leave it out"
        )
    if isinstance(value, bool):
        yield f"--{flag}" if value else f"--no-{flag}"
        return
    words = _words(name, value)
    if len(words) == 1 and words[0].startswith("-"):
        yield f"--{flag}={words[0]}"  # else it would be read as the next option
    else:
        yield f"--{flag}"
        yield from words


def _words(name: str, value: ParamValue) -> Sequence[str]:
    if isinstance(value, list):
        return [each if isinstance(each, str) else json.dumps(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(
            f"--vsc-param serve.{name}={value}: no option takes this number; text that looks like "
            f"one stands in quotes: 'serve.{name}=\"12e400\"'"
        )
    return [value if isinstance(value, str) else json.dumps(value)]


def _as_env(variables: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    return {f"{ENVIRONMENT}{name}": value for name, value in variables.items()}
