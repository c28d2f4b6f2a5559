"""The safetensors files of a checkpoint: which there are, what they hold, and pickles refused."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from vscbench.errors import UsageError

if TYPE_CHECKING:
    import torch

_INDEX: Final = "model.safetensors.index.json"
_PICKLE_INDEX: Final = "pytorch_model.bin.index.json"
_SHOWN: Final = 3
# The safetensors library takes no longer header either (MAX_HEADER_SIZE of its tensor.rs).
_LONGEST_HEADER: Final = 100_000_000


class Slice(Protocol):
    """A tensor in a file that is not read yet."""

    def get_shape(self) -> list[int]:
        """Return its shape."""


class Tensors(Protocol):
    """An opened safetensors file."""

    def keys(self) -> list[str]:
        """Return the names of its tensors."""

    def get_slice(self, name: str) -> Slice:
        """Return a tensor's shape without reading it."""

    def get_tensor(self, name: str) -> "torch.Tensor":
        """Read a tensor."""


def weight_files(folder: Path) -> tuple[Path, ...]:
    """List the safetensors files that hold a checkpoint's weights: the index's, or all there are.

    Raises:
        UsageError: there are none, or one that the index lists is not there; the message says how
            to convert pickled weights.
    """
    listed = sorted({folder / name for name in _weight_map(folder / _INDEX).values()})
    files = listed or sorted(folder.glob("*.safetensors"))
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UsageError(
            f"{folder} is incomplete: {_INDEX} lists {named(missing)}, which is not there; "
            "download the checkpoint again"
        )
    if not files:
        raise UsageError(_no_weights(folder))
    return tuple(files)


def names_without_torch(folder: Path) -> set[str]:
    """Read the names of a checkpoint's weights from its index or its files' headers."""
    for index in (_INDEX, _PICKLE_INDEX):
        names = set(_weight_map(folder / index))
        if names:
            return names
    return {name for file in sorted(folder.glob("*.safetensors")) for name in _header(file)}


def parameter_count(folder: Path) -> int:
    """Count the numbers in a checkpoint's weights, by their files' headers."""
    return sum(
        math.prod(entry["shape"])
        for file in weight_files(folder)
        for entry in _header(file).values()
        if isinstance(entry, dict) and "shape" in entry
    )


def conversion_command(files: Iterable[Path]) -> str:
    """Return the one command that writes pickled weights beside themselves as safetensors.

    ``weights_only`` lets torch read tensors and nothing else, so that no code in them runs.
    """
    code = (
        "import pathlib, sys, torch; from safetensors.torch import save_file; "
        "[save_file({n: t.contiguous().clone() for n, t in torch.load(f, map_location='cpu', "
        "weights_only=True).items()}, f.with_name(f.name.replace('pytorch_', '')).with_suffix("
        "'.safetensors'), {'format': 'pt'}) for f in map(pathlib.Path, sys.argv[1:])]"
    )
    return " ".join(["python", "-c", f'"{code}"', *(f'"{file}"' for file in files)])


@contextmanager
def open_tensors(file: Path) -> Iterator[Tensors]:
    """Open a safetensors file for reading tensor by tensor.

    Raises:
        UsageError: it is cut short or no safetensors file.
    """
    # Heavy with torch behind it; only the process that holds the model comes here.
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except (SafetensorError, OSError) as error:
        message = f"{file} cannot be read as safetensors ({error}): download it again"
        raise UsageError(message) from error


def named(names: Iterable[str]) -> str:
    """Show a few of many names."""
    every = sorted(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def json_object(file: Path) -> Mapping[str, Any]:
    """Read a JSON object; an empty one if the file is not there or holds anything else."""
    try:
        return _parsed(file.read_bytes())
    except OSError:
        return {}


def _weight_map(index: Path) -> Mapping[str, str]:
    """Read which tensor is in which file."""
    names = json_object(index).get("weight_map")
    return {name: str(file) for name, file in names.items()} if isinstance(names, dict) else {}


def _header(file: Path) -> Mapping[str, Any]:
    """Read what a safetensors file says of itself: 8 bytes of length, then so many of JSON."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        return _parsed(opened.read(length)) if length <= _LONGEST_HEADER else {}


def _parsed(text: bytes) -> Mapping[str, Any]:
    """Read a JSON object; anything else is an empty one, which the loader complains of."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _no_weights(folder: Path) -> str:
    pickled = sorted(folder.glob("pytorch_model*.bin"))
    listed = set(_weight_map(folder / _PICKLE_INDEX).values())
    names = {file.name for file in pickled} | listed
    if not names:
        return f"{folder} has no weights: no *.safetensors file is there; download it again"
    return (
        f"{folder} has its weights as pickles only ({named(names)}), which can run code when they "
        "are opened: take a revision with safetensors if the hub has one (often "
        "--vsc-param revision=refs/pr/1), or convert the downloaded files once with: "
        + conversion_command(pickled or [folder / name for name in sorted(listed)])
    )
