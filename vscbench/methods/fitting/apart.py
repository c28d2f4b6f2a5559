"""What a method was made from, as fingerprints, and whether pairs that are asked touch it.

All queries of the development half are kept, of every variant, whichever of them were used: as a
cluster lies in one half whole, a pair that shares a cluster with the development half has one of
its queries, and is found by that, from whatever set it comes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from vscbench.errors import DataError
from vscbench.methods.vector_header import Development
from vscbench.pairs.clusters import normalised
from vscbench.pairs.open import pairs_sha256
from vscbench.pairs.split import Split, half
from vscbench.records import Pair

SHOWN_DIGITS: Final = 16


def fingerprints(
    pairs: Iterable[Pair], *, set_sha256: str, seed: int, except_images: Iterable[str] = ()
) -> Development:
    """Fingerprint the development half of a set.

    Args:
        pairs: all pairs of the half.
        set_sha256: that of the whole set's pairs.
        seed: the split's.
        except_images: fingerprints of images that nothing was made from.
    """
    listed = list(pairs)
    return Development(
        pairs_sha256=set_sha256,
        seed=seed,
        clusters=_sorted(_fingerprint(pair.cluster_id.encode()) for pair in listed),
        queries=_sorted(query_fingerprint(pair) for pair in listed if pair.query),
        images=_sorted(set(image_fingerprints(listed)) - set(except_images)),
    )


def development_half(pairs: Sequence[Pair], seed: int) -> tuple[tuple[Pair, ...], Development]:
    """Return the pairs of a set that a method may be made from, and their fingerprints.

    A pair whose image has the very bytes of one in the other half, under another name, is left
    out, and so is its image from the fingerprints: nothing is made from it.

    Args:
        pairs: the whole set.
        seed: the split's.

    Raises:
        DataError: an image that is there cannot be read.
    """
    learnt, asked = (half(pairs, each, seed) for each in (Split.DEVELOPMENT, Split.TEST))
    seen = set(image_fingerprints(asked))
    usable = tuple(
        pair
        for pair in learnt
        if pair.image is None or not pair.image.is_file() or _of_file(pair.image) not in seen
    )
    said = fingerprints(learnt, set_sha256=pairs_sha256(pairs), seed=seed, except_images=seen)
    return usable, said


def first_shared(pairs: Iterable[Pair], development: Development) -> tuple[Pair, str] | None:
    """Return the first pair that touches what a method was made from, and how; ``None`` if none.

    Args:
        pairs: those that will be asked; one without a query never is.
        development: what the method was made from.

    Raises:
        DataError: an image that is there cannot be read.
    """
    asked = [pair for pair in pairs if pair.query]
    queries, images = frozenset(development.queries), frozenset(development.images)
    for pair in asked:
        if query_fingerprint(pair) in queries:
            return pair, "its query"
    for pair in asked if images else ():
        if pair.image and pair.image.is_file() and _of_file(pair.image) in images:
            return pair, "its image"
    return None


def query_fingerprint(pair: Pair) -> str:
    """Fingerprint a pair's query, whatever its case, spacing and closing marks."""
    return _fingerprint(normalised(pair.query).encode())


def image_fingerprints(pairs: Iterable[Pair]) -> list[str]:
    """Fingerprint the images that are there, each file once.

    Raises:
        DataError: one cannot be read.
    """
    files = {pair.image for pair in pairs if pair.image}
    return [_of_file(file) for file in sorted(files) if file.is_file()]


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()[:SHOWN_DIGITS]
    except OSError as error:
        raise DataError(f"{path}: the image cannot be read ({error.strerror})") from None


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SHOWN_DIGITS]


def _sorted(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(found)))
