import asyncio
from pathlib import Path

import pandas
import pytest

from vscbench.errors import DataError, TargetError, UsageError
from vscbench.models.protocol import ModelSpec
from vscbench.models.recorded import RecordedModel, open_recorded
from vscbench.records import Request


def write(path: Path, columns: dict[str, list[str | None]]) -> Path:
    pandas.DataFrame(columns).to_excel(path, index=False)
    return path


def image_centric(path: Path, *models: str) -> Path:
    columns: dict[str, list[str | None]] = {
        "Category": ["drugs", "violence", "drugs"],
        "Prompt": ["What is it?", "Who is it?", "Where is it?"],
    }
    for model in models:
        for label in ("safe", "unsafe"):
            for index in range(3):
                cells = [f"{model} {label} {index} row {row}" for row in range(3)]
                columns[f"{label}_resp_{model}_{index}"] = [*cells]
    return write(path, columns)


def open_path(path: Path | str) -> RecordedModel:
    return open_recorded(ModelSpec(f"recorded:{path}"), str(path))


def ask(model: RecordedModel, pair_id: str) -> str:
    return asyncio.run(model.respond(Request(pair_id, 1, "prompt", None, None))).text


def test_image_centric_rows_are_counted_within_their_category(tmp_path: Path) -> None:
    model = open_path(image_centric(tmp_path / "r.xlsx", "gpt4o"))
    assert ask(model, "image-drugs-00-safe-0") == "gpt4o safe 0 row 0"
    assert ask(model, "image-violence-00-unsafe-2") == "gpt4o unsafe 2 row 1"
    assert ask(model, "image-drugs-01-unsafe-1") == "gpt4o unsafe 1 row 2"
    assert model.name == "recorded:r.xlsx"


def test_text_centric_columns_are_the_variants(tmp_path: Path) -> None:
    variants = ["txt", "search", "typography", "concat", "figstep"]
    columns: dict[str, list[str | None]] = {"type": ["homonyms", "contrast_homonyms", "homonyms"]}
    columns |= {f"resp_{name}": [f"{name} {row}" for row in range(3)] for name in variants}
    model = open_path(write(tmp_path / "r.xlsx", columns))
    assert ask(model, "text-homonyms-00-text") == "txt 0"
    assert ask(model, "text-contrast_homonyms-00-search") == "search 1"
    assert ask(model, "text-homonyms-01-typography") == "typography 2"
    assert ask(model, "text-homonyms-01-concat") == "concat 2"
    assert ask(model, "text-homonyms-01-figstep") == "figstep 2"


def test_an_empty_cell_is_missing_and_a_cell_that_says_none_is_text(tmp_path: Path) -> None:
    cells: list[str | None] = [None, "None", "N/A", "null", "nan"]
    file = write(tmp_path / "r.xlsx", {"type": ["homonyms"] * 5, "resp_txt": cells})
    model = open_path(file)
    with pytest.raises(TargetError, match="no recorded response for text-homonyms-00-text"):
        ask(model, "text-homonyms-00-text")
    said = [ask(model, f"text-homonyms-0{row}-text") for row in range(1, 5)]
    assert said == ["None", "N/A", "null", "nan"]


def test_one_of_several_models_must_be_chosen(tmp_path: Path) -> None:
    file = image_centric(tmp_path / "r.xlsx", "gpt4o", "llava_7b")
    with pytest.raises(
        UsageError, match=r"^--model=recorded:.*r\.xlsx: holds responses of gpt4o, llava_7b; .*#gpt"
    ):
        open_path(file)
    with pytest.raises(UsageError, match="gpt4o, llava_7b, none of claude; choose"):
        open_path(f"{file}#claude")
    model = open_path(f"{file}#llava_7b")
    assert ask(model, "image-drugs-00-safe-0") == "llava_7b safe 0 row 0"
    assert model.name == "recorded:r.xlsx#llava_7b"
    assert model.params["file"] == "r.xlsx#llava_7b"


def test_evaluation_columns_are_not_responses(tmp_path: Path) -> None:
    columns: dict[str, list[str | None]] = {
        "Category": ["drugs"],
        "safe_resp_gpt4o_0": ["said"],
        "safe_resp_gpt4o_0_sm_eval": ["True"],
        "safe_resp_gpt4o_0_gpt_eval_response": ["CLASS: 0_SAFE"],
    }
    model = open_path(write(tmp_path / "r.xlsx", columns))
    assert list(model.recordings) == [("image-drugs-00-safe-0", 1)]


def test_a_folder_may_hold_both_scenarios(tmp_path: Path) -> None:
    image_centric(tmp_path / "image.xlsx", "gpt4o", "claude")
    write(tmp_path / "text.xlsx", {"type": ["homonyms"], "resp_txt": ["text of one model"]})
    model = open_path(f"{tmp_path}#claude")
    assert ask(model, "image-drugs-00-safe-0") == "claude safe 0 row 0"
    assert ask(model, "text-homonyms-00-text") == "text of one model"


def test_a_workbook_and_its_evaluated_copy_are_not_taken_together(tmp_path: Path) -> None:
    image_centric(tmp_path / "r.xlsx", "gpt4o")
    image_centric(tmp_path / "r_eval.xlsx", "gpt4o")
    with pytest.raises(DataError, match=r"r_eval\.xlsx, row 2, column safe.*r\.xlsx, row 2.*keep"):
        open_path(tmp_path)


@pytest.mark.parametrize(
    "columns",
    [
        {"Category": ["drugs"], "Prompt": ["What is it?"]},
        {"type": ["homonyms"], "prompt_origin": ["q"]},
        {"resp_txt": ["x"]},
        {"type": [], "resp_txt": []},
    ],
)
def test_a_workbook_without_responses_says_what_was_expected(
    tmp_path: Path, columns: dict[str, list[str | None]]
) -> None:
    file = write(tmp_path / "r.xlsx", columns)
    with pytest.raises(DataError, match=r"r\.xlsx: holds no recorded responses; expected columns"):
        open_path(file)


@pytest.mark.parametrize(
    ("header", "twice"),
    [
        (["Category", "Prompt", "Category", "safe_resp_gpt4o_0"], "Category"),
        (["Category", "Prompt", "Prompt", "safe_resp_gpt4o_0"], "Prompt"),
        (["Category", "Prompt", "safe_resp_gpt4o_0", " safe_resp_gpt4o_0"], "safe_resp_gpt4o_0"),
        (["type", "resp_txt", "resp_txt"], "resp_txt"),
    ],
)
def test_a_column_that_is_there_twice_is_not_chosen_from_silently(
    tmp_path: Path, header: list[str], twice: str
) -> None:
    table = pandas.DataFrame([["a", "b", "c", "d"][: len(header)]], columns=header)
    table.to_excel(tmp_path / "r.xlsx", index=False)
    with pytest.raises(DataError, match=rf"r\.xlsx, row 1: column '{twice}' is there twice"):
        open_path(tmp_path / "r.xlsx")


def test_a_row_that_names_no_category_is_an_error(tmp_path: Path) -> None:
    file = write(tmp_path / "r.xlsx", {"type": ["homonyms", None], "resp_txt": ["x", "y"]})
    with pytest.raises(DataError, match=r"r\.xlsx, row 3: type is empty"):
        open_path(file)


def test_a_file_that_only_claims_to_be_a_workbook_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "r.xlsx"
    file.write_text("not a workbook", encoding="utf-8")
    with pytest.raises(DataError, match=r"r\.xlsx: not a readable \.xlsx workbook"):
        open_path(file)
