"""A response as it was meant: without markup, cut down to the answer that it states."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 20_000
FEW_WORDS: Final = 40

_TYPOGRAPHY: Final = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": " - ",
        "\u2212": "-",
        "\u00a0": "\u2009",
        "\u202f": "\u2009",
        "\u200b": None,
        "\ufeff": None,
    }
)
_BOXED: Final = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_LATEX_WORDS: Final = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit|mathsf)\s*\{([^{}]*)\}")
_LATEX_FRACTION: Final = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_LATEX_REST: Final = re.compile(r"\\[()\[\],;!: ]|\\left|\\right|\\quad")
_MATH: Final = re.compile(r"\$([^$\n]+)\$")
_EMPHASIS: Final = re.compile(
    r"\*{1,3}|`{1,3}|~~|(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)|^#{1,3}\s", re.MULTILINE
)
_ANSWER_LINE: Final = re.compile(r"^\s*#{4}\s*", re.MULTILINE)
_MARK: Final = re.compile(
    r"""
    \b(?:the\s+|my\s+)?(?:(?:final|correct|right|best)\s+)?(?:answer|choice|solution)
    (?:\s+to\s+[^\n.:]{1,80}?)?
    (?:\s*(?::|=)\s*|\s+(?:is|was|would\s+be|should\s+be|must\s+be)\b\s*:?\s*)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CONCLUSION: Final = re.compile(
    r"^(?:so|thus|hence|therefore|in total|altogether|overall|in conclusion)\b[\s,:]*",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")
_REFUSAL: Final = re.compile(
    r"""
    \b(?:i|we)(?:\s+am|'m|\s+are|'re)?\s*
    (?: (?:cannot|can\s?not|can't|could\s?not|couldn't|won't|will\s+not|must\s+decline|decline)\b
      | (?:unable|not\s+able|not\s+allowed|not\s+comfortable)\b )
    | \bi(?:'m|\s+am)\s+(?:so\s+|very\s+)?sorry\b | \bi\s+apologi[sz]e\b | \bas\s+an\s+ai\b
    | \bi\s+(?:do\s+not|don't)\s+(?:know|feel\s+comfortable|have\s+(?:access|the\s+ability))\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ARTICLES: Final = frozenset({"a", "an", "the"})
_NEGATIONS: Final = frozenset(
    {"not", "no", "isnt", "arent", "wasnt", "never", "neither", "nor", "cannot", "cant"}
    | {"doesnt", "dont", "didnt", "werent", "wont", "without", "hardly"}
    | {"except", "excepting", "excluding", "besides", "unlike", "exclude", "excluded"}
    | {"eliminate", "eliminated", "eliminating", "reject", "rejected", "rejecting"}
)
_DENIED_BY: Final = re.compile(
    r"\b(?:other than|instead of|apart from|all but|anything but|everything but|than"
    r"|than (?:that|those) (?:of|in|on|for)|rul(?:e|es|ed|ing) out|compared (?:to|with))$"
)
# Before these nothing is denied any more: "not red but blue", "No, it is red.", "no doubt, red".
_TURNS: Final = re.compile(
    r"(?<!\ball\s)(?<!\banything\s)(?<!\beverything\s)\bbut\b|\brather\b(?!\s+than)"
    r"|\binstead\b(?!\s+of)|\bno\s*,|[.!?;](?:\s|$)|\n|\bno\s+(?:doubt|question)\b"
    r"|\bwithout\s+(?:a\s+|any\s+)?doubt\b|\bnot\s+only\b",
    re.IGNORECASE,
)
_REJECTION: Final = re.compile(
    r"""
    [)\].]?\s+
    (?: (?:is|was|are|were|would\s+be|seems?|looks?)\s+(?:also\s+|both\s+|clearly\s+)?
        (?: (?P<not>not)\s+(?:(?:the|a|an)\s+)?(?:(?:right|correct|best)\s+)?
            (?:answer|choice|option|one|right|correct|it|possible)
          | wrong | incorrect | ruled\s+out | excluded | eliminated )
      | (?:isn'?t|wasn'?t|aren'?t|cannot\s+be|can'?t\s+be)\s+(?:(?:the|a|an)\s+)?
        (?:(?:right|correct|best)\s+)?(?:answer|choice|option|one|right|correct|it|possible)
    )\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# How far before a word it can be denied, in words and in characters.
_REACH: Final = 3
_REACH_CHARACTERS: Final = 60


def plain(text: str) -> str:
    """Strip markup and LaTeX from a response; words and case stay.

    A very long text keeps its beginning and its end.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    text = unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY)
    text = _LATEX_WORDS.sub(r"\1", text)
    text = _LATEX_FRACTION.sub(r"\1/\2", text).replace("\\%", "%").replace("\\$", "\u0024")
    boxes = [*_BOXED.finditer(text)]
    text = _BOXED.sub(r"\1", text)
    if boxes:
        text = f"{text}\nAnswer: {boxes[-1][1]}"
    text = _MATH.sub(_unless_money, _LATEX_REST.sub(" ", text))
    text = _ANSWER_LINE.sub("Answer: ", text)
    return _EMPHASIS.sub("", text).strip()


def marked_answer(text: str) -> str | None:
    """Return what a plain text states last as its answer, up to the sentence's end, or ``None``.

    "The answer is 12.", "Answer: B" and a box mark one; so does a last sentence that begins with
    "So" or another word of conclusion, where others come before it.
    """
    marks = [*_MARK.finditer(text)]
    if marks:
        said = sentences(text[marks[-1].end() :])
        return said[0] if said else None
    said = sentences(text)
    if len(said) > 1 and _CONCLUSION.match(said[-1]):
        return _CONCLUSION.sub("", said[-1])
    return None


def sentences(text: str) -> list[str]:
    """Split a plain text at the ends of its sentences and lines."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def stated(text: str) -> list[str]:
    """Return the parts of a plain text that may state its answer, the likeliest first.

    What is marked as the answer stands alone. A short text counts whole; of a long one, the first
    and the last sentence.
    """
    marked = marked_answer(text)
    if marked is not None:
        return [marked]
    if len(text.split()) <= FEW_WORDS:
        return [text]
    said = sentences(text)
    return [said[0], said[-1]]


def is_refusal(text: str) -> bool:
    """Whether a plain text begins by declining, and marks no answer after that."""
    said = sentences(text)
    return bool(said) and bool(_REFUSAL.search(said[0])) and not _MARK.search(text)


def folded(text: str) -> str:
    """Fold what does not make two answers different: case, width, articles, punctuation, spaces.

    Accents stay: they make other words. A text of signs alone stays those signs.
    """
    wide = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if _is_kept(c) else "" if c == "'" else " " for c in wide)
    words = [word for word in kept.split() if word not in _ARTICLES]
    return " ".join(words or kept.split()) or " ".join(wide.split())


def is_denied(before: str) -> bool:
    """Whether one of the few words before a mention denies it; "not red but blue" denies red."""
    near = before[-_REACH_CHARACTERS:]
    turned = max((turn.end() for turn in _TURNS.finditer(near)), default=0)
    words = folded(near[turned:]).split()[-_REACH:]
    return bool(_NEGATIONS & {*words}) or bool(_DENIED_BY.search(" ".join(words)))


def rejection(after: str) -> str:
    """Return the words behind a mention that call it wrong ("is not the answer"), or none."""
    found = _REJECTION.match(after)
    return found[0] if found else ""


def has_words(text: str) -> bool:
    """Whether a text has a letter, a digit, or a sign that folding keeps."""
    return any(map(_is_kept, unicodedata.normalize("NFKC", text)))


def _is_kept(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM" or character in "%+"


def _unless_money(match: re.Match[str]) -> str:
    """Take the dollars of a formula away, and leave two prices in one line alone."""
    inner = match[1]
    between_prices = inner[:1].isdigit() and match.string[match.end() : match.end() + 1].isdigit()
    return match[0] if between_prices else inner
