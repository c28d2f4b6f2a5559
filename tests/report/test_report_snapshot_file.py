import difflib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.errors import DataError
from vscbench.records import Kind, Label
from vscbench.report.snapshot_file import (
    Snapshot,
    format_snapshot,
    parse_snapshot,
    read_summary,
    summary_lines,
)

DECIDED = [kind for kind in Kind if not kind.is_error]
SMALL = Snapshot(
    model="claude",
    method="none",
    pairs="embedded",
    judge="classifier",
    cases={
        ("door-unsafe", 1): (Label.UNSAFE, Kind.REFUSED),
        ("door-safe", 1): (Label.SAFE, Kind.ANSWERED),
        ("lamp-unsafe", 2): (Label.UNSAFE, Kind.ANSWERED),
        ("lamp-unsafe", 1): (Label.UNSAFE, Kind.FLAGGED),
    },
)

any_text = st.text(max_size=30) | st.sampled_from(
    ["", " ", '"', "a\nb", "a: b", "\x00", "# x", "=======", "<<<<<<< ours", "\u2028", "x epoch 2"]
)
keys = st.tuples(any_text, st.integers(1, 99))
found = st.tuples(st.sampled_from(Label), st.sampled_from(DECIDED))
snapshots = st.builds(
    Snapshot,
    model=any_text,
    method=any_text,
    pairs=any_text,
    cases=st.dictionaries(keys, found, max_size=20),
    judge=any_text,
    policy=st.builds(Policy, st.sampled_from(Scoring), st.sampled_from(BlockedPolicy)),
)


@given(snapshots)
def test_what_is_written_reads_back_whatever_the_names(snapshot: Snapshot) -> None:
    text = format_snapshot(snapshot)
    assert text.isascii()
    assert parse_snapshot(text, "file") == snapshot
    assert read_summary(text) == summary_lines(snapshot)
    assert parse_snapshot("\ufeff" + text.replace("\n", "\r\n"), "file") == snapshot


@given(snapshots, st.data())
def test_a_case_that_changes_is_one_line_beside_the_summary(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    if not snapshot.cases:
        return
    key = data.draw(st.sampled_from(sorted(snapshot.cases)))
    label, kind = snapshot.cases[key]
    other = data.draw(st.sampled_from([each for each in DECIDED if each is not kind]))
    changed = Snapshot(
        snapshot.model,
        snapshot.method,
        snapshot.pairs,
        {**snapshot.cases, key: (label, other)},
        snapshot.judge,
        snapshot.policy,
    )
    before, after = (_case_lines(each) for each in (snapshot, changed))
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def _case_lines(snapshot: Snapshot) -> list[str]:
    return format_snapshot(snapshot).split("\n\n")[-1].splitlines()


def test_the_file_reads_as_a_table_with_its_summary_above() -> None:
    lines = format_snapshot(SMALL).splitlines()
    assert lines[1:] == [
        "format     1",
        "model      claude",
        "method     none",
        "pairs      embedded",
        "judge      classifier",
        "scoring    paper",
        "blocked    refused",
        "",
        "cases      4",
        "SRA_u      66.7 % of 3",
        "SRA_s      100.0 % of 1",
        "refused    1 unsafe, 0 safe",
        "flagged    1 unsafe, 0 safe",
        "answered   1 unsafe, 1 safe",
        "",
        "safe    answered   door-safe",
        "unsafe  refused    door-unsafe",
        "unsafe  flagged    lamp-unsafe",
        "unsafe  answered   lamp-unsafe epoch 2",
    ]


def test_the_rates_of_the_summary_go_by_the_policy_of_the_header() -> None:
    cases = {
        ("a", 1): (Label.SAFE, Kind.IRRELEVANT),
        ("b", 1): (Label.UNSAFE, Kind.BLOCKED),
    }
    strict = Policy(Scoring.STRICT, BlockedPolicy.SEPARATE)
    text = format_snapshot(Snapshot("m", "none", "p", cases, policy=strict))
    assert read_summary(text)[1:3] == ["SRA_u      -", "SRA_s      0.0 % of 1"]


def test_two_branches_that_change_different_cases_leave_a_diff_of_two_lines() -> None:
    cases = {(f"pair-{number:04d}", 1): (Label.SAFE, Kind.ANSWERED) for number in range(3000)}
    before = format_snapshot(Snapshot("m", "none", "p", cases))
    cases["pair-0007", 1] = cases["pair-2999", 1] = (Label.SAFE, Kind.REFUSED)
    after = format_snapshot(Snapshot("m", "none", "p", cases))
    added = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)
        if re.match(r"\+safe", line)
    ]
    assert added == ["+safe    refused    pair-0007", "+safe    refused    pair-2999"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format     1", "format     2", "file, line 2: format '2' is none of 1"),
        ("scoring    paper", "scoring    kind", "file, line 7: scoring 'kind' is none of paper"),
        ("model      claude\n", "", "file, line 1: not a snapshot of vscbench: it has no 'model'"),
        ("pairs      embedded", "apples     3", "file, line 5: not a snapshot of vscbench"),
        ("cases      4", "cakes      4", "file, line 10: expected the summary"),
        ("safe    answered   door-safe", "door-safe", "file, line 17: expected a case"),
        ("flagged    lamp", "cursed     lamp", "file, line 19: 'cursed' is none of refused"),
        ("flagged    lamp", "judge-error lamp", "file, line 19: 'judge-error' is none of"),
        ("unsafe  flagged", "maybe   flagged", "file, line 19: 'maybe' is none of safe, unsafe"),
        (" epoch 2", "", "file, line 20: the case lamp-unsafe is there twice"),
        ("door-safe\n", '"door\n', "file, line 17: expected a case"),
        ("door-safe\n", '"\\x"\n', "file, line 17: the quoted text cannot be read"),
        ("safe    answered   door", "<<<<<<< HEAD\nsafe answered door", "line 17: an unresolved"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(old: str, new: str, message: str) -> None:
    text = format_snapshot(SMALL)
    assert old in text
    with pytest.raises(DataError) as raised:
        parse_snapshot(text.replace(old, new, 1), "file")
    assert message in str(raised.value)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(DataError, match="not a snapshot of vscbench"):
        parse_snapshot(text.replace("<", "").replace("=", "").replace(">", ""), "file")
