"""What a vector file says of itself: the model it was made for, its places, and from what."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeVar, cast, get_args

FORMAT: Final = "vscbench-revision-1"
Level = Literal["layer", "head"]
VectorKind = Literal["mass-mean", "probe"]
SampleKind = Literal["texts", "response", "responses"]
# A header that says more is hostile: no model has so many layers, heads or numbers in a layer.
MOST: Final = 10_000_000
GREATEST: Final = 1e30
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Place:
    """A layer, or a head of it, both from 0; ``head`` is ``None`` at the level of layers.

    ``accuracy`` is that of its probe on held-out samples, from 0 to 1; ``spread`` the standard
    deviation of the activations along the direction, in the activations' own unit.
    """

    layer: int
    head: int | None
    accuracy: float
    spread: float


@dataclass(frozen=True, slots=True)
class Gate:
    """A probe on the prompt's last token: is the request unsafe?

    ``layer`` is the one whose output it reads; ``threshold`` the probability above which the
    activations are revised, as it was chosen on the development split.
    """

    layer: int
    accuracy: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Development:
    """What the directions were made from: no pair that is asked may touch it.

    ``clusters`` are names of clusters, ``queries`` and ``images`` fingerprints.
    """

    pairs_sha256: str
    seed: int
    clusters: tuple[str, ...]
    queries: tuple[str, ...]
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorHeader:
    """Everything that a vector file says of its directions.

    ``model`` is the model's name as it was given, ``weights_sha256`` the digest of its checkpoint,
    ``commit`` the hub's where it has one. ``hidden_size``, ``layers``, ``heads`` and ``head_size``
    are those of its decoder. ``alpha`` was chosen on the development split, from ``curve``, whose
    entries are kept as they are. ``version`` is vscbench's.
    """

    level: Level
    vector: VectorKind
    samples: SampleKind
    model: str
    weights_sha256: str
    commit: str | None
    dtype: str
    hidden_size: int
    layers: int
    heads: int
    head_size: int
    places: tuple[Place, ...]
    alpha: float | None
    curve: tuple[Mapping[str, Any], ...]
    gate: Gate | None
    samples_sha256: str
    development: Development
    version: str


def width_of(header: VectorHeader) -> int:
    """Return how many numbers a direction has."""
    return header.hidden_size if header.level == "layer" else header.head_size


def pack_header(header: VectorHeader) -> dict[str, Any]:
    """Write a header as JSON can hold it."""
    said = {
        "format": FORMAT,
        **{name: getattr(header, name) for name in VectorHeader.__dataclass_fields__},
        "places": [asdict(each) for each in header.places],
        "curve": [dict(each) for each in header.curve],
        "gate": None if header.gate is None else asdict(header.gate),
        "development": asdict(header.development),
    }
    unpack_header(said)
    return said


def unpack_header(said: Mapping[str, Any]) -> VectorHeader:
    """Read and check what ``pack_header`` wrote.

    Raises:
        ValueError: something is missing, of another kind, or beyond what the rest allows.
    """
    if said.get("format") != FORMAT:
        raise ValueError(f"its format is {said.get('format')!r}; known is {FORMAT!r}")
    level = _one_of(said, "level", get_args(Level))
    layers, heads = _whole(said, "layers", 1), _whole(said, "heads", 1)
    most_heads = heads if level == "head" else None
    places = tuple(_place(each, layers, most_heads) for each in _list(said, "places", dict))
    named = {(place.layer, place.head) for place in places}
    if not places or len(named) < len(places):
        raise ValueError("its places are none, or one of them is there twice")
    return VectorHeader(
        level=cast(Level, level),
        vector=cast(VectorKind, _one_of(said, "vector", get_args(VectorKind))),
        samples=cast(SampleKind, _one_of(said, "samples", get_args(SampleKind))),
        model=_text(said, "model"),
        weights_sha256=_digest(said, "weights_sha256"),
        commit=_or_none(said, "commit", _text),
        dtype=_text(said, "dtype"),
        hidden_size=_whole(said, "hidden_size", 1),
        layers=layers,
        heads=heads,
        head_size=_whole(said, "head_size", 1),
        places=places,
        alpha=_or_none(said, "alpha", _number),
        curve=tuple(_list(said, "curve", dict)),
        gate=_or_none(said, "gate", lambda all_of_it, name: _gate(all_of_it[name], layers)),
        samples_sha256=_digest(said, "samples_sha256"),
        development=_development(said.get("development")),
        version=_text(said, "version"),
    )


def _place(said: Mapping[str, Any], layers: int, heads: int | None) -> Place:
    if heads is None and said.get("head") is not None:
        raise ValueError("a place names a head, and its level is that of layers")
    return Place(
        layer=_whole(said, "layer", 0, layers - 1),
        head=None if heads is None else _whole(said, "head", 0, heads - 1),
        accuracy=_number(said, "accuracy", 0, 1),
        spread=_number(said, "spread", 0),
    )


def _gate(said: object, layers: int) -> Gate:
    if not isinstance(said, dict):
        raise ValueError("its gate is no JSON object")
    return Gate(
        layer=_whole(said, "layer", 0, layers - 1),
        accuracy=_number(said, "accuracy", 0, 1),
        threshold=_number(said, "threshold", 0, 1),
    )


def _development(said: object) -> Development:
    if not isinstance(said, dict):
        raise ValueError("its development is no JSON object")
    return Development(
        pairs_sha256=_digest(said, "pairs_sha256"),
        seed=_whole(said, "seed", -(2**63), 2**64),
        clusters=tuple(_list(said, "clusters", str)),
        queries=tuple(_list(said, "queries", str)),
        images=tuple(_list(said, "images", str)),
    )


def _one_of(said: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    if said.get(name) not in known:
        raise ValueError(f"its {name} is {said.get(name)!r}, which is none of {', '.join(known)}")
    return str(said[name])


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")
    return value


def _digest(said: Mapping[str, Any], name: str) -> str:
    value = _text(said, name)
    if not DIGEST.fullmatch(value):
        raise ValueError(f"its {name} is no SHA-256 in hexadecimal digits")
    return value


def _whole(said: Mapping[str, Any], name: str, low: int, high: int = MOST) -> int:
    value = said.get(name)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"its {name} is no whole number from {low} to {high}")
    return value


def _number(
    said: Mapping[str, Any], name: str, low: float = -math.inf, high: float = math.inf
) -> float:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"its {name} is no number")
    # Written so that what is no number fails as well.
    if not -GREATEST <= value <= GREATEST or not low <= value <= high:
        raise ValueError(f"its {name} is out of bounds")
    return float(value)


def _list(said: Mapping[str, Any], name: str, kind: type[Part]) -> list[Part]:
    value = said.get(name)
    if not isinstance(value, list | tuple) or not all(isinstance(each, kind) for each in value):
        raise ValueError(f"its {name} is no list as it should be")
    return list(value)


def _or_none(
    said: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any], str], Part]
) -> Part | None:
    return None if said.get(name) is None else read(said, name)
