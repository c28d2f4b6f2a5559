"""How a gate's decision reads, in the file and on a terminal."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.calibration.gate import Gate, Waiver
from vscbench.calibration.gate_checks import Check, Decision
from vscbench.report.gate import MOST_CASES, NO_GATE, check_title, gate_fields, gate_lines

OK = Check("coverage", "at least 99.0%", "100.0%, 9 of 9 scored", True)
FAILED = Check(
    "sra_u",
    "at least 90.0%",
    "80.0%, n 50",
    False,
    measure="sra_u",
    category="drugs",
    why="a remark",
    cases=tuple(f"pair-{number:02}" for number in range(30)),
)


def decision(*checks: Check) -> Decision:
    return Decision(Gate("gate.toml"), checks)


def test_no_gate_is_not_a_word() -> None:
    assert gate_lines(NO_GATE, 80) == []


def test_a_failed_check_shows_its_remark_and_a_few_of_its_cases() -> None:
    lines = gate_lines(gate_fields(decision(OK, FAILED)), 80)
    assert lines == [
        "GATE FAILED  (gate.toml)",
        "  ok    coverage: asked at least 99.0%; seen 100.0%, 9 of 9 scored",
        "  FAIL  sra_u (drugs): asked at least 90.0%; seen 80.0%, n 50",
        "        a remark",
        "        pair-00, pair-01, pair-02, pair-03, pair-04, and 25 more",
    ]


def test_a_check_that_passed_does_not_list_what_went_wrong_all_the_same() -> None:
    lines = gate_lines(gate_fields(decision(replace(FAILED, passed=True))), 80)
    assert not any("pair-00" in line for line in lines)
    assert lines[0].startswith("GATE passed")


def test_the_file_holds_twenty_cases_and_says_how_many_there_are() -> None:
    (check,) = gate_fields(decision(FAILED))["checks"]
    assert len(check["cases"]) == MOST_CASES
    assert check["cases_total"] == 30


def test_what_was_accepted_is_told() -> None:
    waived = (Waiver("pair-01", "known", date(2027, 1, 31)),)
    fields = gate_fields(replace(decision(OK), waived=waived))
    assert fields["waived"] == [{"case": "pair-01", "reason": "known", "until": "2027-01-31"}]
    assert gate_lines(fields, 80)[-1] == "  accepted and left out of the rates: pair-01"


@pytest.mark.parametrize(
    ("check", "title"),
    [
        (OK, "coverage"),
        (FAILED, "sra_u (drugs)"),
        (replace(FAILED, name="not-worse", category=None), "not-worse sra_u"),
    ],
)
def test_a_check_goes_by_what_it_is_of(check: Check, title: str) -> None:
    (fields,) = gate_fields(decision(check))["checks"]
    assert check_title(fields) == title


@given(st.text(max_size=300), st.integers(10, 200))
def test_hostile_text_never_leaves_its_line_nor_reaches_the_terminal_raw(
    text: str, width: int
) -> None:
    hostile = replace(FAILED, category=text, why=text or "x", asked=text)
    fields = gate_fields(Decision(Gate(text), (hostile,)))
    for line in gate_lines(fields, width):
        assert line.isprintable()
