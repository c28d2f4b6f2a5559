import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import FAILED, audited, labelled, verdict

from vscbench.judges.labels import LabelledResponse
from vscbench.records import Kind
from vscbench.report.audit import Said
from vscbench.report.audit_text import audit_lines, figure, one_line

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def estimate(value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def small_audit() -> dict[str, Any]:
    """Eight prompts, one without a verdict; two people labelled the first two."""
    refused, answered = (Kind.REFUSED, Kind.REFUSED), (Kind.ANSWERED, Kind.ANSWERED)
    agreed = labelled(Kind.REFUSED, "a", annotators=refused, annotators_agree=True)
    cases: list[tuple[LabelledResponse, Said]] = [
        (agreed, verdict(Kind.REFUSED, 0.9)),
        (labelled(Kind.ANSWERED, "b", annotators=answered), FAILED),
        (labelled(Kind.ANSWERED, "How?", line=7), verdict(Kind.REFUSED, 0.97)),
        (labelled(Kind.ANSWERED, "d"), verdict(Kind.ANSWERED, 0.8)),
        (labelled(Kind.FLAGGED, "e", model="n"), verdict(Kind.BLOCKED, 0.8)),
        (labelled(Kind.IRRELEVANT, "f", model="n"), verdict(Kind.IRRELEVANT, 0.8)),
        (labelled(Kind.REFUSED, "g", model="n"), verdict(Kind.REFUSED, 0.8)),
        (labelled(Kind.ANSWERED, "h", model="n"), verdict(Kind.ANSWERED, 0.8)),
    ]
    return audited(*cases, worst=1)


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (0.6366, 0.596, 0.674, ".637 [.60,.67]"),
        (1.0, 0.9, 1.0, "1.000 [.90,1.00]"),
        (-0.053, -0.5, 0.07, "-.053 [-.50,.07]"),
        (0.0, 0.0, 0.0, ".000 [.00,.00]"),
        (0.5, None, None, ".500"),
        (None, None, None, "-"),
    ],
)
def test_a_figure_stands_beside_its_interval(
    value: float | None, low: float | None, high: float | None, shown: str
) -> None:
    assert figure(estimate(value, low, high)) == shown


def test_a_figure_that_was_not_computed_is_a_dash() -> None:
    assert figure(None) == "-"


def test_the_table_reads_as_a_person_sees_it() -> None:
    lines = audit_lines(small_audit())
    text = "\n".join(lines)
    assert lines[0] == "judge careful against people: 8 responses"
    assert lines[1] == "  pilot.jsonl: 8 (2 other, 1 unlabelled left out)"
    assert lines[2] == "95% intervals: 200 resamples of 8 prompts, seed 0"
    assert "overall                               binary      four classes" in text
    assert "counting errors as wrong:" in text
    assert (
        "people, judge    refused   flagged  answered  irrelev.   blocked     error\n"
        "  refused              2         0         0         0         0         0\n"
        "  flagged              0         0         0         0         1         0\n"
        "  answered             1         0         2         0         0         1\n"
        "  irrelevant           0         0         0         1         0         0\n"
    ) in text
    assert "pilot: two people chose the same label for 100.0% of 1" in text
    # Of two prompts too many resamples lack a side, so their kappa has no interval.
    assert re.search(r"^    two people +2 +1\.000 +1\.000 \[1\.00,1\.00\]$", text, re.MULTILINE)
    assert (
        "no verdict on 1 of 8 (coverage 87.5%); these are counted in 'errors as wrong'\n"
        "  and in the column 'error' alone\n"
        "  1 x the judge's answer is empty\n"
    ) in text
    assert text.endswith(
        "worst disagreements (the surest first)\n"
        "  people answered, judge refused .97: pilot line 7, m\n"
        "    > How?\n"
        "    < An answer to How?"
    )


def test_without_errors_there_is_no_word_of_them() -> None:
    text = "\n".join(audit_lines(audited((labelled(Kind.REFUSED), verdict(Kind.REFUSED)))))
    assert "error" not in text
    assert "worst" not in text


def test_a_judge_without_probabilities_has_its_disagreements_sampled() -> None:
    text = "\n".join(audit_lines(audited((labelled(Kind.REFUSED), verdict(Kind.ANSWERED)))))
    assert "worst disagreements (a sample: careful gives no probability)" in text


def test_figures_are_in_columns_that_line_up_within_80() -> None:
    lines = audit_lines(small_audit())
    assert max(map(len, lines)) <= 80
    header = next(line for line in lines if "binary kappa" in line)
    row = next(line for line in lines if line.startswith("  pilot   "))
    assert row[header.index("n ")] == "8"
    assert row[header.index("binary kappa") + len("binary kappa") - 1] == "]"


@settings(deadline=None, max_examples=50)
@given(ANY_TEXT, ANY_TEXT)
def test_no_text_from_elsewhere_is_obeyed_or_begins_a_line(query: str, name: str) -> None:
    case = labelled(
        Kind.REFUSED, query, response=query, source=name, model=name, path=Path("a.jsonl")
    )
    plain = labelled(Kind.REFUSED)
    expected = audit_lines(audited((plain, verdict(Kind.ANSWERED))))
    lines = audit_lines(audited((case, verdict(Kind.ANSWERED))))
    assert len(lines) == len(expected)
    text = "\n".join(lines)
    text.encode("utf-8")
    assert not set(text) & {"\x1b", "\x00", "\r", "\u202e", "\u200b", "\u2028", "\x07"}


@given(ANY_TEXT, st.integers(10, 100))
def test_untrusted_text_fits_one_line(text: str, width: int) -> None:
    shown = one_line(text, width)
    assert len(shown) <= width
    assert "\n" not in shown
