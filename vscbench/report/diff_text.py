"""A diff as lines for a terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.report.diff_words import (
    changed_groups,
    counted,
    findings,
    flips_by_change,
    measure_name,
    overall,
    percent,
    points,
    probability,
    remark,
)
from vscbench.visible import one_line, wrapped

WIDTH: Final = 80
MOST_FLIPS: Final = 50
MOST_NAME: Final = 80
MOST_TEXT: Final = 400
Fields = Mapping[str, Any]


def diff_lines(diff: Fields) -> list[str]:
    """Lay out a diff, 80 columns wide; text from elsewhere is shown, never obeyed."""
    return [
        *_title(diff),
        "",
        *(line for said in findings(diff) for line in _wrapped(said)),
        "",
        *(line for said in counted(diff) for line in _wrapped(said)),
        "",
        *_table(diff),
        *_wrapped(remark(diff)),
        *_flips(diff["flips"]),
        *_errors(diff["errors"]),
    ]


def _title(diff: Fields) -> Iterator[str]:
    for when in ("before", "after"):
        run = diff[when]
        told = [
            one_line(str(run[name]), MOST_NAME) for name in ("model", "judge", "pairs") if run[name]
        ]
        known = f"  ({', '.join(told)})" if told else ""
        yield from _wrapped(f"{when:<7} {one_line(run['name'], 2 * MOST_NAME)}{known}")
    for kind in ("warning", "note"):
        for said in diff[f"{kind}s"]:
            yield from _wrapped(f"{kind}: {one_line(said, MOST_TEXT)}")


def _table(diff: Fields) -> Iterator[str]:
    yield (
        f"{'':<12}{'n':>5}{'before':>9}{'after':>9}  {'difference [95 %]':<23}"
        f"{'p':>7}{'worse':>6}{'better':>7}".rstrip()
    )
    for measure in overall(diff):
        yield _row(measure_name(measure["name"]), measure)
    for group, measures in changed_groups(diff).items():
        yield one_line(group, MOST_NAME)
        for measure in measures:
            yield _row(f"  {measure_name(measure['name'])}", measure)


def _row(label: str, measure: Fields) -> str:
    return (
        f"{label:<12}{measure['n']:>5}{percent(measure['before']):>9}"
        f"{percent(measure['after']):>9}  {points(measure['difference']):<23}"
        f"{probability(measure['p']):>7}{measure['worse']:>6}{measure['better']:>7}"
    )


def _flips(flips: Sequence[Fields]) -> Iterator[str]:
    left = MOST_FLIPS
    for change, group in flips_by_change(flips).items():
        yield ""
        yield f"{change} ({len(group)})"
        for flip in group[:left]:
            yield from _flip(flip)
        if len(group) > left:
            yield f"  ... and {len(group) - left} more; --format json lists all"
        left = max(0, left - len(group))


def _flip(flip: Fields) -> Iterator[str]:
    yield f"  {_case(flip)}  {flip['label']}: {flip['before']} -> {flip['after']}"
    if flip["query"]:
        query = one_line(flip["query"], MOST_TEXT)
        yield f"      {textwrap.shorten(query, WIDTH - 6, placeholder=' ...')}"


def _errors(errors: Sequence[Fields]) -> Iterator[str]:
    if errors:
        yield ""
        yield f"scored in one of the runs only ({len(errors)})"
    for each in errors[:MOST_FLIPS]:
        yield f"  {_case(each)}  {each['label']}: {each['before']} -> {each['after']}"
    if len(errors) > MOST_FLIPS:
        yield f"  ... and {len(errors) - MOST_FLIPS} more; --format json lists all"


def _case(each: Fields) -> str:
    again = "" if each["epoch"] == 1 else f" epoch {each['epoch']}"
    return f"{one_line(each['pair_id'], MOST_NAME)}{again}"


def _wrapped(text: str) -> list[str]:
    return wrapped(text, WIDTH, "  ")
