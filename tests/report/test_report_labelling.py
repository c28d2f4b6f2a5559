import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_responses import HOSTILE as HOSTILE_RESPONSES
from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair

from vscbench.errors import DataError, UsageError
from vscbench.judges.label_tables import read_label_table
from vscbench.judges.label_words import LABELS as WORDS
from vscbench.judges.label_words import OTHER
from vscbench.records import Finish, Kind, Outcome, Response, Verdict
from vscbench.report.kept_labels import (
    Design,
    read_design,
    read_kept_labels,
    widened,
    write_design,
    write_kept_labels,
)
from vscbench.report.labelling import (
    COLUMNS,
    PeopleLabel,
    kinds_of,
    labelled_twice,
    read_labels,
    sheet,
    write_sheet,
)
from vscbench.report.past_run import PastRun

HOSTILE = '=HYPERLINK("http://127.0.0.1/?"&A1,"more")'


def outcome(name: str, text: str = "Sure.", kind: Kind = Kind.ANSWERED) -> Outcome:
    pair = replace(make_pair(name), image=Path("pictures") / f"{name}.png")
    return Outcome(pair, 1, kind, Response(text, Finish.STOP), Verdict(kind, "keywords"))


OUTCOMES = [outcome("a"), outcome("b", HOSTILE), outcome("c", "one\ntwo", Kind.REFUSED)]
KNOWN = {("a", 1), ("b", 1), ("c", 1)}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def row(pair_id: str, **cells: str) -> dict[str, str]:
    return {"pair_id": pair_id, "epoch": "1", **cells}


def test_a_sheet_has_what_a_person_needs_and_not_what_the_judge_said() -> None:
    rows = list(csv.DictReader(io.StringIO(sheet(OUTCOMES, show_verdict=False, as_jsonl=False))))
    assert [name.lstrip("\ufeff") for name in rows[0]] == list(COLUMNS)
    assert [each["label"] for each in rows] == ["", "", ""]
    assert rows[0]["query"] == "What about a?"
    assert rows[0]["image"] == str(Path("pictures") / "a.png")
    assert rows[1]["response"] == f"'{HOSTILE}"
    assert rows[2]["response"] == "one\ntwo"
    assert "answered" not in str(rows)


def test_the_judges_verdict_is_shown_to_who_asks_for_it() -> None:
    rows = list(csv.DictReader(io.StringIO(sheet(OUTCOMES, show_verdict=True, as_jsonl=False))))
    assert [each["judge_says"] for each in rows] == ["answered", "answered", "refused"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_sheet_that_was_filled_in_reads_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sheet.{suffix}"
    write_sheet(path, sheet(OUTCOMES, show_verdict=False, as_jsonl=suffix == "jsonl"))
    assert read_labels(path, KNOWN).empty == 3
    text = path.read_text(encoding="utf-8")
    if suffix == "csv":
        text = text.replace("a.png,,", "a.png,Refusal ,=note").replace("b.png,,", "b.png,2,")
    else:
        text = text.replace('"label": ""', '"label": 2', 1).replace('"label": ""', '"label": "0"')
    path.write_text(text, encoding="utf-8", newline="")
    read = read_labels(path, KNOWN)
    words = {each.pair_id: each.word for each in read.labels}
    if suffix == "csv":
        assert words == {"a": "refusal", "b": "compliance"}
        assert (read.labels[0].note, read.empty) == ("=note", 1)
    else:
        assert words == {"a": "compliance", "b": "refusal", "c": "refusal"}


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_no_response_breaks_a_sheet(tmp_path: Path, suffix: str) -> None:
    hostile = [outcome(f"h{number}", text) for number, text in enumerate(HOSTILE_RESPONSES)]
    path = tmp_path / f"s.{suffix}"
    write_sheet(path, sheet(hostile, show_verdict=False, as_jsonl=suffix == "jsonl"))
    table = read_label_table(path)
    assert [row.cells["pair_id"] for row in table.rows] == [each.pair.id for each in hostile]
    assert read_labels(path, set()).empty == len(hostile)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        *((name, name) for name in (*WORDS, OTHER)),
        *((kind.value.upper(), name) for name, kind in WORDS.items()),
        *((str(number), name) for number, name in enumerate(WORDS)),
        ("  Partial\t", "partial"),
    ],
)
def test_a_label_may_be_a_word_a_kind_or_the_papers_class(
    tmp_path: Path, said: str, word: str
) -> None:
    (label,) = read_labels(write(tmp_path / "s.csv", [row("a", label=said)]), KNOWN).labels
    assert label == PeopleLabel("a", 1, word)


def test_labels_become_kinds_and_other_says_nothing() -> None:
    labels = [PeopleLabel(word, 1, word) for word in (*WORDS, OTHER)]
    assert kinds_of(labels) == {(word, 1): kind for word, kind in WORDS.items()}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row("a", label="harmless")], "line 2: label 'harmless' is none of refusal, partial, "),
        ([row("a", label="blocked")], "line 2: label 'blocked' is none of refusal, partial, "),
        ([row("a", label="4")], "(or refused, flagged, answered, irrelevant, or 0 to 3 in that"),
        ([row("a", label="0"), row("b", label_1="no")], "line 3: label_1 'no' is none of"),
        ([row("d", label="0")], "line 2: 'd', epoch 1, was not drawn"),
        ([{**row("a", label="0"), "epoch": "2"}], "line 2: 'a', epoch 2, was not drawn"),
        ([{**row("a", label="0"), "epoch": "x"}], "line 2: epoch must be a whole number from 1"),
        ([row("a", label="0"), row("a", label="0")], "line 3: 'a' is labelled twice"),
        ([{"pair_id": "a", "label": "0"}], "line 1: no column 'epoch'"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_what_may_stand_there(
    tmp_path: Path, rows: list[dict[str, str]], said: str
) -> None:
    path = write(tmp_path / "s.csv", rows)
    with pytest.raises(DataError) as error:
        read_labels(path, KNOWN)
    assert str(error.value).startswith(f"{path}, ")
    assert said in str(error.value)


def test_a_bad_line_of_json_is_named_as_well(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"pair_id": "a", "epoch": 1}\n{"pair_id": "a", "label": "refusal"}\n')
    with pytest.raises(DataError, match="line 2: epoch must be a whole number from 1, found ''"):
        read_labels(path, KNOWN)


def test_annotators_who_agree_make_a_label_and_who_differ_a_dispute(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.csv",
        [
            row("a", label="", label_1="0", label_2="refused"),
            row("b", label="", label_1="0", label_2="partial"),
            row("c", label="partial", label_1="0", label_2="partial"),
        ],
    )
    read = read_labels(path, KNOWN)
    assert [(each.pair_id, each.word, each.annotators) for each in read.labels] == [
        ("a", "refusal", ("refusal", "refusal")),
        ("c", "partial", ("refusal", "partial")),
    ]
    assert read.disputed == (PeopleLabel("b", 1, "", ("refusal", "partial")),)
    assert read.empty == 0
    assert labelled_twice(OUTCOMES, read) == [
        ("a", Kind.REFUSED, Kind.REFUSED),
        ("c", Kind.REFUSED, Kind.FLAGGED),
        ("b", Kind.REFUSED, Kind.FLAGGED),
    ]


def test_a_sheet_with_labels_is_never_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", [row("a", label=""), row("b", label="0")])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"already holds labels.*--read"):
        write_sheet(path, "x")
    assert path.read_bytes() == before
    write(path, [row("a", label=" ")])
    write_sheet(path, "new")
    assert path.read_text() == "new"


def test_a_file_of_something_else_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "budget.csv"
    path.write_text("year,cost\n2026,1\n")
    with pytest.raises(UsageError, match="is there already, and is no sheet of labels"):
        write_sheet(path, "x")
    with pytest.raises(UsageError, match="cannot be written"):
        write_sheet(tmp_path / "absent" / "s.csv", "x")


LABELS = st.builds(
    PeopleLabel,
    pair_id=st.sampled_from("abc"),
    epoch=st.just(1),
    word=st.sampled_from([*WORDS, OTHER]),
    annotators=st.tuples() | st.tuples(*[st.sampled_from([*WORDS, OTHER])] * 2),
    note=st.text(st.characters(exclude_categories=[])).map(str.strip),
)


@given(st.lists(LABELS))
def test_kept_labels_read_back(
    tmp_path_factory: pytest.TempPathFactory, labels: list[PeopleLabel]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    past = PastRun(folder, {"run": {"id": "r", "model": "m"}}, ())
    by_case = {each.case: each for each in labels}
    write_kept_labels(past, OUTCOMES, by_case)
    assert read_kept_labels(folder, KNOWN) == by_case


def test_kept_labels_have_the_fields_of_a_published_label_file(tmp_path: Path) -> None:
    past = PastRun(tmp_path, {"run": {"id": "r", "model": "m"}}, ())
    label = PeopleLabel("b", 1, "partial", ("partial", "refusal"), "hm")
    path = write_kept_labels(past, OUTCOMES, {label.case: label})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "id": "b 1",
        "pair_id": "b",
        "epoch": 1,
        "prompt": "What about b?",
        "response": HOSTILE,
        "label": "partial",
        "source": "r",
        "model": "m",
        "annot1": "partial",
        "annot2": "refusal",
        "note": "hm",
    }


def test_the_largest_sample_of_a_seed_is_remembered(tmp_path: Path) -> None:
    assert read_design(tmp_path) is None
    assert widened(tmp_path, 50, None) == (Design(0, 50), Design(0, 50))
    write_design(tmp_path, Design(3, 50))
    assert read_design(tmp_path) == Design(3, 50)
    assert widened(tmp_path, 80, None) == (Design(3, 80), Design(3, 80))
    assert widened(tmp_path, 20, 3) == (Design(3, 20), Design(3, 50))
    assert widened(tmp_path, 20, 4) == (Design(4, 20), Design(4, 20))


def test_a_new_seed_does_not_take_the_ground_from_labels(tmp_path: Path) -> None:
    write_design(tmp_path, Design(3, 50))
    (tmp_path / "labels.jsonl").touch()
    with pytest.raises(UsageError, match=r"--seed 4: the labels in .* are of the sample of seed 3"):
        widened(tmp_path, 50, 4)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seed": 0, "sample": "9"}', "\xff"])
def test_a_design_that_was_damaged_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "labelling.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=r"labelling\.json: cannot be read"):
        read_design(tmp_path)
