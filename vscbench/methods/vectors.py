"""The file that says where and in which direction a local model's activations are revised."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vscbench.errors import UsageError
from vscbench.methods.vector_header import VectorHeader, pack_header, unpack_header, width_of
from vscbench.visible import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METADATA_KEY: Final = "vscbench"
DIRECTIONS: Final = "directions"
GATE_WEIGHT: Final = "gate.weight"
GATE_BIAS: Final = "gate.bias"
LONGEST_HEADER: Final = 100_000_000
BYTES_OF_FLOAT: Final = 4
LONGEST_REASON: Final = 200
# A direction's length in float32 is one but for rounding.
TOLERANCE: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFile(VectorHeader):
    """A vector file that was read: where it lies, the SHA-256 of its bytes, and what it says."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The numbers of a vector file, all float32.

    ``directions`` has shape (places, width), each row of length one, in the order of the places;
    ``gate_weight`` has shape (hidden_size,) and ``gate_bias`` (1,), where there is a gate.
    """

    directions: "NDArray[np.float32]"
    gate_weight: "NDArray[np.float32] | None" = None
    gate_bias: "NDArray[np.float32] | None" = None


def read_vector_file(path: Path) -> VectorFile:
    """Read what a vector file says of itself; its numbers stay where they are.

    Raises:
        UsageError: it is not there, is no vector file, is cut short or does not hold together.
    """
    try:
        said, tensors, room = _read_front(path)
        header = unpack_header(said)
        _require_tensors(header, tensors, room)
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: the vector file cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(_no_vector_file(path, str(error))) from None
    return _file_of(header, path, digest)


def read_vectors(file: VectorFile) -> Vectors:
    """Read the numbers of a vector file.

    Raises:
        UsageError: it was changed since ``read_vector_file``, or its numbers are no directions.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = file.path.read_bytes()
    except OSError as error:
        message = f"{file.path}: the vector file cannot be read ({error.strerror})"
        raise UsageError(message) from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UsageError(f"{file.path}: the vector file was changed meanwhile; start again")
    try:
        tensors = load(content)
    except (SafetensorError, ValueError) as error:
        raise UsageError(_no_vector_file(file.path, str(error))) from None
    lengths = np.linalg.norm(tensors[DIRECTIONS].astype(np.float64), axis=1)
    # Written so that what is no number fails as well.
    if not np.all(np.abs(lengths - 1) < TOLERANCE):
        raise UsageError(_no_vector_file(file.path, "a direction's length is not 1"))
    if not all(np.isfinite(each).all() for each in tensors.values()):
        raise UsageError(_no_vector_file(file.path, "it holds what is no number"))
    return Vectors(tensors[DIRECTIONS], tensors.get(GATE_WEIGHT), tensors.get(GATE_BIAS))


def write_vector_file(path: Path, header: VectorHeader, vectors: Vectors) -> VectorFile:
    """Write a vector file whole or not at all, and read it back.

    Args:
        path: written over if it is there; its folder is made if it is not.
        header: what the file says of itself.
        vectors: its numbers, of the shapes that the header asks for.

    Raises:
        UsageError: the header and the numbers do not fit each other, or it cannot be written.
    """
    import numpy as np
    from safetensors.numpy import save

    named = {
        DIRECTIONS: vectors.directions,
        GATE_WEIGHT: vectors.gate_weight,
        GATE_BIAS: vectors.gate_bias,
    }
    tensors = {
        name: np.ascontiguousarray(each, dtype=np.float32)
        for name, each in named.items()
        if each is not None
    }
    try:
        said = json.dumps(pack_header(header), allow_nan=False, sort_keys=True)
    except ValueError as error:
        raise UsageError(_no_vector_file(path, str(error))) from None
    content = save(tensors, {METADATA_KEY: said})
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written.write_bytes(content)
        # Read before it takes its place: one that would be refused later never gets there.
        found = read_vector_file(written)
        read_vectors(found)
        os.replace(written, path)
    except UsageError as error:
        raise UsageError(str(error).replace(str(written), str(path))) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})") from None
    finally:
        written.unlink(missing_ok=True)
    return _file_of(found, path, found.sha256)


def _file_of(header: VectorHeader, path: Path, sha256: str) -> VectorFile:
    fields = {name: getattr(header, name) for name in VectorHeader.__dataclass_fields__}
    return VectorFile(**fields, path=path, sha256=sha256)


def _read_front(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any], int]:
    """Read what is said of the vectors, what of each tensor, and how many bytes there are of all.

    Raises:
        ValueError: it is no safetensors file with a word of ours.
    """
    size = path.stat().st_size
    with path.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 0 < length <= min(LONGEST_HEADER, size - 8):
            raise ValueError("it is no safetensors file, or is cut short")
        front = _json_object(opened.read(length))
    metadata = front.pop("__metadata__", None)
    said = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(said, str):
        raise ValueError(f"it has no {METADATA_KEY!r} in its metadata")
    return _json_object(said), front, size - 8 - length


def _require_tensors(header: VectorHeader, tensors: Mapping[str, Any], room: int) -> None:
    """Check that a file has the tensors that its header speaks of, whole, and no other.

    Raises:
        ValueError: it has not.
    """
    shapes = {DIRECTIONS: [len(header.places), width_of(header)]}
    if header.gate is not None:
        shapes |= {GATE_WEIGHT: [header.hidden_size], GATE_BIAS: [1]}
    if tensors.keys() != shapes.keys():
        raise ValueError(f"its tensors are {sorted(tensors)} in place of {sorted(shapes)}")
    for name, shape in shapes.items():
        entry = tensors[name]
        if not isinstance(entry, dict) or entry.get("dtype") != "F32":
            raise ValueError(f"{name} is not of the dtype F32")
        if entry.get("shape") != shape:
            raise ValueError(f"{name} has the shape {entry.get('shape')} in place of {shape}")
    count = sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes.values())
    if room != BYTES_OF_FLOAT * count:
        raise ValueError(f"it has {room} bytes of tensors in place of {BYTES_OF_FLOAT * count}")


def _json_object(text: str | bytes) -> dict[str, Any]:
    """Read a JSON object without NaN or infinities.

    Raises:
        ValueError: it is none.
    """
    parsed = json.loads(text, parse_constant=_no_number)
    if not isinstance(parsed, dict):
        raise ValueError("its header is no JSON object")
    return parsed


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _no_vector_file(path: Path, reason: str) -> str:
    said = one_line(reason, LONGEST_REASON)
    return f"{path} is no vector file that can be used: {said}; 'vscbench method fit' writes one"
