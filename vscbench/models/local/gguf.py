"""A GGUF file as a checkpoint: what its header says of the model, before anything is loaded."""

import math
import mmap
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from vscbench.errors import UsageError
from vscbench.models.local.internals import gguf_architectures

SUFFIX: Final = ".gguf"
# The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING: Final = 8
ARRAY: Final = 9
SHORT: Final = 2
MOST_DIMENSIONS: Final = 8
ARCHITECTURE: Final = "general.architecture"
TEMPLATE: Final = "tokenizer.chat_template"
PARTS: Final = "split.count"
# transformers reads them, but an encoder reads for their decoders.
NO_DECODERS: Final = {"t5", "t5encoder"}


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a file says of its model: how it is built, how many numbers it has, how it is asked."""

    architecture: str
    parameters: int
    has_template: bool
    is_part: bool


def named_gguf(source: str) -> Path | None:
    """Return the GGUF file that a source names; ``None`` if it names none.

    Raises:
        UsageError: there is no such file.
    """
    path = Path(source).expanduser()
    if path.suffix.lower() != SUFFIX or path.is_dir():
        return None
    if not path.is_file():
        raise UsageError(f"--model=local:{source}: there is no file {path.absolute()}")
    return path.absolute()  # not resolved: the hub's cache links to files without the ending


def read_gguf_header(file: Path) -> GgufHeader:
    """Read what a file says of its model.

    Raises:
        UsageError: it is no GGUF file, or is cut short.
    """
    try:
        with (
            file.open("rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as all_,
        ):
            return _header(_Reader(all_))
    except (OSError, ValueError, struct.error) as error:
        raise UsageError(f"{file} cannot be read as GGUF ({error}): download it again") from None


def require_gguf(source: str, file: Path) -> None:
    """Check that a file can be loaded by transformers and asked.

    Raises:
        UsageError: it cannot, or the package that reads it is missing.
    """
    if find_spec("gguf") is None:
        raise UsageError(
            f"--model=local:{source}: reading a GGUF file needs the package gguf: pip install gguf"
        )
    header = read_gguf_header(file)
    known = header.architecture in gguf_architectures()
    if not known or header.architecture in NO_DECODERS:
        raise UsageError(
            f"--model=local:{source}: transformers loads no decoder of the architecture "
            f"'{header.architecture}' from GGUF; take the checkpoint in safetensors"
        )
    if header.is_part:
        raise UsageError(
            f"--model=local:{source}: this is one of several files of a model; merge them first "
            "(llama-gguf-split --merge), or take the checkpoint in safetensors"
        )
    if not header.has_template:
        raise UsageError(
            f"--model=local:{source}: it has no chat template, so nobody knows how it is to be "
            "asked; take the instruction-tuned model"
        )


class _Reader:
    """A place in a file, and what is read from there on."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return int(value)

    def string(self) -> str:
        length = self.number("Q")
        first = self.skip(length)
        return self.content[first : self.at].decode("utf-8", "replace")

    def skip(self, length: int) -> int:
        first = self.at
        self.at += length
        if self.at > len(self.content):
            raise ValueError("it is cut short")
        return first

    def skip_value(self, kind: int) -> None:
        """Pass over a value; arrays hold no arrays in any file that transformers reads."""
        if kind == STRING:
            self.skip(self.number("Q"))
        elif kind in SIZES:
            self.skip(SIZES[kind])
        else:
            raise ValueError(f"it has a value of the unknown kind {kind}")

    def skip_array(self) -> None:
        kind, count = self.number("I"), self.number("Q")
        if kind in SIZES:
            self.skip(SIZES[kind] * count)
            return
        for _ in range(count):
            self.skip_value(kind)


def _header(reader: _Reader) -> GgufHeader:
    if reader.content[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not begin as one")
    reader.skip(len(MAGIC))
    version = reader.number("I")
    if version not in VERSIONS:
        raise ValueError(f"its version is {version}")
    tensors, values = reader.number("Q"), reader.number("Q")
    architecture, names = "", set()
    parts = 1
    for _ in range(values):
        name, kind = reader.string(), reader.number("I")
        names.add(name)
        if name == ARCHITECTURE and kind == STRING:
            architecture = reader.string()
        elif name == PARTS and kind == SHORT:
            parts = reader.number("H")
        elif kind == ARRAY:
            reader.skip_array()
        else:
            reader.skip_value(kind)
    sizes, furthest = _tensors(reader, tensors)
    if reader.at + furthest > len(reader.content):
        raise ValueError("it is cut short")
    return GgufHeader(architecture, sizes, TEMPLATE in names, parts > 1)


def _tensors(reader: _Reader, count: int) -> tuple[int, int]:
    """Return how many numbers all tensors have, and where the last of them begins."""
    total = furthest = 0
    for _ in range(count):
        reader.string()
        dimensions = reader.number("I")
        if dimensions > MOST_DIMENSIONS:
            raise ValueError(f"it has a tensor of {dimensions} dimensions")
        total += math.prod(reader.number("Q") for _ in range(dimensions))
        reader.number("I")
        furthest = max(furthest, reader.number("Q"))
    return total, furthest
