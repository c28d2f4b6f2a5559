"""The few places of a response that spoke most for a verdict, in its own letters."""

from collections.abc import Iterator
from typing import Final

from vscbench.judges.classifier.features import cue_places, openings
from vscbench.judges.classifier.reading import Reading
from vscbench.judges.classifier.weights import Question

MOST: Final = 3
LONGEST: Final = 80

Place = tuple[int, int]


def evidence(reading: Reading, question: Question, *, speaks_for: bool) -> tuple[str, ...]:
    """Return up to three parts of the response, the weightiest first.

    They are the cues that spoke for yes (or for no) to a question; where none did, it is how the
    response begins. Each stands so in the text, and has at most ``LONGEST`` characters.
    """
    sign = 1 if speaks_for else -1
    weighed = sorted((-sign * weight, place) for place, weight in _weighed_cues(reading, question))
    chosen: list[Place] = []
    for against, (start, end) in weighed:
        apart = all(end <= other_start or other_end <= start for other_start, other_end in chosen)
        if against < 0 and apart and end - start <= LONGEST and len(chosen) < MOST:
            chosen.append((start, end))
    return tuple(reading.text[start:end] for start, end in chosen or _beginning(reading))


def _weighed_cues(reading: Reading, question: Question) -> Iterator[tuple[Place, int]]:
    """Yield every cue's place, with what all features that come from it there add up to."""
    count = len(reading.lines)
    weights = question.for_query(is_plan=reading.is_plan).weights
    for index, line in enumerate(reading.lines):
        for match in line.cues:
            names = [place + match.name for place in cue_places(index, count)]
            if index == 0:
                names.append(f"asked {reading.query_form}:{match.name}")
            yield (match.start, match.end), sum(weights.get(name, 0) for name in names)


def _beginning(reading: Reading) -> list[Place]:
    if not reading.lines:
        return []
    start = reading.lines[0].words[0].start
    ends = [end for name, end in openings(reading.lines[0]) if name.startswith("opens:")]
    return [(start, max((end for end in ends if end - start <= LONGEST), default=start + LONGEST))]
