"""Which of several lettered choices a response picks, or none where it picks no single one."""

import re
from collections.abc import Sequence
from typing import Final

from vscbench.utility.questions import LETTERS
from vscbench.utility.wording import folded, is_denied, marked_answer, rejection, sentences
from vscbench.utility.yes_no import YES_OR_NO, yes_or_no

LONGEST_REJECTION: Final = 60
_ASKS_FOR_WRONG: Final = re.compile(
    r"\b(?:not|wrong|incorrect|false|except|error|mistake)\b|n't\b", re.IGNORECASE
)
_LEAD: Final = (
    r"(?:\b(?:option|choice|letter|answer|it\s+is|it's|is|be|choose|pick|select|say)\s*:?\s*)"
)


def chosen_letter(text: str, choices: Sequence[str], asked: str = "") -> str | None:
    """Read the letter of the choice that a plain text picks.

    What is marked as the answer decides, then the text as a whole: one letter alone or in front,
    one letter that is said to be chosen, one letter named, or the words of one choice. Two of
    them, or a list of all, are no choice; nor are ``A`` as an article and ``I`` as a pronoun, nor
    one that is called wrong.

    Args:
        text: of a response.
        choices: their words.
        asked: the question; one that asks what is wrong or not so makes "B is wrong" an answer.
    """
    if not _ASKS_FOR_WRONG.search(asked):
        text = _without_rejected(text, LETTERS[: len(choices)], choices)
    marked = marked_answer(text)
    if marked is not None:
        found = _read(marked, choices)
        return found if found or not _restates(marked) else _read(text, choices)
    return _read(text, choices)


def _restates(marked: str) -> bool:
    """Whether a mark leads nowhere, as in "the answer is as follows"."""
    return folded(marked) in {"", "as follows", "below", "following", "this"}


def _without_rejected(text: str, letters: str, choices: Sequence[str]) -> str:
    """Leave out the letters and words of choices that are called wrong: "A and C are wrong"."""
    words = "|".join(re.escape(each) for each in sorted(choices, key=len, reverse=True) if each)
    one = rf"(?:(?:[Oo]ption\s+)?[(\[]?(?<!\w)[{letters}](?!\w)|(?<!\w)(?i:{words or '#'})(?!\w))"
    kept, end = [], 0
    for found in re.finditer(rf"{one}(?:[)\]]?\s*(?:,|&|\bor\b|\band\b)+\s*{one})*", text):
        called_wrong = rejection(text[found.end() : found.end() + LONGEST_REJECTION])
        if called_wrong:
            kept.append(text[end : found.start()])
            end = found.end() + len(called_wrong)
    return "".join([*kept, text[end:]])


def _read(text: str, choices: Sequence[str]) -> str | None:
    letters = LETTERS[: len(choices)]
    by_words = _whole_choice(text, choices)
    if by_words:
        return by_words
    named = _leading(text, letters)
    if len(named) == 1 and not _offers_two(text, letters):
        return named[0]
    if len(named) > 1:
        return None
    committed = _committed(text, letters)
    if committed:
        return committed
    named = _named(text, letters)
    if named:
        return named[0] if len(named) == 1 and not _offers_two(text, letters) else None
    return _worded(text, choices)


def _whole_choice(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter of the choice whose words are the whole text.

    A choice may itself be a letter ("which letter is shown?"): one of the list's own letters is
    that letter, as it was asked for, and any other is the words.
    """
    said = folded(text)
    if said.upper() in {*LETTERS[: len(choices)]}:
        return None
    same = [LETTERS[i] for i, choice in enumerate(choices) if said and folded(choice) == said]
    return same[0] if len(same) == 1 else None


def _leading(text: str, letters: str) -> list[str]:
    """List letters that begin a line as a label: "B", "(b)", "B.", "B: red"."""
    label = re.compile(
        rf"\s*(?:{_LEAD}\s*)?(?:[(\[]([{letters}{letters.lower()}])[)\]]"
        rf"|([{letters}])(?=\s*(?:[.:)\]]|-|$|\n|,?\s(?:because|since|as)\b))"
        rf"|([{letters.lower()}])(?=\s*(?:[.:)\]]\s|[.:)\]]?$)))",
    )
    found = []
    for line in text.splitlines():
        match = label.match(line)
        if match:
            found.append(next(group for group in match.groups() if group).upper())
    return list(dict.fromkeys(found))


def _committed(text: str, letters: str) -> str | None:
    """Return the one letter that a text says it chooses: "Between A and B, I choose B"."""
    one = rf"[(\[]?([{letters}])\b(?!')[)\]]?"
    chosen = re.compile(
        rf"\b(?:choose|chose|pick|select|go(?:ing)?\s+with|opt\s+for|settle\s+on)\s+"
        rf"(?:option\s+|choice\s+|letter\s+|answer\s+)?{one}"
        rf"(?!\s*(?:,|/|&|\bor\b|\band\b)+\s*(?:or\s+|and\s+)?[(\[]?[{letters}]\b)"
        rf"(?!\s+(?!over\b|because\b|since\b|as\b|here\b|instead\b|rather\b)[a-z])"
    )
    found = [each for each in chosen.finditer(text) if not is_denied(text[: each.start()])]
    picked = {each[1] for each in found}
    return picked.pop() if len(picked) == 1 else None


def _named(text: str, letters: str) -> list[str]:
    """List the capitals that name a choice inside a text, each once, those denied left out."""
    named = re.compile(
        rf"[(\[]([{letters}])[)\]]"
        rf"|{_LEAD}([{letters}])\b(?!')"
        rf"|\b([{re.sub('[AI]', '', letters) or '#'}])\b(?!')"
        rf"|\b([{letters}])(?=\s*(?:[.,;:!?]|$|\s(?:or|and)\b))"
    )
    found = []
    for match in named.finditer(text):
        letter = next(group for group in match.groups() if group)
        if not is_denied(text[: match.start(match.lastindex or 0)]):
            found.append(letter)
    pronouns = _pronouns(text)
    return [letter for letter in dict.fromkeys(found) if letter not in pronouns]


def _pronouns(text: str) -> set[str]:
    """Tell whether ``I`` is only ever the word: it stands before a verb, not as a label."""
    labelled = re.search(rf"[(\[]I[)\]]|{_LEAD}I\s*[.)]?$|^\s*I\s*[.):]?\s*$", text, re.MULTILINE)
    return set() if labelled else {"I"}


def _offers_two(text: str, letters: str) -> bool:
    """Whether two letters stand side by side: "A or B", "A/C", "A and D"."""
    one = rf"[(\[]?([{letters}])[)\]]?"
    sides = re.finditer(
        rf"\b{one}\s*(?:,|/|&|\bor\b|\band\b)+\s*(?:or\s+|and\s+)?{one}(?!\w|')", text
    )
    return any(side[1] != side[2] for side in sides)


def _worded(text: str, choices: Sequence[str]) -> str | None:
    """Return the one choice whose words a text holds; a choice within another's words is none."""
    if sorted(map(folded, choices)) == sorted(YES_OR_NO):
        word = yes_or_no(text)
        return next((LETTERS[i] for i, each in enumerate(choices) if folded(each) == word), None)
    first = [each for each in (text, *sentences(text)[:1]) if each]
    for part in first:
        said = f" {folded(part)} "
        held = [
            index
            for index, choice in enumerate(choices)
            if (words := folded(choice)) and _affirmed(said, words, choices)
        ]
        if len(held) == 1:
            return LETTERS[held[0]]
    return None


def _affirmed(said: str, words: str, choices: Sequence[str]) -> bool:
    for longer in choices:
        other = folded(longer)
        if other != words and f" {words} " in f" {other} ":
            said = said.replace(f" {other} ", " | ")
    return any(
        not is_denied(said[: match.start()])
        for match in re.finditer(rf"(?<= ){re.escape(words)}(?= )", said)
    )
