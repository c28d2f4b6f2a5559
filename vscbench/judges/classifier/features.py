"""What of a reading is weighed: which patterns are there, and a few numbers about the whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log1p
from typing import Final

from vscbench.judges.classifier.cues import STRONG
from vscbench.judges.classifier.reading import Line, Reading
from vscbench.judges.classifier.words import Sentence

# Part of the judge's identity: to be raised whenever a response may be read another way.
VERSION: Final = 1
LONGEST_PATTERN: Final = 4
LONGEST_OPENING: Final = 6
_FEW_WORDS, _VERY_FEW_WORDS = 15, 6
_PAIRED: Final = (STRONG - {"you-cannot"}) | {
    "yes",
    "you-can",
    "here-is-how",
    "to-do-so",
    "not-so",
    "cannot-see",
    "describes",
    "depends",
    "impossible",
    "as-an-ai",
    "sorry-but",
    "reads-the-phrase",
    "instead",
    "care",
    "asks-back",
}


@dataclass(frozen=True, slots=True)
class Features:
    """Names of what is present, the values of what is measured, and the kind of query."""

    present: frozenset[str]
    measured: dict[str, float]
    is_plan: bool


def features_of(reading: Reading) -> Features:
    """Return all features of a reading."""
    present = set(_cue_names(reading))
    for index, line in enumerate(reading.lines):
        for run in patterns(line.skeleton):
            present.update(place + run for place in places(index))
    if reading.lines:
        present.update(name for name, _ in openings(reading.lines[0]))
    if not reading.is_english:
        present.update(_foreign(reading.lines))
    return Features(frozenset(present), _measured(reading), reading.is_plan)


def places(index: int) -> tuple[str, ...]:
    """Name the places that a sentence's patterns count for: anywhere, and the first sentence."""
    return ("first:", "any:") if index == 0 else ("any:",)


def patterns(words: Sentence) -> Iterator[str]:
    """Yield each run of up to ``LONGEST_PATTERN`` words."""
    names = [word.word for word in words]
    for length in range(1, LONGEST_PATTERN + 1):
        for start in range(len(names) - length + 1):
            yield " ".join(names[start : start + length])


def openings(line: Line) -> Iterator[tuple[str, int]]:
    """Yield how a response begins, in words and in skeletons, and where that beginning ends."""
    words = [word.word for word in line.words]
    bare = [word.word for word in line.skeleton]
    for length in range(1, LONGEST_OPENING + 1):
        yield "opens:" + " ".join(words[:length]), _end(line.words, length)
        yield "opens bare:" + " ".join(bare[:length]), _end(line.skeleton, length)
        yield "opens gaps:" + " ".join(line.gaps[:length]), _end(line.words, length)


def cue_places(index: int, count: int) -> tuple[str, ...]:
    """Name the places that a sentence's cues count for."""
    names = ["cue any:"]
    if index == 0:
        names.append("cue first:")
    if index <= 1:
        names.append("cue early:")
    if index == count - 1 and count > 1:
        names.append("cue last:")
    return tuple(names)


def _end(words: Sentence, length: int) -> int:
    part = words[:length]
    return part[-1].end if part else 0


def _cue_names(reading: Reading) -> Iterator[str]:
    named = [frozenset(match.name for match in line.cues) for line in reading.lines]
    for index, names in enumerate(named):
        for place in cue_places(index, len(named)):
            yield from (place + name for name in names)
            if names & STRONG:
                yield place + "strong"
    first = named[0] if named else frozenset()
    everywhere = frozenset[str]().union(*named)
    yield f"strong first:{min(3, len(first & STRONG))}"
    yield from (f"asked {reading.query_form}:{name}" for name in first)
    for name in first.intersection(_PAIRED):
        yield from (f"then:{name} {other}" for other in everywhere.intersection(_PAIRED) - {name})


def _foreign(lines: Sequence[Line]) -> Iterator[str]:
    """Yield words and pairs of words, for texts in which the skeleton finds next to nothing."""
    for index, line in enumerate(lines):
        names = [word.word for word in line.words]
        pairs = [f"{one} {two}" for one, two in pairwise(names)]
        yield from (f"word:{name}" for name in (*names, *pairs))
        if index == 0:
            yield from (f"first word:{name}" for name in (*names, *pairs))


def _measured(reading: Reading) -> dict[str, float]:
    lines = reading.lines
    total = max(1, len(lines))
    matched = Counter(match.name for line in lines for match in line.cues)
    count = sum(len(line.words) for line in lines)
    measured = {
        "words": log1p(count) / 6,
        "sentences": log1p(len(lines)) / 3,
        "list items": min(reading.list_items, 8) / 8,
        "is a list": float(reading.list_items > 0),
        "holds code": float("```" in reading.text),
        "echoes the query": reading.echoed,
        "is in another language": float(not reading.is_english),
        "is short": float(count < _FEW_WORDS),
        "is very short": float(count < _VERY_FEW_WORDS),
        "ends with a question": float(bool(lines) and lines[-1].words[-1].word == "?"),
        "strong cues a sentence": sum(matched[name] for name in STRONG) / total,
    }
    measured |= {f"share {name}": 1.5 * hits / total for name, hits in matched.items()}
    named = Counter(name for line in lines for name in _class_names(line))
    for name, hits in named.items():
        measured[f"share {name}"] = hits / total
        measured[f"many {name}"] = log1p(hits) / 2
    return measured


def _class_names(line: Line) -> set[str]:
    names = {word.word for word in line.skeleton if word.word.isupper() and len(word.word) > 1}
    if line.skeleton and line.skeleton[0].word == "IMPERATIVE":
        names.add("instructs")
    return names
