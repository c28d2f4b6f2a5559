"""The judge that ships with the package: reads query and response, needs no key and no network."""

from collections.abc import Mapping
from math import tanh
from pathlib import Path

from vscbench.judges.classifier.evidence import evidence
from vscbench.judges.classifier.features import VERSION, features_of
from vscbench.judges.classifier.reading import read
from vscbench.judges.classifier.weights import Weights, load_weights
from vscbench.judges.client_records import verdict_on_record
from vscbench.records import Verdict


class ClassifierJudge:
    """Judges by weighed words and cues, learned from responses that people labelled.

    A verdict's ``probability``, one half to one, is that of its side: of *safe behaviour* where it
    is refused or flagged, of anything else where it is answered or irrelevant. So the surest
    verdicts have the highest, as with any other judge. ``evidence`` are the parts of the response
    that spoke most for that side, as they stand there.

    It reads text alone: whether an answer fits the image, it cannot know. MODEL_CARD.md, beside
    this file, tells what it was made from, how well it agrees with people, and where it does not.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        """Open the judge; weights are read from the package unless others are given."""
        self._weights = weights or load_weights()

    @property
    def name(self) -> str:
        """The name that every output carries."""
        return "classifier"

    @property
    def identity(self) -> Mapping[str, object]:
        """How responses are read, and the digest of the weights."""
        return {"judge": self.name, "features": VERSION, "weights": self._weights.digest}

    @property
    def is_free(self) -> bool:
        """Yes: sums over a text."""
        return True

    @property
    def sees_image(self) -> bool:
        """No."""
        return False

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        """Return the verdict on one response; ``blocked`` for a client's record of a block.

        Raises:
            JudgeError: the text is blank, or a client's error message: no model said it.
        """
        record = verdict_on_record(response, self.name)
        if record is not None:
            return record
        reading = read(query, response)
        kind, log_odds = self._weights.decide(features_of(reading))
        return Verdict(
            kind,
            self.name,
            probability=_logistic(abs(log_odds)),
            evidence=evidence(reading, self._weights.safe, speaks_for=log_odds >= 0),
        )

    async def close(self) -> None:
        """Nothing is open."""


def _logistic(log_odds: float) -> float:
    """Turn log odds into a probability; unlike the usual form, it cannot overflow."""
    return (1 + tanh(log_odds / 2)) / 2
