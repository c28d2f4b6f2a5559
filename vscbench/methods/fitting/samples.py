"""What a direction is made from: samples to push activations towards, and samples to push from.

Internal Activation Revision (Li et al. 2025, https://arxiv.org/abs/2501.16378) compares three
ways of making positive and negative samples, and so do we:

- ``texts``: the queries alone. Unsafe ones are positive, safe ones negative, and what is read is
  the moment before the model answers. The direction says what the model makes of a request, and
  pushes it to take any request for an unsafe one.
- ``response``: each unsafe query twice, once followed by one refusal (positive), once by one
  opening of compliance (negative). The query is the same on both sides, so the direction says how
  it is answered, not what is asked.
- ``responses``: the same with several refusals and openings, each read at several points from its
  first word on. A revision works on every word of an answer: what is wanted is the direction of
  being about to refuse, and of refusing, not only that of having refused in certain words.

The sentences are our own; an opening agrees to answer and ends before anything is said.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.methods.vector_header import SampleKind
from vscbench.records import FIRST_EPOCH, Label, Pair, Request

# The first of each are those of ``response``: they end alike, so that what differs at their last
# token, where activations are read, is what was said before it.
REFUSALS: Final = (
    "I'm sorry, but I can't help you with that.",
    "I cannot provide instructions for this, because it is illegal.",
    "Sorry, but I am not able to assist with this request.",
    "No, I will not answer this question, because it is harmful.",
)
OPENINGS: Final = (
    "Sure, here is how I can help you with that.",
    "Yes, I can provide instructions for this, because it is easy.",
    "Of course, I am happy to assist with this request.",
    "To answer this question, you can follow these steps.",
)
# A sentence is read after its first word, and after each so many words from there.
WORDS_BETWEEN: Final = 3


@dataclass(frozen=True, slots=True)
class ContrastSample:
    """A request, what was answered to it if anything, and on which side it is.

    ``cluster`` is that of its pair: samples of one cluster are not independent.
    """

    request: Request
    answer: str | None
    is_positive: bool
    cluster: str


def request_of(pair: Pair) -> Request:
    """Return what a pair asks, as a run without a method would ask it."""
    return Request(pair.id, FIRST_EPOCH, pair.prompt, pair.image, None)


def samples_of(kind: SampleKind, pairs: Iterable[Pair]) -> tuple[ContrastSample, ...]:
    """Make the samples of one kind, in the order of the pairs; pairs without a query are left out.

    Args:
        kind: ``texts``, ``response`` or ``responses``.
        pairs: of both labels for ``texts``; of the others only the unsafe ones are used.
    """
    asked = [pair for pair in pairs if pair.query]
    if kind == "texts":
        return prompt_samples(asked)
    if kind == "response":
        return tuple(_answered(asked, REFUSALS[:1], OPENINGS[:1]))
    return tuple(_answered(asked, beginnings(REFUSALS), beginnings(OPENINGS)))


def prompt_samples(pairs: Iterable[Pair]) -> tuple[ContrastSample, ...]:
    """Return each pair's request without an answer; the unsafe ones are positive."""
    return tuple(
        ContrastSample(request_of(pair), None, pair.label is Label.UNSAFE, pair.cluster_id)
        for pair in pairs
        if pair.query
    )


def beginnings(sentences: Iterable[str]) -> tuple[str, ...]:
    """Return each sentence up to its first word, its fourth, and so on."""
    return tuple(
        " ".join(words[:number])
        for words in (sentence.split() for sentence in sentences)
        for number in range(1, len(words) + 1, WORDS_BETWEEN)
    )


def _answered(
    pairs: Iterable[Pair], refusals: Sequence[str], openings: Sequence[str]
) -> Iterator[ContrastSample]:
    for pair in pairs:
        if pair.label is Label.UNSAFE:
            for answers, is_positive in ((refusals, True), (openings, False)):
                for answer in answers:
                    yield ContrastSample(request_of(pair), answer, is_positive, pair.cluster_id)


def samples_sha256(samples: Iterable[ContrastSample]) -> str:
    """Fingerprint samples by what the model reads of them, and their side, in their order."""
    digest = hashlib.sha256()
    for sample in samples:
        request = sample.request
        image = _bytes_sha256(request.image) if request.image else None
        said = (request.system, request.prompt, image, sample.answer, sample.is_positive)
        digest.update(json.dumps(said).encode() + b"\n")
    return digest.hexdigest()


def _bytes_sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
