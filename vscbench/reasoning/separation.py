"""The reasoning in a text, set apart: one scan for all forms, in time that grows with the text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from vscbench.reasoning.forms import (
    ANSWER_FORMS,
    BUILT_IN_FORMS,
    TAG_BEGINS,
    Marks,
    ReasoningForm,
)
from vscbench.reasoning.layout import (
    Layout,
    Mark,
    is_enclosed,
    is_mentioned,
    without_half_fence,
)
from vscbench.reasoning.wrapping import unwrapped
from vscbench.records import Finish


def separate_reasoning(
    text: str,
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
    finish: Finish = Finish.STOP,
) -> tuple[str, str | None]:
    """Return the final answer in a text, and the reasoning around it; ``None`` where there is none.

    - A thought that is never closed reaches to the end. In mid-sentence an opening mark that is
      never closed is a mention, and stays text; a phrase that is never closed is a heading, unless
      ``finish`` says that the text was cut.
    - A closing mark without an opening one, which then stood in the prompt, makes reasoning of
      all before it.
    - Of several thoughts each is set apart; what is between them is part of the answer.
    - Marks in code (fenced, or between backticks), in quotes and in quoted lines are text.

    A text without marks comes back as it is.
    """
    grammar = _grammar(tuple(forms))
    marks = grammar.marks_in(text)
    if not marks:
        return text, None
    scan = _Scan(text, marks, grammar, finish)
    parts = scan.parts()
    if not any(part.is_thought for part in parts):
        return text, None
    reasoning = "\n\n".join(
        part.text.strip() for part in parts if part.is_thought and part.text.strip()
    )
    answer = _joined([part.text for part in parts if not part.is_thought and part.text.strip()])
    if scan.began_fenced:
        answer = without_half_fence(answer)
    return unwrapped(answer), reasoning or None


def _joined(pieces: Sequence[str]) -> str:
    """Join pieces of an answer, so that no two words of it become one."""
    gaps = ("" if a[-1].isspace() or b[0].isspace() else " " for a, b in pairwise(pieces))
    return "".join(gap + piece for gap, piece in zip(("", *gaps), pieces, strict=False))


class _Part(NamedTuple):
    is_thought: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Grammar:
    """Forms, made ready for a scan; marks are known by numbers.

    ``closings`` are the marks that close each opening one; ``openings`` those that each closing
    one may belong to. ``kinds`` are those of all marks. ``answers`` open a final answer.
    """

    pattern: re.Pattern[str]
    kinds: Mapping[int, Marks]
    closings: Mapping[int, frozenset[int]]
    openings: Mapping[int, frozenset[int]]
    answers: frozenset[int]

    def marks_in(self, text: str) -> list[Mark]:
        """Return all marks; nothing where there are none of reasoning."""
        found = [
            Mark(match.start(), match.end(), int(str(match.lastgroup)[1:]))
            for match in self.pattern.finditer(text)
        ]
        return found if any(each.number not in self.answers for each in found) else []


@lru_cache(maxsize=16)
def _grammar(forms: tuple[ReasoningForm, ...]) -> _Grammar:
    numbers: dict[str, int] = {}
    kinds: dict[int, Marks] = {}
    closings: dict[int, frozenset[int]] = {}
    openings: dict[int, frozenset[int]] = {}
    for form in forms:
        opening = numbers.setdefault(form.opening, len(numbers))
        closing = numbers.setdefault(form.closing, len(numbers))
        for mark in (opening, closing):
            kinds.setdefault(mark, form.marks)
        closings[opening] = closings.get(opening, frozenset()) | {closing}
        openings[closing] = openings.get(closing, frozenset()) | {opening}
    answers = {
        numbers.setdefault(mark, len(numbers)) for mark, _ in ANSWER_FORMS if mark not in numbers
    }
    return _Grammar(re.compile(_one_of(numbers)), kinds, closings, openings, frozenset(answers))


def _one_of(numbers: Mapping[str, int]) -> str:
    """Return one expression for all marks, which tries at each place only what can begin there."""
    branches: dict[str, list[str]] = {}
    for mark, number in numbers.items():
        branches.setdefault(_beginning(mark), []).append(f"(?P<m{number}>{mark})")
    characters = "".join({begins[: 1 + begins.startswith("\\")] for begins in branches})
    either = (f"(?={begins})(?:{'|'.join(marks)})" for begins, marks in branches.items())
    return f"(?=[{characters}])(?:{'|'.join(either)})"


def _beginning(mark: str) -> str:
    """Return the expression of a mark's first two characters, or of how all tags begin."""
    if mark.startswith("(?i:<"):
        return TAG_BEGINS
    return "".join(re.findall(r"\\?.", mark.removeprefix("(?:"), re.DOTALL)[:2])


class _Scan:
    """One pass over the marks of a text, from the left.

    ``_base`` is where the answer goes on behind the last thought.
    """

    def __init__(self, text: str, marks: Sequence[Mark], grammar: _Grammar, finish: Finish) -> None:
        self.began_fenced = False
        self._text = text
        self._marks = marks
        self._grammar = grammar
        self._finish = finish
        self._layout = Layout(text)
        self._base = 0
        self._parts: list[_Part] = []
        self._only_thoughts = 0  # so many of the first parts are, whatever they were taken for
        self._seen: set[int] = set()
        self._opened: set[int] = set()
        # The last place of each mark at which a thought can end.
        self._last = {
            mark.number: place for place, mark in enumerate(marks) if not is_enclosed(text, mark)
        }

    def parts(self) -> list[_Part]:
        """Return what is thought and what is answer, in order."""
        place = 0
        while place < len(self._marks):
            mark = self._marks[place]
            if mark.number in self._grammar.closings:
                place = self._after_opening(place, mark)
                self._seen.add(mark.number)
                continue
            if mark.number in self._grammar.openings and self._closes(mark):
                self._take_thought(self._base, mark.start, mark.end)
                self._only_thoughts = len(self._parts)
            place += 1
        thoughts = (_Part(True, part.text) for part in self._parts[: self._only_thoughts])
        rest = _Part(False, self._text[self._base :])
        return [*thoughts, *self._parts[self._only_thoughts :], rest]

    def _after_opening(self, place: int, mark: Mark) -> int:
        """Take the thought that begins here, if one does; return the next place to look at."""
        if not self._opens(mark):
            return place + 1
        end = self._end_of(place)
        begins = self._begins(mark)
        if end is None and not self._may_stay_open(mark, begins=begins):
            return place + 1
        if not begins:
            self._parts.append(_Part(False, self._text[self._base : mark.start]))
        self._opened.add(mark.number)
        if end is None:
            self._take_thought(mark.end, len(self._text), len(self._text))
            return len(self._marks)
        last = self._marks[end]
        is_answer = last.number in self._grammar.answers
        self._take_thought(mark.end, last.start, last.start if is_answer else last.end)
        return end + 1

    def _may_stay_open(self, mark: Mark, *, begins: bool) -> bool:
        """Whether a thought that nothing closes is one, and not a heading or a mention."""
        kind = self._kind(mark)
        if kind is Marks.PROSE:
            return self._finish is Finish.LENGTH
        if begins or self._layout.starts_line(self._base, mark):
            return True
        return kind is Marks.SPECIAL and not is_mentioned(self._text, mark)

    def _take_thought(self, start: int, end: int, base: int) -> None:
        self._parts.append(_Part(True, self._text[start:end]))
        self._base = base

    def _opens(self, mark: Mark) -> bool:
        """Whether an opening mark, by its kind and place, is used and not mentioned."""
        kind = self._kind(mark)
        if self._begins(mark):
            return kind is not Marks.PROSE or self._base == 0
        if kind is Marks.PROSE or self._layout.is_text(self._base, mark):
            return False
        if kind is Marks.SPECIAL:
            return True
        is_known = kind is Marks.TAG or mark.number in self._opened
        return is_known and not is_mentioned(self._text, mark)

    def _closes(self, mark: Mark) -> bool:
        """Whether a closing mark without an opening one ends a thought that the prompt began."""
        kind = self._kind(mark)
        if kind is Marks.PROSE:
            return False
        if self._layout.begins(self._base, mark):
            return kind is not Marks.WORD or not self._parts
        if self._layout.is_text(self._base, mark):
            return False
        if kind is Marks.SPECIAL:
            return True
        alone = self._layout.starts_line(self._base, mark) or self._layout.ends_line(mark)
        if kind is Marks.WORD:
            family = self._grammar.openings[mark.number]
            return alone and not self._parts and self._seen.isdisjoint(family)
        return alone or not (self._parts or is_mentioned(self._text, mark))

    def _end_of(self, place: int) -> int | None:
        """Return the place of the mark that ends a thought, or ``None`` where none does.

        A thought that is never closed ends where a final answer is opened.
        """
        first = self._marks[place]
        closings = self._grammar.closings[first.number]
        if max(self._last.get(number, -1) for number in closings) < place:
            answer = max((self._last.get(each, -1) for each in self._grammar.answers), default=-1)
            return answer if answer > place else None
        nests = self._kind(first) in {Marks.TAG, Marks.WORD}
        depth, found = 1, place
        for other in range(place + 1, len(self._marks)):
            mark = self._marks[other]
            if is_enclosed(self._text, mark):
                continue
            if mark.number in closings:
                found, depth = other, depth - 1
                if not nests or depth == 0:
                    break
            elif mark.number == first.number and not is_mentioned(self._text, mark):
                depth += 1
        return found

    def _begins(self, mark: Mark) -> bool:
        """Whether a mark is the first thing that a text, or what is behind a thought, holds."""
        if self._layout.begins(self._base, mark):
            return True
        if self._base or self._parts or self._kind(mark) not in {Marks.TAG, Marks.SPECIAL}:
            return False
        self.began_fenced = self._layout.begins_fenced(mark)
        return self.began_fenced

    def _kind(self, mark: Mark) -> Marks:
        return self._grammar.kinds[mark.number]
