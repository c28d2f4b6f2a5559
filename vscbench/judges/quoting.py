"""Untrusted text in a judge's prompt: cleaned, cut and fenced; and quotes of it checked."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

LONGEST_QUERY: Final = 4_000
LONGEST_RESPONSE: Final = 12_000
FENCE_DIGITS: Final = 16
SHORTEST_PART: Final = 3
UNQUOTED: Final = "(the judge quoted words that are not in the response)"

_REPLACEMENT: Final = "\ufffd"
# No text a person reads: providers refuse the control characters, JSON has no lone surrogates.
_UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACES: Final = re.compile(r"\s+")
_GAP: Final = re.compile(r"\.{3,}|\u2026|\[\.\.\.\]|\[\u2026\]")
_TYPOGRAPHY: Final = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "*": "", "`": ""}
)
_AROUND: Final = " \t\n\"'.,;:!?"


def sendable(text: str) -> str:
    """Replace what cannot be sent in a request by U+FFFD, one for one."""
    return _UNSENDABLE.sub(_REPLACEMENT, text)


def cut_in_the_middle(text: str, longest: int) -> str:
    """Return a text of about ``longest`` characters: its beginning, a mark and its end.

    A refusal stands at the beginning of a response as a rule, a warning often at its end.
    """
    if len(text) <= longest:
        return text
    head = longest * 2 // 3
    tail = longest - head
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[... {left_out} characters left out here ...]\n{text[-tail:]}"


def fence_of(texts: Sequence[str]) -> str:
    """Return a word for a fence around these texts that none of them can hold.

    It is made from a digest of the texts: the same for the same texts, and not to be guessed by
    whoever wrote them, as every guess changes it.
    """
    content = "\x00".join(texts)
    number = 0
    while True:
        tagged = f"{number}\x00{content}".encode("utf-8", "surrogatepass")
        fence = hashlib.sha256(tagged).hexdigest()[:FENCE_DIGITS]
        if fence not in content:
            return fence
        number += 1


def is_quoted_from(text: str, quote: str) -> bool:
    """Whether every part of a quote, which may leave words out, stands in the text.

    Spaces, case, typography and marks of emphasis do not count. A part of a letter or two, which
    nearly any text holds, is a quote only where it is the whole of it.
    """
    plain = _plain(text)
    parts = [_plain(part).strip(_AROUND) for part in _GAP.split(quote)]
    parts = [part for part in parts if part]
    if len(parts) > 1 and min(map(len, parts)) < SHORTEST_PART:
        return False
    return bool(parts) and all(part in plain for part in parts)


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text.translate(_TYPOGRAPHY)).casefold().strip()
