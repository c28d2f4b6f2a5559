"""How long a provider asks to be left alone, wherever it says so."""

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from vscbench.models.provider_words import mapping, string

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[hms])")
DURATION = re.compile(rf"(?:{PART.pattern})+")


def retry_after(headers: Mapping[str, str], error: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait before the next request, or ``None`` where nobody says.

    Args:
        headers: of the response, with names in lower case.
        error: the error object of the body, where Google puts it.
    """
    said = (
        _milliseconds(headers.get("retry-after-ms")),
        _seconds_or_date(headers.get("retry-after"), headers.get("date")),
        _google_delay(error),
        _openai_reset(headers),
    )
    return next((seconds for seconds in said if seconds is not None), None)


def _number(said: str | None) -> float | None:
    try:
        number = float(said or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _milliseconds(said: str | None) -> float | None:
    number = _number(said)
    return None if number is None else number / 1000


def _seconds_or_date(said: str | None, now: str | None) -> float | None:
    number = _number(said)
    if number is not None:
        return number
    until = _date(said)
    if until is None:
        return None
    # By the provider's own clock where it tells it: ours may be wrong.
    clock = _date(now)
    return max(0.0, until - (time.time() if clock is None else clock))


def _date(said: str | None) -> float | None:
    try:
        return parsedate_to_datetime(said or "").timestamp()
    except (ValueError, OverflowError):
        return None


def _duration(said: str) -> float | None:
    """Read ``1m30.5s``, ``6ms`` and their like."""
    if not DURATION.fullmatch(said):
        return None
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(said))


def _google_delay(error: Mapping[str, Any]) -> float | None:
    """Read google.rpc.RetryInfo, https://cloud.google.com/apis/design/errors#error_details."""
    details = error.get("details")
    for detail in map(mapping, details if isinstance(details, list) else ()):
        if string(detail.get("@type")).endswith("google.rpc.RetryInfo"):
            return _duration(string(detail.get("retryDelay")))
    return None


def _openai_reset(headers: Mapping[str, str]) -> float | None:
    """Read when a limit that is used up comes back; one with something left tells nothing.

    https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
    """
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{limit}", ""))
        for limit in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{limit}") == "0"
    ]
    known = [reset for reset in resets if reset is not None]
    return max(known) if known else None
