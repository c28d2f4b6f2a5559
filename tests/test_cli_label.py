import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from past_runs import make_run, many_pairs, rows_in, summary_in

from vscbench.cli import main
from vscbench.report import load_schema

PAIRS = 120
# What people say of each response; the judge, which looks for phrases, errs on two of them.
PEOPLE = {
    "I cannot help with that.": "refusal",
    "That is nothing that I do.": "refusal",
    "Gladly. Begin like this.": "compliance",
    "Gladly. Enjoy the casino, and the brisket.": "compliance",
}
REFUSES, REFUSES_UNSEEN, ANSWERS, ANSWERS_UNSEEN = PEOPLE


def said_by_the_model() -> dict[str, str]:
    """Of ten unsafe pairs six are refused, two unseen; of ten safe ones nine are answered."""
    unsafe = [REFUSES] * 6 + [REFUSES_UNSEEN] * 2 + [ANSWERS, ANSWERS_UNSEEN]
    safe = [ANSWERS] * 6 + [ANSWERS_UNSEEN] * 3 + [REFUSES]
    return {
        pair["id"]: (safe if pair["label"] == "safe" else unsafe)[number // 2 % 10]
        for number, pair in enumerate(many_pairs(PAIRS))
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of a real run."""
    folder = tmp_path_factory.mktemp("project")
    make_run(folder, responses=said_by_the_model(), pairs=many_pairs(PAIRS))
    return folder


@pytest.fixture
def run_folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run in a project that a test may change."""
    project = shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(project)
    (folder,) = project.glob("reports/*")
    return folder


def label(*arguments: str | Path) -> Result:
    command = ["judge", "label", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def fill_in(path: Path, only: int | None = None) -> None:
    """Write into a sheet what people say, into the first ``only`` rows."""
    text = path.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row in rows[:only]:
        row["label"] = PEOPLE[row["response"]]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def corrected_of(folder: Path) -> dict[str, Any]:
    corrected: dict[str, Any] = summary_in(folder)["corrected"]
    return corrected


def test_a_sample_goes_out_and_corrected_rates_come_back(run_folder: Path) -> None:
    before = summary_in(run_folder)
    drawn = label(run_folder)
    assert drawn.exit_code == 0, drawn.output
    sheet = run_folder / "to_label.csv"
    assert f"100 responses to label: {sheet}\n" in drawn.output
    assert f"vscbench judge label {run_folder} --read {sheet}" in drawn.output
    fill_in(sheet)
    read = label(run_folder, "--read", sheet)
    assert read.exit_code == 0, read.output
    assert "100 labels read\n" in read.output
    summary = summary_in(run_folder)
    jsonschema.Draft202012Validator(load_schema("summary")).validate(summary)
    corrected = summary.pop("corrected")
    assert summary == before
    assert before["sra"]["unsafe"]["rate"] == pytest.approx(0.7)
    assert before["sra"]["safe"]["rate"] == pytest.approx(0.6)
    assert corrected["unsafe"]["rate"] == pytest.approx(0.8, abs=0.06)
    assert corrected["safe"]["rate"] == pytest.approx(0.9, abs=0.06)
    assert corrected["labelled"] == 100
    assert "the judge and people agree on " in read.output
    assert "SRA_u  by the judge 70.0% (" in read.output
    assert "SRA_s  by the judge 60.0% (" in read.output


def test_where_everything_is_labelled_the_corrected_rates_are_the_truth(run_folder: Path) -> None:
    label(run_folder.name, "--sample", "1000")
    fill_in(run_folder / "to_label.csv")
    read = label(run_folder.name, "--read", run_folder / "to_label.csv")
    assert f"{PAIRS} labels read" in read.output
    corrected = corrected_of(run_folder)
    for label_name, rate, found, passed in (
        ("unsafe", 0.8, 6 / 8, 1 / 2),
        ("safe", 0.9, 6 / 9, 1.0),
    ):
        assert corrected[label_name]["rate"] == pytest.approx(rate)
        assert corrected[label_name]["sensitivity"]["value"] == pytest.approx(found)
        assert corrected[label_name]["specificity"]["value"] == pytest.approx(passed)
    again = label(run_folder.name, "--sample", "1000", "-o", "more.csv")
    assert again.exit_code == 2
    assert "all 120 responses drawn are labelled; the judge read no others" in again.output


def test_two_annotators_are_compared_and_their_disputes_left_out(run_folder: Path) -> None:
    label(run_folder, "--jsonl", "--sample", "60")
    path = run_folder / "to_label.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines):
        line["label_1"] = PEOPLE[line["response"]]
        line["label_2"] = "irrelevant" if number < 6 else line["label_1"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    result = label(run_folder, "--read", path)
    assert "54 labels read; 6 left out because annotators differ" in result.output
    assert re.search(r"two annotators agree on \d\d\.\d%.*; 60 labelled\n", result.output)


def test_a_sheet_half_filled_in_counts_and_the_rest_can_follow(run_folder: Path) -> None:
    sheet = run_folder / "to_label.csv"
    label(run_folder)
    fill_in(sheet, only=70)
    first = label(run_folder, "--read", sheet)
    assert "70 labels read; 30 rows without one left out\n" in first.output
    rest = run_folder.parent / "rest.csv"
    more = label(run_folder, "--sample", "110", "-o", rest)
    assert "40 responses to label" in more.output
    assert "70 are labelled already" in more.output
    fill_in(rest)
    second = label(run_folder, "--read", rest)
    assert "40 labels read; 110 with those of before\n" in second.output
    assert corrected_of(run_folder)["labelled"] == 110
    kept = (run_folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) == 110


def test_reading_the_same_labels_again_changes_nothing(run_folder: Path) -> None:
    sheet = run_folder / "to_label.csv"
    label(run_folder)
    fill_in(sheet)
    files = [run_folder / "summary.json", run_folder / "labels.jsonl"]
    label(run_folder, "--read", sheet)
    before = [path.read_bytes() for path in files]
    label(run_folder, "--read", sheet)
    assert [path.read_bytes() for path in files] == before
    label(run_folder, "--read", run_folder / "labels.jsonl")
    assert [path.read_bytes() for path in files] == before


def test_the_same_seed_draws_the_same_sheet_and_labels_in_it_are_safe(run_folder: Path) -> None:
    sheet = run_folder / "to_label.csv"
    label(run_folder, "--sample", "40", "--seed", "3")
    before = sheet.read_bytes()
    label(run_folder, "--sample", "40", "--seed", "4")
    assert sheet.read_bytes() != before
    label(run_folder, "--sample", "40", "--seed", "3")
    assert sheet.read_bytes() == before
    fill_in(sheet, only=1)
    filled = sheet.read_bytes()
    refused = label(run_folder, "--sample", "40")
    assert (refused.exit_code, sheet.read_bytes()) == (2, filled)
    assert "already holds labels" in refused.output


def test_what_the_judge_said_is_kept_from_people_unless_they_ask(run_folder: Path) -> None:
    label(run_folder, "--sample", "40")
    assert "judge_says" not in (run_folder / "to_label.csv").read_text(encoding="utf-8-sig")
    label(run_folder, "--sample", "40", "--show-verdict")
    assert "judge_says" in (run_folder / "to_label.csv").read_text(encoding="utf-8-sig")


def test_json_lines_go_out_and_come_back(run_folder: Path) -> None:
    drawn = label(run_folder, "--jsonl", "--sample", "60")
    path = run_folder / "to_label.jsonl"
    assert f"60 responses to label: {path}\n" in drawn.output
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["label"] = PEOPLE[line["response"]]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert "60 labels read\n" in label(run_folder, "--read", path).output
    assert corrected_of(run_folder)["labelled"] == 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "1"], "--sample 1: too few for 4 strata"),
        (["--read", "absent.csv"], "no sample of this run was drawn yet; begin with: vscbench"),
        (["--read", "x.csv", "--seed", "1"], "the other options draw a new one"),
        (["--jsonl", "-o", "x.csv"], "--output x.csv: call it something.jsonl"),
        (["-o", "x.txt"], "--output x.txt: call it something.csv"),
        (["--pairs", "absent.jsonl"], "no pairs: neither a file nor a folder at"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_the_run_as_it_is(
    run_folder: Path, arguments: list[str], said: str
) -> None:
    before = {path: path.read_bytes() for path in run_folder.iterdir()}
    result = label(run_folder, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in run_folder.iterdir()} == before


def test_a_bad_label_is_named_and_nothing_is_kept(run_folder: Path) -> None:
    sheet = run_folder / "to_label.csv"
    label(run_folder, "--sample", "40")
    fill_in(sheet)
    text = sheet.read_text(encoding="utf-8-sig").replace(";refusal;", ";refuse;", 1)
    sheet.write_text(text, encoding="utf-8-sig")
    result = label(run_folder, "--read", sheet)
    assert result.exit_code == 2
    assert "label 'refuse' is none of refusal, partial, compliance, irrelevant" in result.stderr
    assert not (run_folder / "labels.jsonl").exists()
    assert "corrected" not in summary_in(run_folder)


def test_a_sheet_without_any_label_is_said_to_be_so(run_folder: Path) -> None:
    label(run_folder, "--sample", "40")
    result = label(run_folder, "--read", run_folder / "to_label.csv")
    assert result.exit_code == 2
    assert "no row has a label in the column 'label'" in result.stderr


def test_too_few_labels_are_refused_in_words(run_folder: Path) -> None:
    label(run_folder)
    fill_in(run_folder / "to_label.csv", only=8)
    result = label(run_folder, "--read", run_folder / "to_label.csv")
    assert result.exit_code == 0
    assert "no corrected rate" in result.output
    assert "at least 10 must be" in result.output
    assert corrected_of(run_folder)["unsafe"]["rate"] is None


def test_a_run_of_other_pairs_than_there_are_now_is_refused(run_folder: Path) -> None:
    pairs = run_folder.parents[1] / "pairs.jsonl"
    pairs.write_text(pairs.read_text().replace("What about", "What of"))
    result = label(run_folder)
    assert result.exit_code == 2
    assert "their digest differs" in result.stderr
    assert len(rows_in(run_folder)) == PAIRS
