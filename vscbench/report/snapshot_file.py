"""The file of a snapshot: what became of every case, a line a case, for review in a diff."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_right
from vscbench.errors import DataError
from vscbench.records import FIRST_EPOCH, CaseKey, Kind, Label

FORMAT: Final = "1"
PAPER: Final = Policy()
Found = tuple[Label, Kind]

_TITLE: Final = "# vscbench: what became of every case (written by pytest --snapshot-update)"
_FIELDS: Final = ("format", "model", "method", "pairs", "judge", "scoring", "blocked")
_COUNT: Final = "cases"
_CONFLICT: Final = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
# What needs no quotes: printable, without a space at an end or a sign that opens a quoted text.
_BARE_VALUE: Final = re.compile(r"[!#-~](?:[ -~]*[!-~])?")
_BARE_ID: Final = re.compile(r"[!#-~]+")
_CASE: Final = re.compile(
    r'(?P<label>\S+) +(?P<kind>\S+) +(?P<pair>"(?:[^"\\]|\\.)*"|[^\s"]\S*)'
    r"(?: +epoch (?P<epoch>[1-9][0-9]{0,8}))?"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What became of every case of a model, with a method, over a set of pairs.

    ``cases`` are by pair id and epoch; none is an error, for that is no verdict. ``policy`` is
    what the rates of the summary go by.
    """

    model: str
    method: str
    pairs: str
    cases: Mapping[CaseKey, Found]
    judge: str = ""
    policy: Policy = PAPER


def format_snapshot(snapshot: Snapshot) -> str:
    """Lay out a snapshot, sorted by pair id and epoch: a case that changes is a line that does."""
    lines = (case_line(key, *snapshot.cases[key]) for key in sorted(snapshot.cases))
    blocks = (_header_lines(snapshot), summary_lines(snapshot), lines)
    return "\n\n".join("\n".join(block) for block in blocks).rstrip("\n") + "\n"


def case_line(key: CaseKey, label: Label, kind: Kind) -> str:
    """Lay out one case; columns have a fixed width, so that no line depends on another."""
    pair_id, epoch = key
    name = pair_id if _BARE_ID.fullmatch(pair_id) else json.dumps(pair_id)
    again = "" if epoch == FIRST_EPOCH else f" epoch {epoch}"
    return f"{label:<7} {kind:<10} {name}{again}"


def summary_lines(snapshot: Snapshot) -> list[str]:
    """Sum up a snapshot: how many cases, the two rates, and every kind by label."""
    rates = [_line(f"SRA_{label[0]}", _rate(snapshot, label)) for label in _LABELS]
    counts = Counter(snapshot.cases.values())
    kinds = [
        _line(kind.value, ", ".join(f"{counts[label, kind]} {label}" for label in _LABELS))
        for kind in Kind
        if any(counts[label, kind] for label in _LABELS)
    ]
    return [_line(_COUNT, str(len(snapshot.cases))), *rates, *kinds]


def parse_snapshot(text: str, place: str) -> Snapshot:
    """Read a snapshot; its summary is not read, for it follows from the cases.

    Args:
        text: the file's content.
        place: names the file in error messages.

    Raises:
        DataError: a line cannot be read; the message names it.
    """
    numbered = list(enumerate(text.removeprefix("\ufeff").split("\n"), start=1))
    lines = [_Line(place, number, line.rstrip()) for number, line in numbered]
    for line in lines:
        if line.text.startswith(_CONFLICT):
            raise line.error("an unresolved merge conflict; keep one side, then --snapshot-update")
    blocks = _blocks(lines)
    header = _header(next(blocks, []), place)
    for line in next(blocks, [])[:1]:
        if not line.text.startswith(f"{_COUNT} "):
            raise line.error(f"expected the summary, which begins with {_COUNT!r}")
    return Snapshot(
        model=header["model"],
        method=header["method"],
        pairs=header["pairs"],
        cases=_cases(line for block in blocks for line in block),
        judge=header["judge"],
        policy=Policy(Scoring(header["scoring"]), BlockedPolicy(header["blocked"])),
    )


def read_summary(text: str) -> list[str]:
    """Return the lines of the summary as they stand in a file that ``parse_snapshot`` can read."""
    blocks = _blocks([_Line("", 0, line.rstrip()) for line in text.split("\n")])
    next(blocks, None)
    return [line.text for line in next(blocks, [])]


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    number: int
    text: str

    def error(self, what: str) -> DataError:
        return DataError(f"{self.place}, line {self.number}: {what}")


_LABELS: Final = (Label.UNSAFE, Label.SAFE)


def _line(name: str, value: str) -> str:
    return f"{name:<10} {value}".rstrip()


def _header_lines(snapshot: Snapshot) -> list[str]:
    policy = snapshot.policy
    names = (snapshot.model, snapshot.method, snapshot.pairs, snapshot.judge)
    values = (FORMAT, *names, policy.scoring.value, policy.blocked.value)
    quoted = (each if _BARE_VALUE.fullmatch(each) else json.dumps(each) for each in values)
    return [_TITLE, *map(_line, _FIELDS, quoted)]


def _rate(snapshot: Snapshot, label: Label) -> str:
    found = [each for each in snapshot.cases.values() if each[0] is label]
    right = [answer for each in found if (answer := is_right(*each, snapshot.policy)) is not None]
    return f"{100 * sum(right) / len(right):.1f} % of {len(right)}" if right else "-"


def _blocks(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    """Group lines that no blank line parts."""
    block: list[_Line] = []
    for line in lines:
        if line.text:
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _header(lines: list[_Line], place: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.text.partition(" ")
        if name in _FIELDS:
            fields[name] = _unquoted(line, value.strip())
            _check(line, name, fields[name])
        elif not name.startswith("#"):
            raise line.error(f"not a snapshot of vscbench: {name[:40]!r} is no field of its header")
    for name in _FIELDS:
        if name not in fields:
            raise DataError(f"{place}, line 1: not a snapshot of vscbench: it has no {name!r}")
    return fields


def _check(line: _Line, name: str, value: str) -> None:
    known = {"format": (FORMAT,), "scoring": tuple(Scoring), "blocked": tuple(BlockedPolicy)}
    if name in known and value not in known[name]:
        raise line.error(f"{name} {value[:40]!r} is none of {', '.join(known[name])}")


def _cases(lines: Iterable[_Line]) -> dict[CaseKey, Found]:
    cases: dict[CaseKey, Found] = {}
    for line in lines:
        match = _CASE.fullmatch(line.text)
        if match is None:
            raise line.error("expected a case, such as 'unsafe  refused    PAIR_ID'")
        key = (_unquoted(line, match["pair"]), int(match["epoch"] or FIRST_EPOCH))
        if key in cases:
            raise line.error(f"the case {match['pair']} is there twice")
        cases[key] = (_label(line, match["label"]), _kind(line, match["kind"]))
    return cases


def _label(line: _Line, text: str) -> Label:
    if text not in tuple(Label):
        raise line.error(f"{text[:40]!r} is none of {', '.join(Label)}")
    return Label(text)


def _kind(line: _Line, text: str) -> Kind:
    known = [kind for kind in Kind if not kind.is_error]
    if text not in known:
        raise line.error(f"{text[:40]!r} is none of {', '.join(known)}")
    return Kind(text)


def _unquoted(line: _Line, text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        raise line.error(f"the quoted text cannot be read ({error})") from error
    if not isinstance(value, str):
        raise line.error("the quoted text cannot be read")
    return value
