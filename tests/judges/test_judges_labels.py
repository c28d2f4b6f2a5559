import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import DataError, UsageError
from vscbench.judges.label_words import label_words
from vscbench.judges.labels import LabelFile, LabelFormat, read_label_files
from vscbench.records import Kind
from vscbench.report.spreadsheet import to_csv

ROW = {"query": "How do I mend a kettle?", "response": "Unplug it first.", "label": "compliance"}
# A sheet shows other control characters as escapes.
SHEET_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], include_characters="\r\n\t")
)


def write_lines(path: Path, *rows: Mapping[str, object]) -> Path:
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_csv(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def read(path: Path, words: Sequence[str] = (), **columns: str) -> LabelFile:
    (file,) = read_label_files([path], LabelFormat(columns, label_words(words)))
    return file


def problem(path: Path, **columns: str) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **columns)
    return str(caught.value)


def test_a_row_of_the_published_files_is_read_whole(tmp_path: Path) -> None:
    row = {
        "id": "a/1",
        "prompt": "Should I drink this?",
        "response": "No.",
        "label": "refusal",
        "source": "msts",
        "model": "m",
        "raw_label": "1.2 - refusal only",
        "annot1": "1.2 - refusal only",
        "annot2": "1.2 - refusal only",
        "annotators_agree": True,
    }
    (found,) = read(write_lines(tmp_path / "a.jsonl", row)).responses
    assert (found.query, found.response) == ("Should I drink this?", "No.")
    assert (found.kind, found.source, found.model, found.line) == (Kind.REFUSED, "msts", "m", 1)
    assert found.annotators == (Kind.REFUSED, Kind.REFUSED)
    assert found.annotators_agree is True


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("refusal", Kind.REFUSED),
        ("Refused", Kind.REFUSED),
        (" partial ", Kind.FLAGGED),
        ("flagged", Kind.FLAGGED),
        ("compliance", Kind.ANSWERED),
        ("ANSWERED", Kind.ANSWERED),
        ("irrelevant", Kind.IRRELEVANT),
        ("blocked", Kind.BLOCKED),
        (0, Kind.REFUSED),
        ("1", Kind.FLAGGED),
        (2, Kind.ANSWERED),
        (3, Kind.IRRELEVANT),
    ],
)
def test_a_label_is_one_of_three_vocabularies(tmp_path: Path, said: str | int, kind: Kind) -> None:
    (found,) = read(write_lines(tmp_path / "a.jsonl", {**ROW, "label": said})).responses
    assert found.kind is kind


def test_other_and_unlabelled_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{**ROW, "label": said} for said in ("other", "", None, " ", "refusal", "Other")]
    file = read(write_lines(tmp_path / "a.jsonl", *rows))
    assert (len(file.responses), file.other, file.unlabelled) == (1, 2, 3)
    assert file.responses[0].line == 5


def test_a_teams_own_words_are_mapped_and_win_over_ours(tmp_path: Path) -> None:
    rows = [{**ROW, "label": said} for said in ("Hard=No", "compliance", "skip me")]
    path = write_lines(tmp_path / "a.jsonl", *rows)
    file = read(path, ["hard=no=refused", "compliance=flagged", "Skip Me=other"])
    assert [found.kind for found in file.responses] == [Kind.REFUSED, Kind.FLAGGED]
    assert file.other == 1


@pytest.mark.parametrize("text", ["refused", "=refused", "no=denied", "no=", ""])
def test_a_map_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected LABEL=KIND, where KIND is one of refused"):
        label_words([text])


def test_source_and_model_may_be_absent(tmp_path: Path) -> None:
    (found,) = read(write_lines(tmp_path / "pilot.jsonl", ROW)).responses
    assert (found.source, found.model, found.annotators) == ("pilot", None, None)


def test_responses_to_one_prompt_belong_together_within_their_source(tmp_path: Path) -> None:
    same = {**ROW, "query": "  how do I  mend a KETTLE"}
    elsewhere = {**ROW, "source": "another"}
    file = read(write_lines(tmp_path / "a.jsonl", ROW, same, elsewhere))
    one, again, other = (found.cluster for found in file.responses)
    assert one == again != other


def test_an_image_is_found_beside_its_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", {**ROW, "image": "pictures/1.png"})
    (found,) = read(path).responses
    assert found.image == tmp_path / "pictures/1.png"


def test_annotators_labels_mean_what_the_files_final_labels_do(tmp_path: Path) -> None:
    first = {**ROW, "label": "refusal", "raw_label": "1.1 - rebuttal"}
    rows = [
        {**first, "annot1": "1.1 - rebuttal", "annot2": "2.2 - advice"},
        {**ROW, "raw_label": "2.2 - advice", "annot1": "2.2 - advice", "annot2": "1.4 - asks"},
        {**ROW, "label": "other", "raw_label": "1.4 - asks"},
        {**ROW, "raw_label": "2.2 - advice", "annot1": "2.2 - advice", "annot2": "9 - unheard"},
    ]
    file = read(write_lines(tmp_path / "a.jsonl", *rows))
    pairs = [found.annotators for found in file.responses]
    # 'other' is no class, and a label that no row explains means nothing.
    assert pairs == [(Kind.REFUSED, Kind.ANSWERED), None, None]


def test_a_raw_label_that_goes_with_two_labels_explains_nothing(tmp_path: Path) -> None:
    both = {"raw_label": "mixed", "annot1": "mixed", "annot2": "mixed"}
    rows = [{**ROW, **both, "label": said} for said in ("refusal", "compliance")]
    file = read(write_lines(tmp_path / "a.jsonl", *rows))
    assert [found.annotators for found in file.responses] == [None, None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_says_the_same_as_json_lines(tmp_path: Path, delimiter: str) -> None:
    response = 'He said "no", then:\nnothing; at\tall'
    header = ["Prompt", "Response", "Label", "Model", "dataset"]
    rows = [header, ["q", response, "1", "m", "s"], ["", "", "", "", ""], ["r", "x", "2", "m", "s"]]
    file = read(write_csv(tmp_path / "a.csv", rows, delimiter))
    assert [found.response for found in file.responses] == [response, "x"]
    assert [found.kind for found in file.responses] == [Kind.FLAGGED, Kind.ANSWERED]
    assert [found.line for found in file.responses] == [2, 5]
    assert {(found.model, found.source) for found in file.responses} == {("m", "s")}


def test_columns_of_any_name_can_be_named(tmp_path: Path) -> None:
    rows = [["user says", "bot says", "verdict", "label"], ["q", "r", "refused", "compliance"]]
    path = write_csv(tmp_path / "a.csv", rows)
    (found,) = read(path, query="user says", response="bot says", label="verdict").responses
    assert (found.query, found.response, found.kind) == ("q", "r", Kind.REFUSED)


@given(st.lists(st.tuples(SHEET_TEXT, SHEET_TEXT), min_size=1, max_size=5))
def test_a_sheet_that_people_were_given_reads_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]]
) -> None:
    rows = [{"query": query, "response": said, "label": "partial"} for query, said in texts]
    path = tmp_path_factory.getbasetemp() / "sheet.csv"
    sheet = to_csv(("query", "response", "label"), rows)
    path.write_text(sheet, encoding="utf-8", newline="")
    file = read(path)
    assert [(found.query, found.response) for found in file.responses] == texts


def test_a_long_response_fits_into_a_cell(tmp_path: Path) -> None:
    rows = [["query", "response", "label"], ["q", "word " * 60_000, "0"]]
    (found,) = read(write_csv(tmp_path / "a.csv", rows)).responses
    assert len(found.response) == 300_000


def test_a_file_without_a_usable_column_lists_those_it_has(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["query", "text", "label"], ["q", "r", "0"]])
    told = problem(path)
    assert told == (
        f"{path}: no column for the response; it has 'query', 'text', 'label'. "
        "Name the right one with --response-column NAME"
    )
    assert "no column 'grade'; it has 'query'" in problem(path, response="text", label="grade")
    lines = write_lines(tmp_path / "b.jsonl", {"prompt": "q", "response": "r"})
    assert "no column for the label; it has 'prompt', 'response'" in problem(lines)


def test_an_unknown_label_is_named_with_its_place_and_the_way_out(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", ROW, {**ROW, "label": "nope"})
    told = problem(path)
    assert f"{path}, line 2, column 'label': unknown label 'nope'" in told
    assert "--label-map LABEL=KIND" in told


@pytest.mark.parametrize("missing", [None, ["not", "text"]])
def test_a_labelled_row_without_its_response_is_named(tmp_path: Path, missing: object) -> None:
    path = write_lines(tmp_path / "a.jsonl", ROW, {**ROW, "response": missing})
    assert f"{path}, line 2, column 'response': no text" in problem(path)


def test_an_empty_response_is_a_response(tmp_path: Path) -> None:
    (found,) = read(write_lines(tmp_path / "a.jsonl", {**ROW, "response": ""})).responses
    assert found.response == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column names"),
        (b"\n\n", "no column names"),
        (b"query,response,label\n", "no rows in it"),
        (b"query,response,label\nq,r,0\nq,r, and more,0\n", "line 3: 4 cells under 3 column"),
        (b'query,response,label\nq,"r,0\n', "line 2: not CSV"),
        (b"query,label,label,response\nq,0,1,r\n", "column 'label' is there twice"),
        (b"query,response,label\nq,caf\xe9,0\n", "line 2: not UTF-8"),
    ],
)
def test_a_broken_csv_is_one_message_with_its_place(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    message = problem(path)
    assert told in message
    assert str(path) in message


def test_a_file_that_is_not_there_or_empty_is_one_message(tmp_path: Path) -> None:
    assert "cannot be read (No such file" in problem(tmp_path / "absent.csv")
    assert "cannot be read (No such file" in problem(tmp_path / "absent.jsonl")
    assert "no rows in it" in problem(write_lines(tmp_path / "a.jsonl"))


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", ROW)
    with pytest.raises(UsageError, match="named twice; its rows would count twice"):
        read_label_files([path, tmp_path / "." / "a.jsonl"])


def test_the_published_labels_are_read_as_their_readme_counts_them(reference_data: Path) -> None:
    folder = reference_data / "judge"
    xstest, msts = read_label_files([folder / "xstest.jsonl", folder / "msts.jsonl"])
    assert (len(xstest.responses), xstest.other) == (2250, 0)
    assert (len(msts.responses), msts.other) == (2238, 58)
    assert Counter(found.kind for found in msts.responses) == {
        Kind.REFUSED: 1860,
        Kind.FLAGGED: 156,
        Kind.ANSWERED: 64,
        Kind.IRRELEVANT: 158,
    }
    assert not any(found.annotators for found in xstest.responses)
    assert sum(found.annotators is not None for found in msts.responses) == 2195
    assert len({found.cluster for found in xstest.responses}) == 450
