"""When an output is no longer language: it loops, or the model itself would hardly have said it.

A push that is too hard makes a model stammer, or say what hangs together with nothing. Two
measures tell, and either is enough:

- loops: the share of an output's stretches of ``STRETCH`` characters that it holds already
  (seq-rep-n of Welleck et al. 2020, https://arxiv.org/abs/1908.04319, on characters, since not
  every language puts spaces between words).
- surprise: the mean log-probability per token that the model gives the output when it is not
  revised, below what 99 % of ordinary outputs reach. Ordinary are the model's own answers, and the
  sentences with which the samples refuse and agree: a plain refusal is language, however little
  the model would have thought of it.

An output without a single letter or figure counts as incoherent too.
"""

from collections.abc import Sequence
from typing import Final

STRETCH: Final = 16
MOST_REPEATED: Final = 0.5
ORDINARY_SHARE: Final = 0.99


def repeated_share(text: str) -> float:
    """Return which share of a text's stretches it holds already, from 0 to 1."""
    folded = " ".join(text.split())
    number = len(folded) - STRETCH + 1
    if number < 1:
        return 0.0
    return 1 - len({folded[start : start + STRETCH] for start in range(number)}) / number


def least_ordinary_score(*kinds: Sequence[float]) -> float:
    """Return the score that 99 % of each kind of ordinary output reach.

    Args:
        kinds: the mean log-probabilities per token of each kind, in nats; a kind may be empty.
    """
    import numpy as np

    lowest = [float(np.quantile(scores, 1 - ORDINARY_SHARE)) for scores in kinds if len(scores)]
    return min(lowest, default=-float("inf"))


def is_incoherent(text: str, score: float | None, least_score: float) -> bool:
    """Whether an output is no longer language.

    Args:
        text: the output.
        score: its mean log-probability per token under the model as it is, in nats; ``None``
            where it was not scored.
        least_score: what ordinary outputs reach, as ``least_ordinary_score`` returns it.
    """
    if not any(character.isalnum() for character in text):
        return True
    if repeated_share(text) > MOST_REPEATED:
        return True
    return score is not None and not score >= least_score
