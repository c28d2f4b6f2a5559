"""Pictures made ahead are those that would be made at the end, and are made once."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from vscbench.report.html.thumbnails import Missing, thumbnails
from vscbench.report.html.thumbnails_ahead import (
    KEPT,
    WORTH_A_PROCESS,
    ThumbnailsAhead,
    make_kept,
    read_kept,
)

MOST = 2_000


def drawn(folder: Path, number: int) -> list[Path]:
    paths = []
    for place in range(number):
        path = folder / f"{place}.png"
        Image.new("RGB", (60, 40), (place % 256, 80, 160)).save(path)
        paths.append(path)
    return paths


def lines_of(path: Path) -> int:
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("number", [3, WORTH_A_PROCESS + 20])
def test_they_are_the_pictures_that_would_be_made_at_the_end(tmp_path: Path, number: int) -> None:
    paths = [*drawn(tmp_path, number), tmp_path / "absent.png"]
    ahead = ThumbnailsAhead([*paths, paths[0]], MOST, tmp_path / "kept" / KEPT)
    made = ahead.collect()
    assert made == thumbnails(paths, MOST)
    assert isinstance(made[tmp_path / "absent.png"], Missing)


def test_a_second_run_makes_none(tmp_path: Path) -> None:
    paths, kept = drawn(tmp_path, WORTH_A_PROCESS), tmp_path / KEPT
    first = ThumbnailsAhead(paths, MOST, kept).collect()
    lines = lines_of(kept)
    assert ThumbnailsAhead(paths, MOST, kept).collect() == first
    assert lines_of(kept) == lines


def test_the_file_holds_the_last_run_and_does_not_grow(tmp_path: Path) -> None:
    paths, kept = drawn(tmp_path, 4), tmp_path / KEPT
    ThumbnailsAhead(paths, MOST, kept).collect()
    for place, path in enumerate(paths[:2]):
        os.utime(path, ns=(0, time.time_ns() + place * 10**9))
    ThumbnailsAhead(paths[:2], MOST, kept).collect()
    assert lines_of(kept) == 2


def test_an_image_that_changed_is_drawn_anew(tmp_path: Path) -> None:
    (path,), kept = drawn(tmp_path, 1), tmp_path / KEPT
    before = ThumbnailsAhead([path], MOST, kept).collect()
    Image.new("RGB", (33, 44), "red").save(path)
    os.utime(path, ns=(0, time.time_ns() + 10**9))
    after = ThumbnailsAhead([path], MOST, kept).collect()
    assert after != before
    assert after == thumbnails([path], MOST)


def test_other_bytes_each_are_other_pictures(tmp_path: Path) -> None:
    paths, kept = drawn(tmp_path, 2), tmp_path / KEPT
    ThumbnailsAhead(paths, MOST, kept).collect()
    assert read_kept(kept, MOST + 1) == {}
    assert len(read_kept(kept, MOST)) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_a_file_of_anything_is_passed_over(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / KEPT
    kept.write_bytes(content)
    paths = drawn(tmp_path, 1)
    assert ThumbnailsAhead(paths, MOST, kept).collect() == thumbnails(paths, MOST)


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path: Path) -> None:
    paths, kept = drawn(tmp_path, 3), tmp_path / KEPT
    make_kept(kept, paths, MOST)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-20])
    assert len(read_kept(kept, MOST)) == 2
    ThumbnailsAhead(paths, MOST, kept).collect()
    assert len(read_kept(kept, MOST)) == 3


def test_where_nothing_can_be_kept_they_are_made_all_the_same(tmp_path: Path) -> None:
    paths = drawn(tmp_path, WORTH_A_PROCESS)
    (tmp_path / "file").write_text("", encoding="utf-8")
    made = ThumbnailsAhead(paths, MOST, tmp_path / "file" / KEPT).collect()
    assert made == thumbnails(paths, MOST)


def test_an_abandoned_run_draws_no_more(tmp_path: Path) -> None:
    paths, kept = drawn(tmp_path, WORTH_A_PROCESS), tmp_path / KEPT
    ahead = ThumbnailsAhead(paths, MOST, kept)
    ahead.abandon()
    ahead.abandon()
    size = kept.stat().st_size if kept.exists() else 0
    ThumbnailsAhead(drawn(tmp_path, 1), MOST, tmp_path / "other").collect()
    assert (kept.stat().st_size if kept.exists() else 0) == size
