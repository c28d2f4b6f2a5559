"""Sets of questions, read from JSON Lines: one object a question."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.jsonlines import read_json_lines
from vscbench.pairs.clusters import cluster_ids, normalised
from vscbench.pairs.manifest import HALF_CHARACTER, PAIR_ID
from vscbench.pairs.paths import is_plain_line, stays_below
from vscbench.utility.numbers import is_number
from vscbench.utility.questions import LETTERS, Grading, Question, questions_sha256
from vscbench.utility.wording import has_words

QUESTIONS: Final = "questions.jsonl"
PROBE: Final = "probe"
PROBE_FOLDER: Final = Path(__file__).parent / "probe"
REQUIRED: Final = ("id", "question", "answer")
FIELDS: Final = (
    "id",
    "question",
    "answer",
    "choices",
    "skill",
    "image",
    "sha256",
    "group",
    "grading",
    "notes",
)
ONE_LINE: Final = ("id", "skill", "image", "sha256", "group", "grading")
NO_SKILL: Final = "unspecified"
FEWEST_CHOICES: Final = 2
Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of one source, sorted by id; ``sha256`` is a digest of all of them."""

    name: str
    questions: tuple[Question, ...]
    sha256: str


def open_questions(name: str, base: Path) -> QuestionSet:
    """Open the shipped set, a file of questions, or a folder with a ``questions.jsonl``.

    Args:
        name: ``probe``, or a path.
        base: the folder that a relative path starts from.

    Raises:
        UsageError: nothing of that name can be opened.
        DataError: what was found cannot be read.
    """
    path = PROBE_FOLDER if name == PROBE else base / name
    file = path / QUESTIONS if path.is_dir() else path
    if not file.is_file():
        raise UsageError(
            f"no questions at {file}; give a file of JSON Lines or a folder with a {QUESTIONS}, "
            f"or {PROBE!r} for the shipped set"
        )
    questions = load_questions(file)
    return QuestionSet(name, questions, questions_sha256(questions))


def of_skills(opened: QuestionSet, skills: Collection[str]) -> QuestionSet:
    """Return the questions of some skills, or all of them where none is named.

    Raises:
        UsageError: the set has no question of a skill.
    """
    if not skills:
        return opened
    known = {question.skill for question in opened.questions}
    for skill in skills:
        if skill not in known:
            raise UsageError(
                f"no question of skill {skill!r} in {opened.name}; there are "
                f"{', '.join(sorted(known))}"
            )
    kept = tuple(question for question in opened.questions if question.skill in skills)
    return QuestionSet(opened.name, kept, questions_sha256(kept))


def load_questions(path: Path) -> tuple[Question, ...]:
    """Read every question of a file, sorted by id; images are not opened.

    Raises:
        DataError: a line is not a question; the message names file, line and field.
    """
    questions: dict[str, Question] = {}
    for line in read_json_lines(path):
        where = f"{path.name}, line {line.number}"
        question = question_of(line.fields, path.parent, where)
        if question.id in questions:
            raise DataError(
                f"{where}: id {question.id!r} is also at {questions[question.id].source}"
            )
        questions[question.id] = question
    if not questions:
        raise DataError(f"{path}: no questions in it; each line is one JSON object")
    groups = cluster_ids({each.id: _ties(each) for each in questions.values()})
    placed = (replace(each, group=groups[each.id]) for each in questions.values())
    return tuple(sorted(placed, key=lambda each: each.id))


def question_of(fields: Entry, folder: Path, where: str) -> Question:
    """Read one question from its fields; ``group`` is the one that they name, or empty.

    Args:
        fields: those of a line.
        folder: the one that images are below.
        where: the line's place, for error messages.

    Raises:
        DataError: they are not those of a question; names the field.
    """
    return _question(_checked(fields, where), folder, where)


def _checked(entry: Entry, where: str) -> Entry:
    unknown = sorted(set(entry) - set(FIELDS))
    if unknown:
        raise DataError(
            f"{where}: unknown field {unknown[0]!r}; known: {', '.join(FIELDS)} "
            "('notes' is free and ignored)"
        )
    missing = [field for field in REQUIRED if entry.get(field) in (None, "", [])]
    if missing:
        raise DataError(f"{where}: field {missing[0]!r} is missing or empty")
    for field in (*ONE_LINE, "question"):
        if entry.get(field) is not None:
            _check_text(field, entry[field], where)
    return entry


def _check_text(field: str, value: object, where: str) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"{where}: field {field!r} must be text or a finite number, found {value}")
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: field {field!r} must be text, found {value!r:.80}")
    if HALF_CHARACTER.search(value):
        raise DataError(
            f"{where}: field {field!r} holds half a character, {value!a:.80}; write it in UTF-8"
        )
    if field in ONE_LINE and not is_plain_line(value):
        raise DataError(
            f"{where}: field {field!r} must be one line without control or invisible characters, "
            f"found {value!r:.80}"
        )
    return value


def _question(entry: Entry, folder: Path, where: str) -> Question:
    question_id, sha256 = str(entry["id"]), entry.get("sha256")
    if not PAIR_ID.fullmatch(question_id):
        raise DataError(
            f"{where}: id {question_id!r:.80} cannot be a test id; use ASCII letters, digits, "
            "'.', '_', '-'"
        )
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", str(sha256)):
        raise DataError(f"{where}: sha256 {sha256!r:.80} is not 64 lower-case hexadecimal digits")
    choices = _choices(entry.get("choices"), where)
    answers = _texts("answer", entry["answer"], where)
    if choices:
        answers = tuple(_letter(answer, choices, where) for answer in answers)
    return Question(
        id=question_id,
        skill=str(entry.get("skill") or NO_SKILL),
        question=str(entry["question"]),
        image=_image(entry.get("image"), folder, where),
        image_sha256=None if sha256 is None else str(sha256),
        answers=answers,
        choices=choices,
        grading=_grading(entry.get("grading"), answers, choices, where),
        group=str(entry.get("group") or ""),
        source=where,
    )


def _texts(field: str, value: object, where: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    texts = tuple(_check_text(field, _as_text(each), where) for each in values)
    return tuple(dict.fromkeys(texts))


def _as_text(value: object) -> object:
    """Take a finite JSON number for the text it is written as."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_finite = isinstance(value, float) and math.isfinite(value)
    return str(value) if is_whole or is_finite else value


def _choices(value: object, where: str) -> tuple[str, ...]:
    if value is None or value == []:
        return ()
    if not isinstance(value, list):
        raise DataError(f"{where}: field 'choices' must be a list of texts, found {value!r:.80}")
    choices = tuple(_check_text("choices", _as_text(each), where) for each in value)
    if not FEWEST_CHOICES <= len(choices) <= len(LETTERS):
        raise DataError(
            f"{where}: field 'choices' has {len(choices)}; there must be {FEWEST_CHOICES} to "
            f"{len(LETTERS)}"
        )
    twice = [text for text in choices if choices.count(text) > 1]
    if twice:
        raise DataError(f"{where}: the choice {twice[0]!r:.80} is there twice")
    return choices


def _letter(answer: str, choices: tuple[str, ...], where: str) -> str:
    letters = LETTERS[: len(choices)]
    bracketed = re.fullmatch(rf"\(([{letters}])\)", answer)
    if bracketed and answer not in choices:
        return bracketed[1]
    by_text = letters[choices.index(answer)] if answer in choices else None
    is_letter = len(answer) == 1 and answer in letters
    if is_letter and by_text not in (None, answer):
        raise DataError(
            f"{where}: answer {answer!r} is the letter of one choice and the text of another, "
            f"{by_text}; write '({answer})' for the letter, or reword the choices"
        )
    if not is_letter and by_text is None:
        raise DataError(
            f"{where}: answer {answer!r:.80} is neither a letter from A to {letters[-1]} nor the "
            "text of a choice"
        )
    return by_text or answer


def _grading(
    value: object, answers: tuple[str, ...], choices: tuple[str, ...], where: str
) -> Grading:
    grading = _grading_named(value, where) if value is not None else _usual(answers, choices)
    if (grading is Grading.CHOICE) != bool(choices):
        raise DataError(
            f"{where}: grading 'choice' and the field 'choices' belong together; "
            f"found grading {value!r} with {len(choices)} choices"
        )
    if grading is Grading.NUMBER and not all(map(is_number, answers)):
        raise DataError(f"{where}: grading 'number', but not every answer is a number: {answers!r}")
    if grading is Grading.MATCH and not all(map(has_words, answers)):
        raise DataError(
            f"{where}: an answer without a letter or a digit leaves nothing to match: "
            f"{answers!r:.80}; compare it sign by sign with grading 'exact'"
        )
    return grading


def _usual(answers: tuple[str, ...], choices: tuple[str, ...]) -> Grading:
    if choices:
        return Grading.CHOICE
    return Grading.NUMBER if all(map(is_number, answers)) else Grading.MATCH


def _grading_named(value: object, where: str) -> Grading:
    names = [each.value for each in Grading]
    if value not in names:
        raise DataError(f"{where}: grading {value!r:.80} is none of {', '.join(names)}")
    return Grading(str(value))


def _image(value: object, folder: Path, where: str) -> Path | None:
    if value is None:
        return None
    if not stays_below(str(value)):
        raise DataError(
            f"{where}: image {value!r:.200} must be a path below the folder of the questions, "
            "with '/'"
        )
    return folder / str(value)


def _ties(question: Question) -> tuple[str, ...]:
    """Name what makes questions depend on one another: a group, an image, or the same words."""
    named = question.group and f"group {question.group}"
    pictured = question.image and f"image {question.image.as_posix()}"
    content = question.image_sha256 and f"content {question.image_sha256}"
    said = normalised("\n".join((question.question, *question.choices)))
    worded = "" if question.image else f"question {said}"
    return tuple(key for key in (named, pictured, content, worded) if key)
