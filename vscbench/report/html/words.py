"""Numbers in words, as a person reads them on the page."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

UNKNOWN: Final = "–"  # noqa: RUF001 - the dash that typography has for it
GAP: Final = "\N{NO-BREAK SPACE}"
MINUTE_S: Final = 60
HOUR_S: Final = 3600
CENT: Final = 0.01
MOST_PARAMS: Final = 2000


def percent(share: float | None) -> str:
    """Write a share from 0 to 1 as percent with one decimal."""
    return UNKNOWN if share is None else f"{share * 100:.1f}{GAP}%"


def interval(measured: Mapping[str, Any]) -> str | None:
    """Write the interval of a rate as percent, or ``None`` where it has none."""
    low, high = measured.get("low"), measured.get("high")
    if low is None or high is None:
        return None
    return f"{low * 100:.1f} to {high * 100:.1f}{GAP}%"


def estimate(measured: Mapping[str, Any]) -> str:
    """Write a number that is no share with two decimals, and its interval where it has one."""
    low, high = measured.get("low"), measured.get("high")
    words = f"{measured['value']:.2f}"
    return words if low is None or high is None else f"{words} [{low:.2f}, {high:.2f}]"


def count(number: int | None) -> str:
    """Write a count with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"


def dollars(amount: float | None) -> str:
    """Write an amount of US dollars; small ones with four decimals."""
    if amount is None:
        return "not known"
    return f"${amount:,.4f}" if 0 < amount < CENT else f"${amount:,.2f}"


def seconds(time_s: float) -> str:
    """Write a span of time."""
    if time_s < MINUTE_S:
        return f"{time_s:.2f}{GAP}s"
    if time_s < HOUR_S:
        return f"{time_s // MINUTE_S:.0f}{GAP}min {time_s % MINUTE_S:.0f}{GAP}s"
    return f"{time_s // HOUR_S:.0f}{GAP}h {time_s % HOUR_S // MINUTE_S:.0f}{GAP}min"


def moment(iso: str) -> str:
    """Write an ISO 8601 time for a person; what is none stays as it is."""
    try:
        return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S %Z}".strip()
    except ValueError:
        return iso


def span(started: str, finished: str) -> str | None:
    """Write how long it was between two ISO 8601 times, or ``None`` where they are none."""
    try:
        passed = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    except (ValueError, TypeError):
        return None
    return seconds(passed.total_seconds()) if passed.total_seconds() >= 0 else None


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def param_words(value: object) -> str:
    """Write the value of a parameter: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def params_in_words(params: Mapping[str, Any]) -> str:
    """Write the parameters of a method on one line, cut where they are long."""
    words = ", ".join(f"{name}={param_words(value)}" for name, value in params.items())
    return words if len(words) <= MOST_PARAMS else f"{words[:MOST_PARAMS]} …"
