"""Numbers and their units in running text: digits, words, thousands, percent, fractions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_SMALL: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS: Final[Mapping[str, int]] = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
}
SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
LONGEST_NUMBER: Final = 40

# Names of one unit, the short one first; two units are told apart, a missing one is forgiven.
_UNITS: Final = (
    ("%", "percent", "per cent", "pct"),
    ("$", "usd", "dollar", "dollars", "us$"),
    ("€", "eur", "euro", "euros"),
    ("£", "gbp", "pound sterling", "pounds sterling"),
    ("mm", "millimetre", "millimetres", "millimeter", "millimeters"),
    ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
    ("m", "metre", "metres", "meter", "meters"),
    ("km", "kilometre", "kilometres", "kilometer", "kilometers"),
    ("g", "gram", "grams"),
    ("kg", "kilogram", "kilograms", "kilo", "kilos"),
    ("ml", "millilitre", "millilitres", "milliliter", "milliliters"),
    ("l", "litre", "litres", "liter", "liters"),
    ("s", "sec", "second", "seconds"),
    ("min", "mins", "minute", "minutes"),
    ("h", "hr", "hrs", "hour", "hours"),
    ("day", "days"),
    ("week", "weeks"),
    ("month", "months"),
    ("year", "years"),
    ("°", "degree", "degrees"),
    ("°c", "celsius", "degrees celsius", "degree celsius"),
    ("°f", "fahrenheit", "degrees fahrenheit", "degree fahrenheit"),
)
UNITS: Final = {name: names[0] for names in _UNITS for name in names}
_BEFORE: Final = r"[$€£]"
_AFTER: Final = "|".join(
    re.escape(name) + (r"\b" if name[-1].isalpha() else "")
    for name in sorted(UNITS, key=len, reverse=True)
)
# Thousands in groups of three behind a comma or a narrow space, never behind a plain one or a
# point: "1 200" may be two numbers, "1.200" is read as written in English.
_DIGITS: Final = r"\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_WORD: Final = "|".join(sorted([*WORDS, *SCALES], key=len, reverse=True))
_NUMBER: Final = re.compile(
    rf"""
    (?P<before>{_BEFORE})?\s?
    (?<![\w.,:/])
    (?P<minus>[-\u2212\u2013]\s?|\b(?:minus|negative)\s)?
    (?: (?P<over>\d{{1,15}})\s?/\s?(?P<under>\d{{1,15}})(?!\s?/)
      | (?P<digits>{_DIGITS})(?:\s(?P<scale>{"|".join(SCALES)}))?
      | (?P<words>(?:{_WORD})(?:(?:\s|-|\sand\s)(?:{_WORD}))*) )
    (?![\w/]|[.,:]\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_UNIT: Final = re.compile(rf"\s?-?({_AFTER})", re.IGNORECASE)
_GLUED: Final = re.compile(
    rf"(\d)({'|'.join(sorted((n for n in UNITS if n.isalpha()), key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_ROUGHLY: Final = re.compile(
    r"\b(?:about|around|approximately|approx|roughly|exactly|only|just|nearly|almost|some|"
    r"there (?:is|are)|it is|it's|that is|that's|this is|a total of|in total|total of|total)\b|[≈~]"
)
_LONGEST_NOUN: Final = 3
# How many characters before a number are looked at.
_SEEN: Final = 40
_BOUND_BEFORE: Final = re.compile(
    r"(?:\b(?:at\s+(?:the\s+)?(?:least|most)|(?:more|less|fewer|greater|higher|lower|larger|smaller"
    r"|bigger)\s+than(?:\s+or\s+equal\s+to)?|over|above|below|under|up\s+to|upwards\s+of"
    r"|(?:minimum|maximum)\s+of)|[\u2264\u2265])\s*$",
    re.IGNORECASE,
)
_BOUND_BEHIND: Final = re.compile(
    r"(?:\s+[a-z]+)?\s+(?:or|and)\s+(?:more|fewer|less|above|over|below|under|greater)\b"
    r"|\s+(?:[a-z]+\s+)?at\s+(?:least|most)\b|\+(?!\s?\w)",
    re.IGNORECASE,
)
# Behind these words, or behind none, "one" counts what follows.
_COUNTING: Final = frozenset(
    {"and", "or", "plus", "minus", "times", "by", "to", "is", "are"}
    | {"equals", "makes", "gives", "leaves", "be", "has", "have", "with", "see"}
    | {"contains", "about", "only", "just", "exactly", "total", "so", "of"}
)
_WORD_BEFORE: Final = re.compile(r"(\w+)\s*$")
_AFTER_PRONOUN: Final = re.compile(
    r"\s+(?:is|are|was|has|looks|seems|that|which|who|on|in|at|with|near|above|below)\b"
    r"|\s+of\b(?!\s+(?:the\s+|these\s+|those\s+|all\s+)?(?:\d|two|three|four|five|six|seven|eight"
    r"|nine|ten))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number found in a text: its value, its unit if it is a known one, and where it stands."""

    value: Fraction
    unit: str | None
    start: int
    end: int

    def agrees_with(self, other: "Quantity") -> bool:
        """Whether the values are equal and the units, where both are known, as well."""
        same_unit = self.unit == other.unit or None in (self.unit, other.unit)
        return self.value == other.value and same_unit


def spaced(text: str) -> str:
    """Part numbers from the units that are written against them: "12cm" is 12 of a unit."""
    return _GLUED.sub(r"\1 \2", text)


def quantities(text: str) -> list[Quantity]:
    """Find every number in a spaced text; digits of a name, a date or a time are none."""
    found = [each for match in _NUMBER.finditer(text) for each in _read(match, text)]
    return [each for each in found if len(found) == 1 or not _is_pronoun(each, text)]


def is_bound(quantity: Quantity, text: str) -> bool:
    """Whether a number only bounds another: "at least 12", "more than 12", "12 or more"."""
    before = text[max(quantity.start - _SEEN, 0) : quantity.start]
    return bool(_BOUND_BEFORE.search(before) or _BOUND_BEHIND.match(text, quantity.end))


def _is_pronoun(quantity: Quantity, text: str) -> bool:
    """Whether "one" beside other numbers only stands for a noun: "the red one is large"."""
    start = quantity.start
    if quantity.end - start > len(" one ") or text[start : quantity.end].strip().lower() != "one":
        return False
    before = _WORD_BEFORE.search(text[max(start - _SEEN, 0) : start])
    if before and before[1].lower() not in _COUNTING:
        return not before[1].isdigit()
    return bool(_AFTER_PRONOUN.match(text, quantity.end))


def is_number(text: str) -> bool:
    """Whether a text is one number and nothing else but its unit."""
    return bare_quantity(text, most_words=0) is not None


def bare_quantity(text: str, most_words: int = _LONGEST_NOUN) -> Quantity | None:
    """Return the number of a text that says little else: a unit, "about", a noun behind it."""
    plain = _ROUGHLY.sub(" ", text.casefold()) if most_words else text.casefold()
    plain = spaced(plain)
    found = quantities(plain)
    if len(found) != 1:
        return None
    before, after = plain[: found[0].start], plain[found[0].end :]
    if (
        is_bound(found[0], plain)
        or re.search(r"\w", before)
        or len(re.findall(r"\w+", after)) > most_words
    ):
        return None
    return found[0]


def _read(match: re.Match[str], text: str) -> Iterator[Quantity]:
    unit = _UNIT.match(text, match.end())
    name = UNITS[unit[1].lower()] if unit else None
    if match["before"]:
        name = UNITS[match["before"]]
    end = unit.end() if unit else match.end()
    sign = -1 if match["minus"] else 1
    if match["words"]:
        values = _spoken(re.findall(_WORD, match["words"].lower()))
    else:
        values = _written(match)
    for value in values:
        yield Quantity(sign * value, name, match.start(), end)


def _written(match: re.Match[str]) -> list[Fraction]:
    if match["under"]:
        under = int(match["under"])
        return [Fraction(int(match["over"]), under)] if under else []
    digits = re.sub(r"[^\d.]", "", match["digits"])
    if len(digits) > LONGEST_NUMBER:
        return []
    return [Fraction(digits) * SCALES.get((match["scale"] or "").lower(), 1)]


def _spoken(words: Sequence[str]) -> list[Fraction]:
    """Read number words; those that do not make one number ("one two three") make several.

    A word joins the number before it where that leaves room below: "twenty one", not "two one".
    """
    numbers: list[Fraction] = []
    thousands, current, room = 0, 0, 0
    for place, word in enumerate(words):
        if word in SCALES:
            current = (current or 1) * SCALES[word]
            room = 100
            if word != "hundred":
                thousands, current, room = thousands + current, 0, 1000
            continue
        value = WORDS[word]
        if place and not 0 < value < room:
            numbers.append(Fraction(thousands + current))
            thousands, current = 0, 0
        current += value
        room = 10 if value >= WORDS["twenty"] else 0
    return [*numbers, Fraction(thousands + current)]
