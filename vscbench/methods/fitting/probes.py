"""How well a linear probe tells positive from negative samples at each place of a model.

A place is a layer or an attention head. Accuracy is that on clusters the probe has not seen:
samples of one cluster share a query, and a probe that has seen half of them knows the other half.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vscbench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Features = NDArray[np.float32]
    Sides = NDArray[np.bool_]

FOLDS: Final = 5
LEAST_CLUSTERS: Final = 4
MOST_STEPS: Final = 500
NO_CHANGE: Final = 1e-12
# Of a feature's spread in all: one that hardly varies within a side is not blown up without end.
LEAST_WITHIN: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """The probability of the positive side is sigmoid(weight . x + bias), x as it is.

    ``weight`` has shape (width,).
    """

    weight: "Floats"
    bias: float

    def probabilities(self, features: "Features") -> "Floats":
        """Return the probability of the positive side for features of shape (samples, width)."""
        from scipy.special import expit

        found: Floats = expit(features.astype("float64") @ self.weight + self.bias)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What probes say of samples of clusters that they have not seen.

    ``probabilities`` are of the positive side, of shape (samples,); ``log_loss`` is the mean
    surprise at the truth, in nats.
    """

    probabilities: "Floats"
    accuracy: float
    log_loss: float


def fit_probe(features: "Features", is_positive: "Sides") -> Probe:
    """Fit a logistic regression on standardised features, and bring it back to raw ones.

    Features are measured by how much they vary within a side: those on which the sides lie far
    apart vary more in all, and would count for less than they tell.

    Args:
        features: of shape (samples, width).
        is_positive: of shape (samples,), with both sides in it.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    import numpy as np

    raw = features.astype(np.float64)
    middle, scale = raw.mean(axis=0), _scale(raw, is_positive)
    regression = _sklearn("linear_model").LogisticRegression(max_iter=MOST_STEPS)
    regression.fit((raw - middle) / scale, is_positive)
    weight = regression.coef_[0] / scale
    return Probe(weight, float(regression.intercept_[0] - weight @ middle))


def _scale(raw: "Floats", is_positive: "Sides") -> "Floats":
    """Return by how much each feature varies within a side, of shape (width,)."""
    import numpy as np

    sides = (raw[is_positive], raw[~is_positive])
    within = np.sqrt(sum(len(side) * side.var(axis=0) for side in sides) / len(raw))
    in_all = raw.std(axis=0)
    scale: Floats = np.maximum(within, LEAST_WITHIN * in_all)
    scale[in_all < NO_CHANGE] = 1.0  # a feature that never changes tells nothing
    return scale


def held_out(features: "Features", is_positive: "Sides", clusters: Sequence[str]) -> HeldOut:
    """Let each sample be told by a probe that has seen no sample of its cluster.

    Args:
        features: of shape (samples, width).
        is_positive: of shape (samples,).
        clusters: of each sample.

    Raises:
        UsageError: there are too few clusters of one side.
    """
    return _told(features, is_positive, folds_of(is_positive, clusters))


def held_out_at(
    features: "Features", is_positive: "Sides", clusters: Sequence[str]
) -> tuple[HeldOut, ...]:
    """Do what ``held_out`` does at each place, for features of shape (samples, places, width)."""
    from concurrent.futures import ThreadPoolExecutor

    folds = folds_of(is_positive, clusters)
    tell = partial(_told, is_positive=is_positive, folds=folds)
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(tell, (features[:, place] for place in range(features.shape[1]))))


def best_places(found: Sequence[HeldOut], number: int) -> tuple[int, ...]:
    """Return the places whose probes are right most often, best first, at most ``number``.

    Where two are right as often, the one that is surer of the truth comes first.
    """
    order = sorted(range(len(found)), key=lambda at: (-found[at].accuracy, found[at].log_loss, at))
    return tuple(order[:number])


def folds_of(is_positive: "Sides", clusters: Sequence[str]) -> "tuple[NDArray[np.intp], ...]":
    """Deal samples into folds, whole clusters at a time, each with its share of both sides.

    Raises:
        UsageError: there are too few clusters of one side.
    """
    import numpy as np

    sides = [
        {each for each, positive in zip(clusters, is_positive, strict=True) if positive == side}
        for side in (True, False)
    ]
    least = min(map(len, sides))
    if least < LEAST_CLUSTERS:
        raise UsageError(
            f"there are {least} clusters of development pairs with samples of one side, and a "
            f"probe needs at least {LEAST_CLUSTERS}: take more pairs (a larger --sample, fewer "
            "filters, or a larger set)"
        )
    deal = _sklearn("model_selection").StratifiedGroupKFold(
        min(FOLDS, least), shuffle=True, random_state=0
    )
    dealt = deal.split(np.zeros(len(clusters)), is_positive, groups=np.asarray(clusters))
    return tuple(np.asarray(test, dtype=np.intp) for _, test in dealt)


def _told(
    features: "Features", is_positive: "Sides", folds: "Sequence[NDArray[np.intp]]"
) -> HeldOut:
    import numpy as np

    probabilities = np.full(len(is_positive), 0.5)
    for fold in folds:
        seen = np.ones(len(is_positive), dtype=bool)
        seen[fold] = False
        probe = fit_probe(features[seen], is_positive[seen])
        probabilities[fold] = probe.probabilities(features[fold])
    of_truth = np.where(is_positive, probabilities, 1 - probabilities)
    surprise = -np.log(np.clip(of_truth, NO_CHANGE, 1.0))
    return HeldOut(probabilities, float((of_truth > 0.5).mean()), float(surprise.mean()))  # noqa: PLR2004 - as likely as not


def _sklearn(part: str) -> Any:  # noqa: ANN401 - a module
    """Import a part of scikit-learn, which is needed for nothing else.

    Raises:
        UsageError: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"sklearn.{part}")
    except ImportError:
        raise UsageError(
            "fitting needs scikit-learn, which is not installed: pip install 'vscbench[local]'"
        ) from None
