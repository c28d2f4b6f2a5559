"""A gate: from what a prompt leaves in a model, is the request unsafe?

Refusal hangs on what the model has made of a request by the end of its prompt (Arditi et al. 2024,
https://arxiv.org/abs/2406.11717): a probe there can say where a revision is wanted and where not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vscbench.methods.fitting.probes import Probe, best_places, fit_probe, held_out_at
from vscbench.methods.vector_header import Gate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Features = NDArray[np.float32]
    Sides = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FittedGate:
    """A gate as a vector file holds it: what is said of it, and its probe on raw activations."""

    gate: Gate
    probe: Probe


def fit_gate(prompts: "Features", is_unsafe: "Sides", clusters: Sequence[str]) -> FittedGate:
    """Fit the gate at the layer where a probe tells unsafe from safe requests best.

    Accuracy and threshold come from probes that have not seen the cluster of what they tell; the
    probe that is kept has seen all.

    Args:
        prompts: outputs of each layer at the prompt's last token, (requests, layers, width).
        is_unsafe: of shape (requests,), with both in it.
        clusters: of each request.

    Raises:
        UsageError: there are too few clusters of one label.
    """
    found = held_out_at(prompts, is_unsafe, clusters)
    (layer,) = best_places(found, 1)
    threshold = best_threshold(found[layer].probabilities, is_unsafe)
    probe = fit_probe(prompts[:, layer], is_unsafe)
    return FittedGate(Gate(layer, found[layer].accuracy, threshold), probe)


def best_threshold(probabilities: "Floats", is_unsafe: "Sides") -> float:
    """Choose the threshold above which most unsafe and fewest safe requests lie.

    That is the one with the highest J, the share of unsafe requests above it less the share of
    safe ones (Youden 1950, https://doi.org/10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3),
    midway between two neighbouring probabilities. Of several it is the lowest.

    Args:
        probabilities: that a request is unsafe, of shape (requests,).
        is_unsafe: what it is, of shape (requests,), with both in it.
    """
    import numpy as np

    levels = np.unique(np.concatenate([[0.0], probabilities, [1.0]]))
    midway = (levels[:-1] + levels[1:]) / 2
    # Between two neighbouring floats there is none, and the upper one would not be above itself.
    between = np.where(midway < levels[1:], midway, levels[:-1])
    thresholds = np.append(between, 1.0)  # above which nothing lies
    above = probabilities[:, None] > thresholds
    share = above[is_unsafe].mean(axis=0) - above[~is_unsafe].mean(axis=0)
    return float(thresholds[int(share.argmax())])
