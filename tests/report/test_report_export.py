import csv
import io
import re

from hostile_runs import HOSTILE, RUN, hostile_outcomes, outcome

from vscbench.calibration.scoring import Policy
from vscbench.records import Kind, Label, Outcome
from vscbench.report.export import COLUMNS, outcomes_csv
from vscbench.report.run_outcomes import RunOutcomes

FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def table(outcomes: list[Outcome]) -> list[dict[str, str]]:
    run = RunOutcomes("run", None, {"judge": RUN.judge}, tuple(outcomes), Policy(), True)
    text = outcomes_csv(run)
    assert text.startswith("\ufeff")
    csv.field_size_limit(2_000_000)
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_row_says_what_was_asked_what_came_back_and_how_it_counts() -> None:
    rows = table(
        [
            outcome(1, Label.SAFE, Kind.REFUSED, "I cannot.", "What?"),
            outcome(0, Label.UNSAFE, Kind.TARGET_ERROR, "no network", "How?"),
        ]
    )
    assert list(rows[0]) == list(COLUMNS)
    first, second = rows
    assert (first["pair_id"], first["kind"], first["correct"], first["error"]) == (
        "pair-0000-unsafe",
        "target-error",
        "",
        "no network",
    )
    assert (second["query"], second["response"], second["correct"]) == (
        "What?",
        "I cannot.",
        "False",
    )


def test_no_cell_is_a_formula_or_more_than_a_spreadsheet_holds() -> None:
    rows = table(hostile_outcomes())
    assert len(rows) == 3 * len(HOSTILE)
    for row in rows:
        for cell in row.values():
            assert not FORMULA.match(cell), cell[:40]
            assert len(cell) < 32_767
            assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", cell)


def test_plain_text_stays_as_it_is() -> None:
    text = "Gr\u00fc\u00dfe, \u4f60\u597d \U0001f600: 'quoted', \"twice\"\nand a second line"
    (row,) = table([outcome(0, Label.SAFE, Kind.ANSWERED, text, text)])
    assert row["response"] == row["query"] == text
