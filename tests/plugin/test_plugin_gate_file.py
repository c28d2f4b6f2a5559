"""What a gate's file may say, and what is said of one that cannot be used."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.calibration.gate import BaselineRules, Bound, Gate, Measure, Minimum, Waiver
from vscbench.errors import UsageError
from vscbench.plugin.gate_file import read_gate, read_gate_file

WHOLE = """
coverage = 0.99
sra_u = 0.95
sra_s = {at_least = 0.8, on = "low"}
contrast = 0.6

[category.drugs]
sra_u = 0.9

[baseline]
not_worse = ["sra_u", "sra_s:category=drugs"]
margin = {sra_u = 0.02}
alpha = 0.01

[[waiver]]
case = "one"
reason = "a known one"
until = 2027-01-31
"""


def test_everything_a_gate_can_ask_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(WHOLE, encoding="utf-8")
    assert read_gate_file(path) == Gate(
        source=str(path),
        coverage=0.99,
        minima=(
            Minimum(Measure.SRA_U, 0.95),
            Minimum(Measure.SRA_S, 0.8, Bound.LOW),
            Minimum(Measure.CONTRAST, 0.6),
            Minimum(Measure.SRA_U, 0.9, category="drugs"),
        ),
        baseline=BaselineRules(("sra_u", "sra_s:category=drugs"), {"sra_u": 0.02}, 0.01),
        waivers=(Waiver("one", "a known one", date(2027, 1, 31)),),
    )


def test_a_pyproject_is_read_at_its_table(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.vscbench.gate]\nsra_u = 1\n", encoding="utf-8")
    gate = read_gate_file(path)
    assert gate.minima == (Minimum(Measure.SRA_U, 1.0),)
    assert "[tool.vscbench.gate]" in gate.source


def test_an_empty_baseline_asks_that_neither_rate_is_worse() -> None:
    assert read_gate({"baseline": {}}, "g").baseline == BaselineRules(("sra_u", "sra_s"))


def test_who_names_a_margin_alone_asks_for_nothing_else() -> None:
    rules = read_gate({"baseline": {"margin": {"sra_u": 0.02}}}, "g").baseline
    assert rules == BaselineRules((), {"sra_u": 0.02})


WAIVER = {"case": "one", "reason": "known", "until": date(2027, 1, 31)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "must be a table"),
        ({}, "asks for nothing"),
        ({"sra": 0.9}, "unknown key 'sra'; known: sra_u, sra_s"),
        ({"sra_u": 95}, "sra_u is 95; it must be a number from 0 to 1"),
        ({"sra_u": -0.1}, "it must be a number from 0 to 1"),
        ({"sra_u": float("nan")}, "it must be a number from 0 to 1"),
        ({"sra_u": True}, "it must be a number from 0 to 1"),
        ({"sra_u": "0.9"}, "it must be a number from 0 to 1"),
        ({"sra_u": {"on": "low"}}, "g, sra_u: at_least is None"),
        ({"sra_u": {"at_least": 0.9, "on": "lower"}}, "on is 'lower'; it must be one of rate, low"),
        ({"sra_u": {"at_least": 0.9, "only": "low"}}, "unknown key 'only'"),
        ({"category": {"drugs": {"coverage": 1}}}, "g, category.drugs: unknown key 'coverage'"),
        ({"category": 0.9}, "g, category: must be a table"),
        ({"baseline": {"worse": []}}, "g, baseline: unknown key 'worse'"),
        ({"baseline": {"not_worse": "sra_u"}}, "it must be a list of measures"),
        ({"baseline": {"not_worse": ["sra_x"]}}, "g, baseline: 'sra_x': no such measure"),
        ({"baseline": {"margin": {"sra_x": 0.1}}}, "no such measure"),
        ({"baseline": {"margin": {"sra_u": 2}}}, "g, baseline, margin: sra_u is 2"),
        ({"baseline": {"alpha": 0}}, "alpha is 0; it must lie between 0 and 1"),
        ({"sra_u": 1, "waiver": {}}, "waiver must be a list of tables"),
        ({"sra_u": 1, "waiver": [{**WAIVER, "who": "me"}]}, "g, waiver 1: unknown key 'who'"),
        ({"sra_u": 1, "waiver": [{**WAIVER, "reason": " "}]}, "reason is ' '"),
        ({"sra_u": 1, "waiver": [{**WAIVER, "until": "2027-01-31"}]}, "it must be a day"),
        ({"sra_u": 1, "waiver": [WAIVER, WAIVER]}, "'one' has a waiver already"),
    ],
)
def test_what_cannot_be_used_is_named(table: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_gate(table, "g")
    assert message in str(caught.value)
    assert str(caught.value).startswith("g")


def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_gate_file(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("sra_u = ", encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken\.toml"):
        read_gate_file(broken)
    bare = tmp_path / "pyproject.toml"
    bare.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"has no \[tool\.vscbench\.gate\]"):
        read_gate_file(bare)


TABLES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["sra_u", "coverage", "category", "baseline", "waiver", "margin", "x"]),
            inner,
            max_size=4,
        )
    ),
)


@settings(max_examples=40)
@given(TABLES)
def test_any_table_is_read_or_refused_with_words(table: object) -> None:
    try:
        gate = read_gate(table, "g")
    except UsageError as error:
        assert str(error).startswith("g")
    else:
        assert 0 <= gate.coverage <= 1
