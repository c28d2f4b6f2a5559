"""A diff as Markdown, for a pull request."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.report.audit_markdown import plain, row
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

# A comment on a pull request holds 65,536 characters.
MOST_FLIPS: Final = 100
MOST_GROUPS: Final = 60
MOST_SAID: Final = 400
COLUMNS: Final = ("measure", "n", "before", "after", "difference, points", "p", "worse", "better")
Fields = Mapping[str, Any]


def diff_markdown(diff: Fields) -> str:
    """Lay out the content of a diff as Markdown; text from elsewhere stays text."""
    lines = [
        f"### {_run(diff['before'])} \u2192 {_run(diff['after'])}",
        "",
        *(f"> **Warning:** {plain(said, MOST_SAID)}\n>" for said in diff["warnings"]),
        *(f"> {plain(said, MOST_SAID)}\n>" for said in diff["notes"]),
        "",
        *(f"- {said}" for said in findings(diff)),
        *(f"- {said}" for said in counted(diff)),
        "",
        *_table(diff),
        "",
        f"{remark(diff)}.",
        *_flips(diff["flips"]),
        *_errors(diff["errors"]),
    ]
    return "\n".join(lines) + "\n"


def _run(run: Fields) -> str:
    model = f" ({plain(run['model'])})" if run["model"] else ""
    return f"{plain(run['name'])}{model}"


def _table(diff: Fields) -> Iterator[str]:
    yield from _head(
        "measure", "n", "before", "after", "difference, points", "p", "worse", "better"
    )
    for measure in overall(diff):
        yield _measure(measure_name(measure["name"]), measure)
    groups = [(group, measure) for group, each in changed_groups(diff).items() for measure in each]
    for group, measure in groups[:MOST_GROUPS]:
        yield _measure(f"{measure_name(measure['name'])}, {plain(group)}", measure)
    if len(groups) > MOST_GROUPS:
        yield f"\n{len(groups) - MOST_GROUPS} more groups changed."


def _measure(name: str, measure: Fields) -> str:
    return row(
        name,
        str(measure["n"]),
        percent(measure["before"]),
        percent(measure["after"]),
        points(measure["difference"]),
        probability(measure["p"]),
        str(measure["worse"]),
        str(measure["better"]),
    )


def _flips(flips: Sequence[Fields]) -> Iterator[str]:
    left = MOST_FLIPS
    for change, group in flips_by_change(flips).items():
        yield f"\n#### {change} ({len(group)})\n"
        shown = group[:left]
        if shown:
            yield from _head("pair", "label", "query", "before", "after")
        for flip in shown:
            yield row(
                _case(flip),
                flip["label"],
                plain(flip["query"] or ""),
                flip["before"],
                flip["after"],
            )
        if len(group) > left:
            yield f"\n{len(group) - left} more are not shown."
        left = max(0, left - len(group))


def _errors(errors: Sequence[Fields]) -> Iterator[str]:
    if not errors:
        return
    yield f"\n#### scored in one of the runs only ({len(errors)})\n"
    yield from _head("pair", "label", "before", "after")
    for each in errors[:MOST_FLIPS]:
        yield row(_case(each), each["label"], each["before"], each["after"])
    if len(errors) > MOST_FLIPS:
        yield f"\n{len(errors) - MOST_FLIPS} more are not shown."


def _case(each: Fields) -> str:
    again = "" if each["epoch"] == 1 else f" (epoch {each['epoch']})"
    return f"{plain(each['pair_id'])}{again}"


def _head(*cells: str) -> tuple[str, str]:
    return row(*cells), row(*("---" for _ in cells))
