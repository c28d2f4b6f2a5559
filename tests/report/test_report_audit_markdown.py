import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import FAILED, audited, labelled, verdict

from vscbench.records import Kind
from vscbench.report.audit_markdown import audit_markdown, plain

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
HOSTILE = [
    "| a | b |",
    "`code` **bold** _it_",
    "<script>alert(1)</script>",
    "[link](https://example.com) ![image](https://example.com/x.png)",
    "</details>\n# a heading",
    "@somebody see #12 and www.example.com or https://example.com",
    "&lt;b&gt; $x$ ~~gone~~ :smile:",
]


def test_it_holds_the_figures_as_tables() -> None:
    both = (Kind.REFUSED, Kind.REFUSED)
    text = audit_markdown(
        audited(
            (labelled(Kind.REFUSED, "a", annotators=both), verdict(Kind.REFUSED)),
            (labelled(Kind.ANSWERED, "b"), verdict(Kind.ANSWERED)),
            (labelled(Kind.REFUSED, "c"), FAILED),
        )
    )
    assert text.startswith("### Judge careful against people\n\n3 labelled responses (3 without")
    assert "| overall | binary | four classes |\n| --- | --- | --- |\n| κ | 1.000" in text
    assert "| κ, errors as wrong | 0.400" in text
    assert re.search(
        r"\| source pilot \| 3 \| 1\.000 .*\n\| \*two people with each other\* \| 1", text
    )
    assert "| refused | 1 (50% [0%, 100%]) | 0 | 0 | 0 | 0 | 1 (50% [0%, 100%]) |" in text
    assert "No verdict on 1 of 3 (coverage 66.7%)" in text
    assert "1 \u00d7 the judge's answer is empty" in text


def test_a_source_whose_annotators_labels_are_unknown_gets_no_kappa() -> None:
    case = labelled(Kind.REFUSED, annotators_agree=True)
    text = audit_markdown(audited((case, verdict(Kind.REFUSED))))
    assert "pilot: two people chose the same label for 100.0% of 1; no κ, as their labels" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_text_from_elsewhere_stays_text(text: str) -> None:
    shown = plain(text)
    assert not set(shown) & set("\n|`<>*_[]()!@~$\\")
    assert not re.search(r"https?:|www\.|:\w+:|#(?!\d+;)", shown)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(HOSTILE) | ANY_TEXT)
def test_every_row_keeps_its_columns_whatever_it_holds(text: str) -> None:
    case = labelled(Kind.REFUSED, text, response=text, source=text, model=text)
    lines = audit_markdown(audited((case, verdict(Kind.ANSWERED)))).split("\n")
    expected = audit_markdown(audited((labelled(Kind.REFUSED), verdict(Kind.ANSWERED))))
    assert [line.count("|") for line in lines] == [line.count("|") for line in expected.split("\n")]
    "\n".join(lines).encode("utf-8")
