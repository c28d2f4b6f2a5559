"""What must not be taken for a refusal, listed apart: the provider's blocks, and errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vscbench.records import Kind
from vscbench.report.html.cases import Cases, Reading, Side

MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A case in a list: where the page has it, and what was said."""

    anchor: str
    name: str
    label: str
    kind: str
    remark: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Cases of one sort; ``left_out`` are more than are listed."""

    name: str
    about: str
    entries: tuple[Entry, ...]
    left_out: int


def apart(cases: Cases) -> tuple[Listing, ...]:
    """List errors and blocks, each on their own; neither list where there is nothing to list."""
    errors = [each for each in _readings(cases) if each[1].is_error]
    blocked = [each for each in _readings(cases) if each[1].kind == Kind.BLOCKED]
    listings = (
        _listing("Errors", "Nothing can be said of these cases; they are in no rate.", errors),
        _listing("Blocked by the provider", "A filter before or behind the model.", blocked),
    )
    return tuple(listing for listing in listings if listing.entries)


def _readings(cases: Cases) -> Iterator[tuple[Side, Reading]]:
    for group in (*cases.contrasts, *cases.singles):
        for side in group.sides:
            for reading in side.readings:
                yield side, reading


def _listing(name: str, about: str, found: list[tuple[Side, Reading]]) -> Listing:
    entries = tuple(_entry(side, reading) for side, reading in found[:MOST_LISTED])
    return Listing(f"{name} ({len(found):,})", about, entries, len(found) - len(entries))


def _entry(side: Side, reading: Reading) -> Entry:
    epoch = f", epoch {reading.epoch}" if reading.epoch else ""
    remark = reading.remark.start if reading.remark else ""
    return Entry(reading.anchor, side.pair_id + epoch, side.label, reading.kind, remark)
