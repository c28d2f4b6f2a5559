"""What every store of responses and verdicts looks like to the rest of the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vscbench.models.images import ImageFacts
from vscbench.records import Response, Verdict


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response and where it belongs.

    ``model`` is the name that outputs carry. ``latency_s`` is that of the request that was
    answered. ``created`` is in seconds since 1970, UTC.
    """

    key: str
    pair_id: str
    epoch: int
    model: str
    response: Response
    latency_s: float | None
    created: float


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict and the response that it was first given on."""

    key: str
    response_key: str
    verdict: Verdict
    created: float


StoredRecord = StoredResponse | StoredVerdict


class Store(Protocol):
    """Keeps what was paid for. Safe to use from several threads and processes at once.

    Every method raises ``StoreError`` where the store cannot be used; what was in it stays.
    """

    def responses(self, keys: Sequence[str]) -> dict[str, StoredResponse]:
        """Return the newest response of each key that has one."""

    def verdicts(self, keys: Sequence[str]) -> dict[str, StoredVerdict]:
        """Return the newest verdict of each key that has one."""

    def add(self, records: Sequence[StoredRecord]) -> None:
        """Store all records or none; they are durable when this returns.

        A record whose key is there already does not replace it: the newest is what is read.
        """

    def opening(self, key: str) -> Mapping[str, object] | None:
        """Return what a model last said of itself when it was opened, or ``None``."""

    def remember_opening(self, key: str, facts: Mapping[str, object]) -> None:
        """Store what a model said of itself when it was opened; ``facts`` are JSON."""

    def image_digest(self, path: Path) -> str:
        """Return the SHA-256 of a file's bytes, in hex; an unchanged file is not read again.

        Raises:
            DataError: the file cannot be read.
        """

    def image_facts(self, path: Path) -> ImageFacts | None:
        """Return what decides how an image is sent; ``None`` for a file that does not decode.

        It is found once for the same bytes, wherever they lie.

        Raises:
            DataError: the file cannot be read.
        """

    def remember_whole(self, path: Path) -> None:
        """Remember that every pixel of an image, of which facts are known, was decoded."""

    def close(self) -> None:
        """Release the store; twice is harmless."""
