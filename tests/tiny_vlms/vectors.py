"""Vector files with random directions, for a model of any shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vscbench.methods.vector_header import Development, Gate, Level, Place, VectorHeader
from vscbench.methods.vectors import Vectors, write_vector_file
from vscbench.models.local.places import shape_of
from vscbench.records import Revision

DIGEST = "0" * 64
# As strong as the activations themselves: what is said changes.
SPREAD = 2.0


def make_revision(  # noqa: PLR0913 - what a file says, as far as a test cares
    path: Path,
    config: Any,  # noqa: ANN401 - any of transformers' configurations
    level: Level,
    at: Sequence[tuple[int, int | None]],
    *,
    alpha: float = 1.0,
    gate_layer: int | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> Revision:
    """Write a vector file and return the revision that adds it.

    Args:
        path: of the file.
        config: of the model that it is for.
        level: of layers or of heads.
        at: the layers, each with a head or without.
        alpha: how far is pushed.
        gate_layer: whose output a gate reads, if there is one.
        threshold: of that gate, if it is asked.
        seed: of the directions and of the gate.
    """
    shape = shape_of(config)
    chance = np.random.default_rng(seed)
    width = shape.hidden_size if level == "layer" else shape.head_size
    drawn = chance.normal(size=(len(at), width))
    directions = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    has_gate = gate_layer is not None
    header = VectorHeader(
        level=level,
        vector="mass-mean",
        samples="texts",
        model="tiny",
        weights_sha256=DIGEST,
        commit=None,
        dtype="float32",
        hidden_size=shape.hidden_size,
        layers=shape.layers,
        heads=shape.heads,
        head_size=shape.head_size,
        places=tuple(
            Place(layer, head, 0.75, SPREAD * (1 + number))
            for number, (layer, head) in enumerate(at)
        ),
        alpha=alpha,
        curve=(),
        gate=None if gate_layer is None else Gate(gate_layer, 0.75, 0.5),
        samples_sha256=DIGEST,
        development=Development(DIGEST, 0, (), (), ()),
        version="0",
    )
    weight = chance.normal(size=shape.hidden_size).astype(np.float32) if has_gate else None
    bias = np.zeros(1, np.float32) if has_gate else None
    vectors = Vectors(directions.astype(np.float32), weight, bias)
    written = write_vector_file(path, header, vectors)
    return Revision(path, written.sha256, alpha, threshold)
