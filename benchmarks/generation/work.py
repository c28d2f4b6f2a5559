"""What is asked: pairs of the shipped set, and for each request how long its answer is."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from vscbench.pairs.open import open_pairs
from vscbench.records import Request

# Drawn once, as answers of VLMs are spread: most are short, some go on.
MEDIAN_TOKENS = 60
SPREAD = 0.9
FEWEST_TOKENS, MOST_TOKENS = 4, 400


@dataclass(frozen=True, slots=True)
class Work:
    """Requests in the order of the file, and the length of each answer in tokens."""

    requests: tuple[Request, ...]
    limits: Mapping[tuple[str, int], int]

    def limit(self, request: Request) -> int:
        """Return how many tokens the answer to a request has."""
        return self.limits[request.pair_id, request.epoch]

    def every(self, count: int) -> "Work":
        """Return so many requests, from all over the file."""
        count = min(count, len(self.requests))
        places = [number * len(self.requests) // count for number in range(count)]
        return Work(tuple(self.requests[place] for place in places), self.limits)

    @property
    def tokens(self) -> int:
        """How many tokens are generated in all."""
        return sum(map(self.limit, self.requests))


def make_work(count: int, seed: int = 0) -> Work:
    """Take pairs of the shipped set in its order, again from the start where they do not do.

    Args:
        count: of the requests.
        seed: of the lengths.
    """
    pairs = open_pairs("embedded", Path()).pairs
    requests = tuple(
        Request(pair.id, 1 + number // len(pairs), pair.prompt, pair.image, None)
        for number, pair in enumerate(islice(cycle(pairs), count))
    )
    drawn = random.Random(seed)  # noqa: S311 - nothing secret
    limits = {
        (request.pair_id, request.epoch): _bounded(
            drawn.lognormvariate(math.log(MEDIAN_TOKENS), SPREAD)
        )
        for request in requests
    }
    return Work(requests, limits)


def _bounded(length: float) -> int:
    return max(FEWEST_TOKENS, min(MOST_TOKENS, round(length)))
