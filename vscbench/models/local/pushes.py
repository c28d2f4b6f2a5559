"""What is added to a row's activations: the vectors of its file, scaled once for all tokens."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vscbench.errors import UsageError
from vscbench.methods.vector_header import Level
from vscbench.methods.vectors import VectorFile, Vectors, read_vector_file, read_vectors
from vscbench.models.local.places import DecoderShape, shape_of
from vscbench.records import Revision

if TYPE_CHECKING:
    from torch import Tensor

SHOWN_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class GateProbe:
    """Says of a prompt how probably it is unsafe: sigmoid(weight . x + bias).

    ``weight`` has shape (hidden_size,), float32; x is the output of ``layer`` at the prompt's
    last token. Above ``threshold`` the row is revised.
    """

    layer: int
    weight: "Tensor"
    bias: float
    threshold: float

    def opens(self, state: "Tensor") -> bool:
        """Whether a prompt is to be revised, by the layer's output at its last token."""
        score = state.float().cpu() @ self.weight + self.bias
        return float(score.sigmoid()) > self.threshold


@dataclass(frozen=True, slots=True, eq=False)
class Push:
    """What is added at each layer, float32: to its output, or to what its heads put out.

    At the level of layers a vector has shape (hidden_size,), at that of heads
    (heads * head_size,), with zeros for the heads that are left as they are.
    """

    level: Level
    added: "Mapping[int, Tensor]"
    gate: GateProbe | None = None


class Pushes:
    """Reads each vector file once, however many requests name it; may be called from threads."""

    def __init__(self, config: Any) -> None:  # noqa: ANN401 - any of transformers' configurations
        """Prepare for the model of this configuration."""
        self._config = config
        self._reading = threading.Lock()
        self._files: dict[str, tuple[VectorFile, Vectors]] = {}
        self._made: dict[tuple[str, float, float | None], Push] = {}

    def of(self, revision: Revision) -> Push:
        """Return what a revision adds.

        Raises:
            UsageError: its file cannot be read, was changed, was made for a decoder of another
                shape, or has no gate where one is asked for; or this model has no decoder that
                could be revised.
        """
        key = (revision.sha256, revision.alpha, revision.threshold)
        with self._reading:
            if key not in self._made:
                self._made[key] = self._make(revision)
            return self._made[key]

    def _make(self, revision: Revision) -> Push:
        if revision.sha256 not in self._files:
            self._files[revision.sha256] = self._read(revision)
        file, vectors = self._files[revision.sha256]
        gate = _gate_of(file, vectors, revision)
        return Push(file.level, added_by(file, vectors, revision.alpha), gate)

    def _read(self, revision: Revision) -> tuple[VectorFile, Vectors]:
        shape = shape_of(self._config)
        file = read_vector_file(revision.file)
        if file.sha256 != revision.sha256:
            raise UsageError(
                f"{revision.file} was changed since the run began (its SHA-256 is "
                f"{file.sha256[:SHOWN_DIGITS]}... now, and {revision.sha256[:SHOWN_DIGITS]}... was "
                "asked for); start again"
            )
        made_for = DecoderShape(file.hidden_size, file.layers, file.heads, file.head_size)
        if made_for != shape:
            raise UsageError(
                f"{revision.file} was made for another model ({file.model}: {made_for}); this one "
                f"has {shape}. Make one for it with 'vscbench method fit'"
            )
        return file, read_vectors(file)


def added_by(file: VectorFile, vectors: Vectors, alpha: float) -> "dict[int, Tensor]":
    """Return what is added by layer: alpha times the spread times the direction, in float32."""
    import torch

    added: dict[int, Tensor] = {}
    if alpha == 0:
        return added
    width = file.hidden_size if file.level == "layer" else file.heads * file.head_size
    for place, direction in zip(file.places, torch.from_numpy(vectors.directions), strict=True):
        whole = added.setdefault(place.layer, torch.zeros(width))
        first = 0 if place.head is None else place.head * file.head_size
        whole[first : first + len(direction)] = alpha * place.spread * direction
    return added


def _gate_of(file: VectorFile, vectors: Vectors, revision: Revision) -> GateProbe | None:
    import torch

    if revision.threshold is None:
        return None
    if file.gate is None or vectors.gate_weight is None or vectors.gate_bias is None:
        raise UsageError(
            f"{file.path} has no gate, which revision-gated needs; make one with 'vscbench method "
            "fit', or choose revision-layer or revision-head"
        )
    weight = torch.from_numpy(vectors.gate_weight)
    return GateProbe(file.gate.layer, weight, float(vectors.gate_bias[0]), revision.threshold)
