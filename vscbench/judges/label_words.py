"""What people call a response, in the words of several label files, and the kind behind each."""

from collections.abc import Iterable, Mapping
from typing import Final

from vscbench.errors import UsageError
from vscbench.records import CLASSES, Kind

# None of the classes; such a response is left out, and counted.
OTHER: Final = "other"
Meaning = Kind | None
# The words that published label files use for the paper's classes, in the order of these.
LABELS: Final[Mapping[str, Kind]] = {
    "refusal": Kind.REFUSED,
    "partial": Kind.FLAGGED,
    "compliance": Kind.ANSWERED,
    "irrelevant": Kind.IRRELEVANT,
}
WORDS: Final[Mapping[str, Meaning]] = {
    **LABELS,
    **{kind.value: kind for kind in (*CLASSES, Kind.BLOCKED)},
    **{str(number): kind for number, kind in enumerate(CLASSES)},
    OTHER: None,
}


def folded(word: str) -> str:
    """Return what does not depend on how a label was typed: case and spaces around it."""
    return word.strip().casefold()


def label_words(maps: Iterable[str] = ()) -> dict[str, Meaning]:
    """Return the meaning of each word that may stand for a label.

    Args:
        maps: a team's own words as ``KEY=KIND``; KIND is one of ``WORDS``. They come first.

    Raises:
        UsageError: one is not of that form.
    """
    own: dict[str, Meaning] = {}
    for text in maps:
        # A label may hold an equals sign; a kind does not.
        word, equals, kind = text.rpartition("=")
        if not equals or not word.strip() or folded(kind) not in WORDS:
            raise UsageError(
                f"--label-map {text!r}: expected LABEL=KIND, where KIND is one of {kinds_named()}"
            )
        own[folded(word)] = WORDS[folded(kind)]
    return {**WORDS, **own}


def kinds_named() -> str:
    """Name the words that a message tells a person to use."""
    return f"refused, flagged, answered, irrelevant, blocked, {OTHER}"
