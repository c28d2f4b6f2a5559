"""In which direction activations are pushed at a place, and how far one step goes there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vscbench.errors import UsageError
from vscbench.methods.fitting.probes import fit_probe
from vscbench.methods.vector_header import VectorKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Features = NDArray[np.float32]
    Sides = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A unit vector of shape (width,), and the standard deviation of all activations along it."""

    unit: "Floats"
    spread: float


def direction_at(features: "Features", is_positive: "Sides", kind: VectorKind) -> Direction:
    """Find the direction from the negative to the positive samples at one place.

    Args:
        features: activations at the place, of shape (samples, width).
        is_positive: the side of each sample, of shape (samples,), with both in it.
        kind: ``mass-mean``, the difference of the means of the two sides (Marks and Tegmark,
            https://arxiv.org/abs/2310.06824), or ``probe``, the weights of a linear probe.

    Raises:
        UsageError: the two sides do not differ there.
    """
    import numpy as np

    raw = features.astype(np.float64)
    if kind == "mass-mean":
        pointing = raw[is_positive].mean(axis=0) - raw[~is_positive].mean(axis=0)
    else:
        pointing = fit_probe(features, is_positive).weight
    length = float(np.linalg.norm(pointing))
    if not length > 0:
        raise UsageError(
            "positive and negative samples do not differ at a chosen place, so there is no "
            "direction from one to the other; take other samples (--samples responses)"
        )
    unit = pointing / length
    return Direction(unit, float((raw @ unit).std()))
