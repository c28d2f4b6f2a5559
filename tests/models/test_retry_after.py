import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.retry_after import retry_after

INFO = "type.googleapis.com/google.rpc.RetryInfo"
NOW = 1_750_000_000


def google(delay: object) -> dict[str, object]:
    return {"details": [{"@type": "other"}, {"@type": INFO, "retryDelay": delay}]}


@pytest.mark.parametrize(
    ("headers", "error", "seconds"),
    [
        ({}, {}, None),
        ({"retry-after": "12"}, {}, 12.0),
        ({"retry-after": "0"}, {}, 0.0),
        ({"retry-after": "-3"}, {}, None),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "inf"}, {}, None),
        ({"retry-after": "soon"}, {}, None),
        ({"retry-after": ""}, {}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, {}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, {}, 1.0),
        ({}, google("34.5s"), 34.5),
        ({}, google("34"), None),
        ({}, google(None), None),
        ({}, {"details": "none"}, None),
        ({"retry-after": "2"}, google("34s"), 2.0),
        (
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6ms"},
            {},
            0.006,
        ),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1h2m3s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "5s",
            },
            {},
            3723.0,
        ),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "6s"}, {}, None),
        (
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1750000000"},
            {},
            None,
        ),
    ],
)
def test_the_wait_is_read_from_wherever_it_stands(
    headers: dict[str, str], error: dict[str, object], seconds: float | None
) -> None:
    assert retry_after(headers, error) == (None if seconds is None else pytest.approx(seconds))


@given(wait=st.integers(-1000, 100_000))
def test_a_date_counts_from_the_providers_clock(wait: int) -> None:
    headers = {
        "retry-after": formatdate(NOW + wait, usegmt=True),
        "date": formatdate(NOW, usegmt=True),
    }
    assert retry_after(headers, {}) == max(0, wait)


def test_a_date_that_has_passed_is_no_wait() -> None:
    assert retry_after({"retry-after": formatdate(0, usegmt=True)}, {}) == 0.0


@given(
    said=st.dictionaries(
        st.sampled_from(("retry-after", "retry-after-ms", "date", "x-ratelimit-reset-tokens")),
        st.text(max_size=30),
    ),
    delay=st.one_of(st.none(), st.text(max_size=12), st.integers()),
)
def test_whatever_is_said_gives_a_wait_or_none(said: dict[str, str], delay: object) -> None:
    seconds = retry_after({**said, "x-ratelimit-remaining-tokens": "0"}, google(delay))
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)
