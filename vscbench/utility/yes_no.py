"""Whether a response says yes or no."""

import re
from typing import Final

from vscbench.utility.wording import folded, marked_answer

YES: Final = "yes"
NO: Final = "no"
YES_OR_NO: Final = (YES, NO)
# Phrases that hold one of the two words and say neither.
_IDIOMS: Final = re.compile(r"\bno\s+(?:doubt|question|problem|matter|wonder)\b", re.I)
_UNDECIDED: Final = ("yes or no", "yes and no", "no or yes", "no and yes")
_CLAUSE: Final = re.compile(r"[,.;:!\n]|\s-\s")
_AGREEMENT: Final = re.compile(
    r"(?:(?:thats|(?:that|this|it|statement|claim|that statement|this statement) is) )?"
    r"(?P<not>not )?(?:(?P<yes>correct|true|right)|(?P<no>incorrect|false|wrong|untrue))"
)


def yes_or_no(said: str) -> str | None:
    """Return the word that a plain text begins with, or the only one of the two that it holds.

    A first clause of "correct", "that is wrong" and the like says the same in other words.
    """
    marked = marked_answer(said)
    text = _IDIOMS.sub(" ", said if marked is None else marked)
    words = folded(text).split()
    if any(phrase in " ".join(words) for phrase in _UNDECIDED):
        return None
    if words and words[0] in YES_OR_NO:
        return words[0]
    agreed = _AGREEMENT.fullmatch(folded(_CLAUSE.split(text, maxsplit=1)[0]))
    if agreed:
        return YES if bool(agreed["yes"]) != bool(agreed["not"]) else NO
    held = [word for word in YES_OR_NO if word in words]
    return held[0] if len(held) == 1 else None
