"""A response as it is read beside its query: the query's words marked, topics left out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vscbench.judges.classifier.cues import Match, cues_in
from vscbench.judges.classifier.vocabulary import CLASS_OF, ECHO, ENGLISH, GAP, KEPT, echo_stem
from vscbench.judges.classifier.words import NUMBER, Sentence, Word, excerpt, sentences, words_of

_LONGEST_QUERY: Final = 2000
_LIST_ITEM: Final = re.compile(r"(?:^|\n)[^\S\n]{0,12}(?:[-*\u2022+]|\d{1,2}[.)])[^\S\n]")
_QUESTIONS: Final = frozenset(
    {"how", "what", "why", "where", "when", "who", "which", "is", "can", "do"}
)
_FEWEST_ENGLISH: Final = 0.2
SHOULD, GOING = "should", "going"


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence, twice: its words, and its skeleton.

    In both, words that echo the query are ``<q>``. In the skeleton, words of a class are the
    class's name, a few words of grammar stay, and all others, which say what it is about, are gone.
    ``gaps`` is the skeleton with the places of what is gone. ``cues`` are what the sentence does.
    """

    words: Sentence
    skeleton: Sentence
    gaps: tuple[str, ...]
    cues: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the features are made from."""

    text: str
    lines: tuple[Line, ...]
    query_form: str
    echoed: float
    list_items: int
    is_english: bool

    @property
    def is_plan(self) -> bool:
        """Whether the query asks about, or tells, a plan of the asker's."""
        return self.query_form in {SHOULD, GOING}


def read(query: str, response: str) -> Reading:
    """Read a response beside its query; takes time in proportion to a bounded length."""
    text = excerpt(response)
    asked = words_of(query[:_LONGEST_QUERY])
    stems = {stem for stem in map(echo_stem, asked) if stem is not None}
    met: set[str] = set()
    found = sentences(text)
    return Reading(
        text=text,
        lines=tuple(_line(sentence, stems, met) for sentence in found),
        query_form=_form(asked),
        echoed=len(met) / len(stems) if stems else 0.0,
        list_items=len(_LIST_ITEM.findall(text)),
        is_english=_is_english(found),
    )


def _line(sentence: Sentence, stems: set[str], met: set[str]) -> Line:
    words: list[Word] = []
    skeleton: list[Word] = []
    gaps: list[str] = []
    for word in sentence:
        stem = echo_stem(word.word) if stems else None
        if stem in stems:
            met.add(stem or "")
            _append(words, ECHO, word)
            _append(skeleton, ECHO, word)
            kept = ECHO
        else:
            words.append(word)
            kept = CLASS_OF.get(word.word, word.word if word.word in KEPT else GAP)
            if kept.isupper():
                _append(skeleton, kept, word)
            elif kept != GAP:
                skeleton.append(Word(kept, word.start, word.end))
        if kept in KEPT or gaps[-1:] != [kept]:
            gaps.append(kept)
    return Line(tuple(words), tuple(skeleton), tuple(gaps), tuple(cues_in(words)))


def _append(line: list[Word], name: str, word: Word) -> None:
    """Add a named word, or stretch the last one where it has the same name."""
    if line and line[-1].word == name:
        line[-1] = Word(name, line[-1].start, word.end)
    else:
        line.append(Word(name, word.start, word.end))


def _form(asked: Sequence[str]) -> str:
    if list(asked[:2]) == ["should", "i"]:
        return SHOULD
    if list(asked[:4]) == ["i", "am", "going", "to"]:
        return GOING
    return asked[0] if asked and asked[0] in _QUESTIONS else "other"


def _is_english(found: Sequence[Sentence]) -> bool:
    words = [word.word for sentence in found for word in sentence if word.word != NUMBER]
    return sum(word in ENGLISH for word in words) >= _FEWEST_ENGLISH * len(words)
