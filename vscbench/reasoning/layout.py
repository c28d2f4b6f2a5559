"""Where the lines, the code and the quotes of a text are: a mark in code or quotes is text."""

import re
from bisect import bisect_left
from typing import Final, NamedTuple

_BLANKS: Final = re.compile(r"\s*")
# What may stand before a thought that a text begins with: blanks, and whose turn it is.
_LEAD: Final = re.compile(
    r"[\s\ufeff\u200b]*(?:(?:<s>|<bos>|<\|assistant\|>|<\|(?:im_start|start)\|>\s*assistant"
    r"|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|assistant[ \t]*\n)"
    r"[\s\ufeff\u200b]*){0,3}"
)
_FENCED_LEAD: Final = re.compile(r"[\s\ufeff\u200b]*(?:```|~~~)\w*[ \t]*\n\s*")
_FENCE: Final = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_REST_OF_LINE: Final = re.compile(r"[ \t\r]*(?:\n|\Z)")
_QUOTE: Final = re.compile('`+|["\u201c\u201d\u00ab\u00bb\u300c\u300d\u300e\u300f]')
_QUOTES: Final = ('""', "``", "\u201c\u201d", "\u00ab\u00bb", "\u300c\u300d", "\u300e\u300f")
_AROUND: Final = frozenset((*_QUOTES, "''", "\u2018\u2019", "()", "**", "__"))
_WORD_BEFORE: Final = re.compile(r"[\w,;:(][ \t]")
_GOES_ON: Final = re.compile(r"[ \t][a-z]|[,;.:?!)]")


class Mark(NamedTuple):
    """A mark in a text; ``number`` is that of its expression in a grammar."""

    start: int
    end: int
    number: int


class Layout:
    """Looks at each line of a text once; marks are asked about from the left to the right.

    ``base`` is where the part of the text begins in which a mark stands.
    """

    def __init__(self, text: str) -> None:
        """Look at nothing but the fences and the beginning yet."""
        self._text = text
        self._fences = [match.start() for match in _FENCE.finditer(text)]
        self._line = (0, -1)
        self._quotes: dict[str, list[int]] = {}
        self._lead = (-1, 0)
        self._first_word = (-1, 0)
        self._fenced_lead = _end(_FENCED_LEAD, text, 0)

    def begins(self, base: int, mark: Mark) -> bool:
        """Whether nothing but blanks, and whose turn it is, comes before a mark."""
        if self._lead[0] != base:
            self._lead = (base, _end(_LEAD, self._text, base))
        return self._lead[1] >= mark.start

    def begins_fenced(self, mark: Mark) -> bool:
        """Whether the text begins with a fence, and that with a mark."""
        return self._fenced_lead == mark.start > 0

    def starts_line(self, base: int, mark: Mark) -> bool:
        """Whether a mark is the first of its line."""
        self._go_to(mark.start)
        begin = max(base, self._line[0])
        if self._first_word[0] != begin:
            self._first_word = (begin, _end(_BLANKS, self._text, begin))
        return self._first_word[1] >= mark.start

    def ends_line(self, mark: Mark) -> bool:
        """Whether a mark is the last of its line."""
        return _REST_OF_LINE.match(self._text, mark.end) is not None

    def is_text(self, base: int, mark: Mark) -> bool:
        """Whether a mark stands in code or in quotes."""
        self._go_to(mark.start)
        if is_enclosed(self._text, mark) or self._is_fenced(base, mark):
            return True
        begin = max(base, self._line[0])
        if begin == self._line[0] and self._text.startswith(">", begin):
            return True
        return bool(self._quotes) and any(self._is_within(both, begin, mark) for both in _QUOTES)

    def _is_fenced(self, base: int, mark: Mark) -> bool:
        before = bisect_left(self._fences, mark.start) - bisect_left(self._fences, base)
        return before % 2 == 1 and self._fences[-1] > mark.start

    def _is_within(self, both: str, begin: int, mark: Mark) -> bool:
        """Whether a mark stands between two quotes of one kind on its line."""
        opening, closing = (self._quotes.get(each, []) for each in both)
        if not closing or closing[-1] < mark.end:
            return False
        opened = bisect_left(opening, mark.start) - bisect_left(opening, begin)
        if both[0] == both[1]:
            return opened % 2 == 1
        return opened > bisect_left(closing, mark.start) - bisect_left(closing, begin)

    def _go_to(self, start: int) -> None:
        begin, end = self._line
        if start <= end:
            return
        begin = self._text.rfind("\n", max(0, end), start) + 1 or begin
        end = self._text.find("\n", start)
        self._line = (begin, len(self._text) if end < 0 else end)
        self._quotes = {}
        for match in _QUOTE.finditer(self._text, *self._line):
            self._quotes.setdefault(match[0][0], []).append(match.start())


def is_enclosed(text: str, mark: Mark) -> bool:
    """Whether a mark stands alone between two quotes, backticks, parentheses or the like."""
    return mark.start > 0 and text[mark.start - 1] + text[mark.end : mark.end + 1] in _AROUND


def is_mentioned(text: str, mark: Mark) -> bool:
    """Whether a mark stands in mid-sentence: a word before it, and the sentence goes on."""
    before = _WORD_BEFORE.fullmatch(text, max(0, mark.start - 2), mark.start)
    return before is not None and _GOES_ON.match(text, mark.end) is not None


def without_half_fence(text: str) -> str:
    """Drop a fence at either end of a text whose other half is gone."""
    fences = list(_FENCE.finditer(text))
    for fence in fences[:: max(1, len(fences) - 1)] if len(fences) % 2 else ():
        end = _end(_REST_OF_LINE, text, fence.end())
        if end > fence.end() or end == len(text):
            before, behind = text[: fence.start()], text[end:]
            if not (before.strip() and behind.strip()):
                return before + behind
    return text


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
