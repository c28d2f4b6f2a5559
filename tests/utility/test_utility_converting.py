import base64
import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from vscbench.errors import DataError, UsageError
from vscbench.utility.converting import Converted, convert
from vscbench.utility.questions import Grading, Question
from vscbench.utility.reading import load_questions
from vscbench.utility.source_images import LONGEST_NAME, image_bytes
from vscbench.utility.source_rows import image_cell, question_fields, read_columns


def picture(shade: int = 0, size: int = 24) -> bytes:
    """A small PNG of noise, long enough to be no name."""
    pixels = bytes((shade + i * i * 7) % 256 for i in range(size * size))
    file = io.BytesIO()
    Image.frombytes("L", (size, size), pixels).save(file, "PNG")
    return file.getvalue()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def from_json(folder: Path, rows: object, images: Path | None = None) -> Converted:
    source = folder / "source.json"
    source.write_text(json.dumps(rows), encoding="utf-8")
    return convert(source, folder / "out", images)


def from_tsv(folder: Path, rows: list[dict[str, str]]) -> Converted:
    source = folder / "source.tsv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return convert(source, folder / "out")


def only(done: Converted) -> Question:
    assert done.left_out == ()
    (question,) = done.questions
    return question


def test_mm_vet_is_read_with_its_files_alternatives_and_capabilities(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "v1_0.png").write_bytes(picture())
    rows = {
        "v1_0": {
            "imagename": "v1_0.png",
            "question": "What is x in the equation?",
            "answer": "-1<OR>-5",
            "imagesource": "somewhere",
            "capability": ["ocr", "math"],
        },
        "v1_1": {
            "imagename": "v1_0.png",
            "question": "Which are there?",
            "answer": "a dog<AND>a cat",
            "capability": ["rec"],
        },
    }
    done = from_json(tmp_path, rows, images=tmp_path / "images")
    first, second = done.questions
    assert (first.id, first.skill, first.answers) == ("v1_0", "math+ocr", ("-1", "-5"))
    assert first.grading is Grading.NUMBER
    assert (second.answers, second.grading) == (("a dog<AND>a cat",), Grading.GRADER)
    assert first.image is not None and first.image.read_bytes() == picture()


def test_the_folder_that_is_written_can_be_opened(tmp_path: Path) -> None:
    done = from_json(
        tmp_path, [{"question": "2 + 2?", "answer": 4}, {"question": "?", "answer": 1}]
    )
    found = load_questions(tmp_path / "out" / "questions.jsonl")
    assert [each.id for each in found] == ["question-00001", "question-00002"]
    assert [each.answers for each in found] == [each.answers for each in done.questions]


MMMU: dict[str, object] = {
    "id": "validation_Art_1",
    "question": "What does <image 1> show?",
    "options": "['a red one', \"a 'blue' one\"]",
    "answer": "B",
    "subfield": "Painting",
    "question_type": "multiple-choice",
}


def test_mmmu_has_options_as_the_text_of_a_list_and_its_image_in_bytes() -> None:
    row = {**MMMU, "image_1": {"bytes": picture(), "path": None}}
    fields = question_fields(row, {}, 1)
    assert fields["choices"] == ["a red one", "a 'blue' one"]
    assert (fields["answer"], fields["skill"]) == ("B", "Painting")
    assert fields["question"] == "What does the image show?"
    assert image_bytes(image_cell(row, {}), None, "here") == picture()


def test_mmmu_open_questions_have_empty_options_and_several_answers() -> None:
    row = {**MMMU, "options": "[]", "answer": "['12', 'twelve']"}
    fields = question_fields(row, {}, 1)
    assert "choices" not in fields
    assert fields["answer"] == ["12", "twelve"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": "?"}, "kept secret"),
        ({"image_2": {"bytes": b"x"}}, "several images"),
        ({"options": "['<image 2>', '<image 3>']"}, "images as choices"),
        ({"question": "<image 1> or <image 2>?"}, "several images"),
        ({"answer": "F"}, "none of its 2 choices"),
        ({"question": None}, "--columns question="),
    ],
)
def test_rows_that_cannot_be_asked_are_left_out_with_the_reason(
    change: dict[str, object], told: str, tmp_path: Path
) -> None:
    fine = {"id": "fine", "question": "2 + 2?", "answer": "4"}
    cells = {**MMMU, **change}
    if isinstance(cells.get("image_2"), dict):
        cells["image_2"] = "other.png"
    done = from_json(tmp_path, [fine, cells])
    assert [each.id for each in done.questions] == ["fine"]
    assert told in done.left_out[0]
    assert "source.json, entry 2" in done.left_out[0]


def test_scienceqa_counts_its_choices_from_zero_and_gives_a_hint() -> None:
    row = {
        "question": "Which is it?",
        "choices": ["iron", "wood"],
        "answer": 0,
        "hint": "It rusts.",
        "topic": "physics",
        "image": None,
    }
    fields = question_fields({k: v for k, v in row.items() if v is not None}, {}, 7)
    assert (fields["answer"], fields["skill"]) == ("A", "physics")
    assert fields["question"] == "It rusts.\n\nWhich is it?"
    assert fields["id"] == "question-00007"


def test_two_questions_of_mme_share_an_id_and_an_image(tmp_path: Path) -> None:
    said = "Is there a dog? Please answer yes or no."
    rows = [
        {"question_id": "ex/1.png", "question": said, "answer": answer, "category": "existence"}
        for answer in ("Yes", "No")
    ]
    done = from_json(tmp_path, [{**row, "image": encoded(picture())} for row in rows])
    assert [each.id for each in done.questions] == ["ex-1.png", "ex-1.png-2"]
    assert [each.answers for each in done.questions] == [("Yes",), ("No",)]
    found = load_questions(tmp_path / "out" / "questions.jsonl")
    assert len({each.group for each in found}) == 1
    assert len([*(tmp_path / "out" / "images").iterdir()]) == 1


def test_vlmevalkit_has_choices_in_columns_and_images_by_the_index_of_another_row(
    tmp_path: Path,
) -> None:
    row = {"question": "Which?", "A": "red", "B": "blue", "C": "", "category": "colour"}
    done = from_tsv(
        tmp_path,
        [
            {"index": "1", "image": encoded(picture()), "answer": "A", **row},
            {"index": "2", "image": "1", "answer": "B", **row},
        ],
    )
    first, second = done.questions
    assert (first.choices, first.answers, second.answers) == (("red", "blue"), ("A",), ("B",))
    assert first.image == second.image
    assert first.image_sha256 is not None


def test_any_table_can_be_converted_by_naming_its_columns(tmp_path: Path) -> None:
    source = tmp_path / "eigen.csv"
    source.write_text("Frage,Antwort,Bild\nWas steht da?,Halt,\n", encoding="utf-8")
    columns = read_columns("question=Frage, answer=Antwort,image=Bild")
    question = only(convert(source, tmp_path / "out", columns=columns))
    assert (question.question, question.answers) == ("Was steht da?", ("Halt",))


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    source = tmp_path / "source.jsonl"
    source.write_text('{"question": "Which?", "answer": ["a", "b"]}\n', encoding="utf-8")
    assert only(convert(source, tmp_path / "out")).answers == ("a", "b")


@pytest.mark.parametrize("text", ["question", "question=", "colour=x", "=x"])
def test_columns_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="PART=COLUMN"):
        read_columns(text)


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "C:\\x.png", "a/../../x.png", "~"]
)
def test_an_image_outside_of_the_folder_is_not_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture())
    (tmp_path / "images").mkdir()
    rows = [{"question": "?", "answer": "x", "image": name}, {"question": "fine", "answer": "x"}]
    done = from_json(tmp_path, rows, images=tmp_path / "images")
    assert len(done.questions) == len(done.left_out) == 1
    assert [*(tmp_path / "out" / "images").iterdir()] == []


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture())
    (tmp_path / "images").mkdir()
    try:
        (tmp_path / "images" / "x.png").symlink_to(tmp_path / "secret.png")
    except OSError:
        pytest.skip("links need a privilege here")
    with pytest.raises(DataError, match="leads out of"):
        image_bytes("x.png", tmp_path / "images", "row 1")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x.png", "--images FOLDER"),
        ("!" * (LONGEST_NAME + 1), "not base64"),
        ("data:image/png;base64,!!", "not base64"),
        (3.5, "no image can be made"),
        ({"bytes": None, "path": None}, "no image can be made"),
    ],
)
def test_what_is_no_image_is_told(value: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        image_bytes(value, None, "row 1")


def test_a_data_url_is_an_image() -> None:
    assert image_bytes(f"data:image/png;base64,{encoded(picture())}", None, "here") == picture()


def test_bytes_that_do_not_decode_leave_the_row_out(tmp_path: Path) -> None:
    whole = picture()
    cut = encoded(whole[: len(whole) // 2])
    rows = [{"question": "?", "answer": "x", "image": cut}, {"question": "fine", "answer": "x"}]
    done = from_json(tmp_path, rows)
    assert "does not decode" in done.left_out[0]
    assert "source.json, entry 1" in done.left_out[0]


def test_a_source_without_any_question_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no row could be made a question; the first: .*entry 1"):
        from_json(tmp_path, [{"text": "no question"}])


@pytest.mark.parametrize("rows", [[], [3], {"a": 3}, "text", 4])
def test_json_of_another_shape_is_told(rows: object, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        from_json(tmp_path, rows)


def test_a_folder_in_use_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not empty"):
        from_json(tmp_path, [{"question": "?", "answer": "x"}])


def test_an_unknown_ending_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.parquet"):
        convert(tmp_path / "rows.xml", tmp_path / "out")


def test_parquet_is_read_or_its_reader_named(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    source = tmp_path / "rows.parquet"
    try:
        table = pandas.DataFrame([{"question": "?", "choices": ["a", "b"], "answer": 1}])
        table.to_parquet(source)
    except ImportError:
        source.write_bytes(b"PAR1")
        with pytest.raises(UsageError, match="pip install pyarrow"):
            convert(source, tmp_path / "out")
    else:
        assert only(convert(source, tmp_path / "out")).answers == ("B",)
