import io
from dataclasses import replace

import pytest
from small_pairs import make_pair

from vscbench.engine.dispatcher import Progress
from vscbench.plugin.progress import ERASE_LINE, LiveLine, clock, progress_line
from vscbench.records import Kind, Outcome

LAST = Outcome(make_pair("tea-safe"), 1, Kind.ANSWERED)
HALF = Progress(submitted=40, asked=25, decided=20, in_flight=5, errors=1, last=LAST)


def test_the_line_says_how_far_how_fast_and_how_long() -> None:
    assert progress_line(HALF, elapsed_s=10, width=200) == (
        "20/40 | 5 in flight | 1 errors | 2.0/s | 0:10 left | tea-safe: answered"
    )


def test_the_line_says_what_was_stored_what_is_tried_again_and_why_nothing_moves() -> None:
    waiting = replace(HALF, cached=8, retried=3, paused_s=12.4, in_flight=0)
    assert progress_line(waiting, elapsed_s=10, width=200).startswith(
        "20/40 | 8 stored | 0 in flight | 3 retries | 1 errors | waiting 12 s as asked | "
    )


def test_the_line_promises_nothing_before_the_first_answer() -> None:
    start = Progress(submitted=40, asked=4, decided=0, in_flight=4, errors=0, last=None)
    assert progress_line(start, elapsed_s=3, width=200) == ("0/40 | 4 in flight | 0 errors | 0.0/s")


@pytest.mark.parametrize("width", [1, 20, 60])
def test_the_line_never_wraps(width: int) -> None:
    assert len(progress_line(HALF, elapsed_s=10, width=width)) < width


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_durations_read_as_clocks(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_line_is_gone_once_stopped() -> None:
    screen = io.StringIO()
    line = LiveLine(lambda: HALF, screen)
    line.stop()
    line.stop()
    assert screen.getvalue().endswith(ERASE_LINE)
