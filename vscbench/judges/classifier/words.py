"""From text to its words: typography undone, contractions written out, each word's place kept."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# A response is read whole up to this many characters; of a longer one, the start and the end.
HEAD, TAIL = 1600, 400
NUMBER: Final = "0"

# Signs that join letters into one word: soft hyphens, zero-width and bidirectional marks, accents
# and vowel signs that stand as characters of their own.
_JOINERS: Final = (
    "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957"
)
_APOSTROPHES: Final = "'`\u00b4\u02bc\u2018\u2019\u201b\u2032\uff07"
_RUN: Final = re.compile(rf"[\w{_JOINERS}]+(?:[{_APOSTROPHES}][\w{_JOINERS}]+)*")
_INVISIBLE: Final = re.compile("[_\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_APOSTROPHE: Final = re.compile(f"[{_APOSTROPHES}]")
# Written without spaces, so that each character is read as a word.
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_SENTENCE_END: Final = re.compile(r"[.!?\u2026\u061f\u0964][^\w\s]{0,8}\s|[\u3002\uff01\uff1f]")
_SIGNS: Final = {"?": "?", "!": "!", ":": ":", "\uff1f": "?", "\uff01": "!", "\u061f": "?"}

_IRREGULAR: Final = {
    "cannot": ("can", "not"),
    "can't": ("can", "not"),
    "cant": ("can", "not"),
    "won't": ("will", "not"),
    "wont": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "isnt": ("is", "not"),
    "shouldnt": ("should", "not"),
    "im": ("i", "am"),
}
_ENDINGS: Final = {"re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am"}
_TAKES_IS: Final = frozenset(
    {"it", "that", "this", "there", "here", "what", "he", "she", "who", "how", "where"}
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is compared, and where it stands: ``text[start:end]``."""

    word: str
    start: int
    end: int


Sentence = tuple[Word, ...]


def excerpt(text: str) -> str:
    """Return the part of a text that is read: all of it, or the start and the end of a long one."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def sentences(text: str) -> list[Sentence]:
    """Split a text into sentences of words; what holds no word (a bare number, a rule) is left out.

    Question marks, exclamation marks and colons are words of their own. Markdown's signs, curly
    quotes, case, zero-width characters and the width of letters make no difference.
    """
    found: list[Sentence] = []
    words: list[Word] = []
    end = 0
    for run in _RUN.finditer(text):
        gap = text[end : run.start()]
        if gap != " " and _closes(gap, end, words):
            found.append(tuple(words))
            words = []
        words += [Word(word, run.start(), run.end()) for word in _words_of(run[0])]
        end = run.end()
    _closes(text[end : end + HEAD], end, words)
    return [sentence for sentence in (*found, tuple(words)) if any(map(_has_letters, sentence))]


def words_of(text: str) -> list[str]:
    """Return the words of a text, sentences run together, without signs."""
    return [word for run in _RUN.finditer(text) for word in _words_of(run[0])]


def _closes(gap: str, start: int, words: list[Word]) -> bool:
    """Add the signs between two words to the sentence, and say whether it ends there."""
    for place, character in enumerate(gap, start):
        if character in _SIGNS and words:
            words.append(Word(_SIGNS[character], place, place + 1))
    return "\n" in gap or _SENTENCE_END.search(gap) is not None


def _has_letters(word: Word) -> bool:
    return word.word != NUMBER and word.word[0] not in "?!:"


def _words_of(run: str) -> tuple[str, ...]:
    if run.isalpha() and run.isascii():
        word = run.lower()
        return _IRREGULAR.get(word, (word,))
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", run)).lower()
    plain = _APOSTROPHE.sub("'", plain).strip("'")
    if _UNSPACED.search(plain):
        return tuple(plain)
    if plain.isdigit():
        return (NUMBER,)
    return _expanded(plain) if plain else ()


def _expanded(word: str) -> tuple[str, ...]:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    stem, apostrophe, ending = word.partition("'")
    if not apostrophe:
        return (word,)
    if ending == "t" and stem.endswith("n") and len(stem) > 1:
        return (stem[:-1], "not")
    if ending == "s":
        return (stem, "is") if stem in _TAKES_IS else (stem,)
    return tuple(part for part in (stem, _ENDINGS.get(ending, ending)) if part)
