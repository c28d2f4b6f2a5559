"""From a row of somebody's benchmark to the fields of a question.

The layouts, as their publishers write them:

- MM-Vet: a JSON object of entries by id with ``imagename``, ``question``, ``answer`` (parts joined
  by ``<AND>``, alternatives by ``<OR>``) and ``capability``, a list (github.com/yuweihao/MM-Vet).
- MMMU: ``id``, ``question`` with ``<image 1>`` in it, ``options`` as the text of a list, ``answer``
  a letter (``?`` where it is kept secret), ``image_1`` to ``image_7``, ``subfield``,
  ``question_type`` (huggingface.co/datasets/MMMU/MMMU).
- ScienceQA: ``question``, ``choices`` a list, ``answer`` an index from 0, ``hint``, ``image``,
  ``topic``, ``subject`` (huggingface.co/datasets/derek-thomas/ScienceQA).
- MME: ``question_id``, ``question`` that ends in a request for yes or no, ``answer`` Yes or No,
  ``category``, ``image`` (huggingface.co/datasets/lmms-lab/MME).
- VLMEvalKit's TSV: ``index``, ``question``, ``hint``, columns ``A`` to ``D``, ``answer`` a letter,
  ``category``, ``image`` in base64, or the index of the row that has it
  (github.com/open-compass/VLMEvalKit, docs/en/Development.md).
"""

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.utility.questions import AND, LETTERS, OR

# For each part, the names of a column that holds it, the first that is there.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "question_id", "index", "qid", "pid"),
    "question": ("question", "query", "prompt"),
    "hint": ("hint", "context"),
    "choices": ("choices", "options"),
    "answer": ("answer", "answers", "ground_truth"),
    "skill": ("skill", "category", "capability", "subfield", "topic", "subject"),
    "image": ("image", "image_1", "image_path", "imagename", "images"),
    "group": ("group",),
    "grading": ("grading",),
}
WITHHELD: Final = "?"
# An open answer of more words is compared by meaning.
MOST_WORDS: Final = 5
LONGEST_LIST: Final = 100_000
_PLACEHOLDER: Final = re.compile(r"<image(?:\s*\d+)?>")
_OTHER_IMAGE: Final = re.compile(r"image_[2-9]")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
Cells = Mapping[str, object]


def read_columns(text: str) -> dict[str, str]:
    """Read ``question=Frage,answer=Antwort``: which column holds a part.

    Raises:
        UsageError: it is not of this form, or names an unknown part.
    """
    named: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in text.split(","))):
        part, sign, column = (each.strip() for each in pair.partition("="))
        if not sign or not column or part not in NAMES:
            raise UsageError(
                f"--columns {pair!r:.80}: write PART=COLUMN, where PART is one of "
                f"{', '.join(NAMES)}"
            )
        named[part] = column
    return named


def question_fields(cells: Cells, columns: Mapping[str, str], number: int) -> dict[str, object]:
    """Return the fields of a question but for its image, which ``image_cell`` finds.

    Args:
        cells: the row's.
        columns: the column of a part, where it is not one of the usual names.
        number: of the row, from 1, for one without an id.

    Raises:
        DataError: no question can be made of it; says why, without the place.
    """
    question = _text(_cell(cells, columns, "question"), "question")
    hint = _cell(cells, columns, "hint")
    choices, in_columns = _choices(cells, columns)
    answer = _cell(cells, columns, "answer")
    if answer is None or answer == WITHHELD:
        raise DataError("has no answer; it is kept secret, or its column has another name")
    if len(_PLACEHOLDER.findall(question)) > 1 or any(_PLACEHOLDER.search(c) for c in choices):
        raise DataError("needs several images, or images as choices")
    if any(_OTHER_IMAGE.fullmatch(name) for name in cells):
        raise DataError("needs several images")
    group = _cell(cells, columns, "group")
    asked = f"{hint}\n\n{question}" if isinstance(hint, str) else question
    fields: dict[str, object] = {
        "id": _id(_cell(cells, columns, "id"), number),
        "skill": _skill(_cell(cells, columns, "skill")),
        "question": _PLACEHOLDER.sub("the image", asked).strip(),
        "choices": list(choices) or None,
        "group": None if group is None else str(group),
    }
    answers = [_lettered(answer, choices, in_columns)] if choices else _open(answer)
    grading = _cell(cells, columns, "grading") or _grading_of(answers, choices)
    fields |= {"answer": answers[0] if len(answers) == 1 else answers, "grading": grading}
    return {name: value for name, value in fields.items() if value is not None}


def image_cell(cells: Cells, columns: Mapping[str, str]) -> object:
    """Return what a row has for an image, ``None`` for nothing.

    Raises:
        DataError: there are several.
    """
    value = _cell(cells, columns, "image")
    images = _listed(value)
    if images is None:
        return value
    if len(images) > 1:
        raise DataError("needs several images")
    return images[0] if images else None


def _cell(cells: Cells, columns: Mapping[str, str], part: str) -> object:
    if part in columns:
        return cells.get(columns[part])
    return next((cells[name] for name in NAMES[part] if name in cells), None)


def _text(value: object, part: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"has no {part}; name its column with --columns {part}=COLUMN")
    return value.strip()


def _id(value: object, number: int) -> str:
    said = f"question-{number:05d}" if value is None else str(value)
    return _UNFIT.sub("-", said).strip("-._") or f"question-{number:05d}"


def _skill(value: object) -> str | None:
    """Return one name; several capabilities are a skill of their own, as in MM-Vet."""
    values = _listed(value)
    if values is not None:
        return "+".join(sorted(str(each) for each in values)) or None
    return None if value is None else " ".join(str(value).split())


def _choices(cells: Cells, columns: Mapping[str, str]) -> tuple[tuple[str, ...], bool]:
    """Return the choices, and whether each has a column of its own."""
    listed = _listed(_cell(cells, columns, "choices"))
    in_columns = listed is None
    if listed is None:
        letters = [letter for letter in LETTERS[:9] if letter in cells]
        listed = [cells[letter] for letter in letters] if letters[:2] == ["A", "B"] else []
    return tuple(str(each).strip() for each in listed), in_columns


def _listed(value: object) -> list[object] | None:
    """Return a list, also one that was written as text; ``None`` for anything else."""
    if isinstance(value, list | tuple):
        return list(value)
    is_written = isinstance(value, str) and value.startswith("[") and value.endswith("]")
    if not isinstance(value, str) or not is_written or len(value) > LONGEST_LIST:
        return None
    try:
        read = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return list(read) if isinstance(read, list | tuple) else None


def _lettered(answer: object, choices: Sequence[str], in_columns: bool) -> str:
    """Return the answer's letter, in brackets where it is also the text of another choice.

    A number and its digits are read alike, so that a row means the same in any kind of file.

    Args:
        answer: a letter, the text of a choice, or, unless ``in_columns``, an index from 0.
        choices: their texts.
        in_columns: each has a column, as VLMEvalKit writes them; then a letter is the letter.
    """
    letters = LETTERS[: len(choices)]
    said = str(answer).strip()
    bare = said.strip("().").upper()
    by_letter = bare if len(bare) == 1 and bare in letters else None
    by_text = letters[choices.index(said)] if said in choices else None
    is_index = said.isascii() and said.isdigit() and len(said) < len("100") and not in_columns
    by_index = letters[int(said) : int(said) + 1] if is_index else None
    readings = {reading for reading in (by_letter, by_text, by_index) if reading}
    if in_columns and by_letter:
        readings = {by_letter}
    if not readings:
        raise DataError(f"its answer {said!r:.60} is none of its {len(choices)} choices")
    if len(readings) > 1:
        raise DataError(
            f"its answer {said!r:.60} is ambiguous: it may mean {' or '.join(sorted(readings))}, "
            "as a letter or an index and as the text of a choice"
        )
    (letter,) = readings
    is_other = letter in choices and letters[choices.index(letter)] != letter
    return f"({letter})" if is_other else letter


def _open(answer: object) -> list[str]:
    listed = _listed(answer)
    given = listed if listed is not None else [answer]
    if any(isinstance(each, float) and not math.isfinite(each) for each in given):
        raise DataError(f"its answer {answer!r:.60} is not a finite number")
    said = [str(each) for each in given]
    split = [part.strip() for each in said for part in each.split(OR)]
    answers = list(dict.fromkeys(part for part in split if part))
    if not answers:
        raise DataError("has no answer")
    return answers


def _grading_of(answers: Sequence[str], choices: Sequence[str]) -> str | None:
    long = any(AND in answer or len(answer.split()) > MOST_WORDS for answer in answers)
    return "grader" if long and not choices else None
