"""The nouns of the road from a pair to its outcome: frozen, typed, passed on.

What is asked and answered stands in no ``repr``: those end up in the logs and reports of pytest and
of its plugins.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Label(StrEnum):
    """What a well-calibrated model owes a pair: an answer (safe) or a refusal (unsafe)."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Scenario(StrEnum):
    """Where the risk of a pair lies: in its image or in its text."""

    IMAGE_CENTRIC = "image-centric"
    TEXT_CENTRIC = "text-centric"


class Variant(StrEnum):
    """How the text of a text-centric pair reaches the model."""

    TEXT = "text"
    SEARCH = "search"
    TYPOGRAPHY = "typography"
    CONCAT = "concat"
    FIGSTEP = "figstep"


class Kind(StrEnum):
    """What became of a case; the first four are the paper's classes 0 to 3, from a judge."""

    REFUSED = "refused"
    FLAGGED = "flagged"
    ANSWERED = "answered"
    IRRELEVANT = "irrelevant"
    BLOCKED = "blocked"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NO_FINAL_ANSWER = "no-final-answer"
    TARGET_ERROR = "target-error"
    JUDGE_ERROR = "judge-error"

    @property
    def is_error(self) -> bool:
        """Whether nothing can be said of the case: it moves no rate and lowers coverage."""
        return self in {Kind.TARGET_ERROR, Kind.JUDGE_ERROR}

    @property
    def is_safe_behaviour(self) -> bool:
        """Whether it is what an unsafe pair is owed: refused, flagged or blocked."""
        return self in {Kind.REFUSED, Kind.FLAGGED, Kind.BLOCKED}


# Names a case: the id of its pair, and which time the pair is asked, from 1.
CaseKey = tuple[str, int]
FIRST_EPOCH = 1

# The paper's classes 0 to 3, in their order: what a judge can say of a model's words.
CLASSES = (Kind.REFUSED, Kind.FLAGGED, Kind.ANSWERED, Kind.IRRELEVANT)


class Cause(StrEnum):
    """Why nothing can be said of a case."""

    RATE_LIMIT = "rate limit"
    SERVER_ERROR = "server error"
    CONNECTION = "connection"
    TIME_OUT = "time-out"
    UNREADABLE = "unreadable answer"
    AUTHENTICATION = "not authenticated"
    QUOTA = "quota"
    NOT_FOUND = "not found"
    BAD_REQUEST = "bad request"
    IMAGE = "image"
    NOT_STORED = "not in the store"
    JUDGE = "judge"
    OTHER = "other"

    @property
    def is_transient(self) -> bool:
        """Whether the same request may well succeed a little later."""
        return self in {
            Cause.RATE_LIMIT,
            Cause.SERVER_ERROR,
            Cause.CONNECTION,
            Cause.TIME_OUT,
            Cause.UNREADABLE,
        }

    @property
    def is_fatal(self) -> bool:
        """Whether every other request will fail for the same reason."""
        return self in {Cause.AUTHENTICATION, Cause.QUOTA, Cause.NOT_FOUND}


class Finish(StrEnum):
    """Why a response ended."""

    STOP = "stop"
    LENGTH = "length"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Pair:
    """One image (or none) with one query and a label; the unit of the benchmark.

    ``query`` is what the judge reads; ``prompt`` is what the model is sent. ``query`` is empty
    where the data set has none: such a pair is listed and skipped. ``source`` names the file,
    row and column the pair came from, for error messages.
    """

    id: str
    label: Label
    scenario: Scenario
    category: str
    type: str | None
    variant: Variant | None
    query: str = field(repr=False)
    prompt: str = field(repr=False)
    image: Path | None
    image_sha256: str | None
    contrast_id: str | None
    cluster_id: str
    source: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question and how it should be answered, shown to a model before it is asked."""

    prompt: str = field(repr=False)
    image: Path | None
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revision:
    """How a local model's activations are to be changed while it answers.

    ``file`` holds the directions and their places, ``sha256`` is that of its bytes; ``alpha`` says
    how many standard deviations far they are pushed. ``threshold`` is how probable it must be, by
    the file's gate, that the request is unsafe; ``None`` where it is done whatever is asked.
    """

    file: Path
    sha256: str
    alpha: float
    threshold: float | None = None


# The name and key of the calibration method that changes nothing.
NO_METHOD = "none"


@dataclass(frozen=True, slots=True)
class Request:
    """What one pair, in one epoch, asks of the model under test; or what a judge asks of its own.

    ``answer`` is what an assistant said to the prompt, for a judge's model that is sent a
    conversation to read; a pair has none. ``demonstrations`` come before the prompt as turns of
    the same conversation. ``method`` is the key of the calibration method that made the request.
    """

    pair_id: str
    epoch: int
    prompt: str = field(repr=False)
    image: Path | None
    system: str | None = field(repr=False)
    answer: str | None = field(default=None, repr=False)
    demonstrations: tuple[Demonstration, ...] = ()
    revision: Revision | None = None
    method: str = NO_METHOD


@dataclass(frozen=True, slots=True)
class Response:
    """What the model under test gave back.

    ``reason`` holds a block's cause in the provider's own words. ``served_model`` and
    ``fingerprint`` are the version that answered, as far as the provider names it.
    ``completion_tokens`` include those of reasoning. ``image_change`` says how the image was
    altered before it was sent (scaled, converted), or is ``None``. ``latency_s`` is how long the
    model took, where it says so itself because requests wait for it in a queue of our own.
    ``reasoning`` is what is set apart from the final answer: what the provider gave as such, what
    the model wrote around its answer (``vscbench.reasoning``), and what a calibration method asked
    for. A response of reasoning without a text has no final answer. ``ending`` is the
    provider's own word for how the answer ended, where it gave one.
    """

    text: str = field(repr=False)
    finish: Finish = Finish.STOP
    reason: str | None = field(default=None, repr=False)
    served_model: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    image_change: str | None = None
    fingerprint: str | None = None
    latency_s: float | None = None
    reasoning: str | None = field(default=None, repr=False)
    ending: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a judge reads: a query, the response to it, and the image that was asked about.

    ``response_key`` is the response's address in the store, where it has one.
    """

    query: str = field(repr=False)
    response: str = field(repr=False)
    image: Path | None = None
    response_key: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's reading of one response.

    ``kind`` is one of the paper's four classes, or ``blocked`` where the text is no model's words
    but a client's record of a provider's block.
    """

    kind: Kind
    judge: str
    probability: float | None = None
    evidence: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case, decided: its kind, and everything that led to it.

    ``response_key`` is the response's address in the store, where there is one; ``cached`` says
    that the response was there already. ``latency_s`` is that of the request that was answered.
    """

    pair: Pair
    epoch: int
    kind: Kind
    response: Response | None = None
    verdict: Verdict | None = None
    error: str | None = field(default=None, repr=False)
    latency_s: float | None = None
    cause: Cause | None = None
    response_key: str | None = None
    cached: bool = False

    @property
    def truncated(self) -> bool:
        """Whether the response was cut by length, with or without visible text."""
        return self.response is not None and self.response.finish is Finish.LENGTH


def image_centric_pair_id(category: str, row: int, label: Label, index: int) -> str:
    """Name the pair of one image in row ``row`` (from 0, within its category)."""
    return f"image-{category}-{row:02d}-{label}-{index}"


def text_centric_pair_id(type_name: str, row: int, variant: Variant) -> str:
    """Name the pair of row ``row`` (from 0, within its type) in one variant."""
    return f"text-{type_name}-{row:02d}-{variant}"
