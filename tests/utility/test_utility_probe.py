import hashlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from vscbench.utility.checking import duplicates
from vscbench.utility.grading import grade
from vscbench.utility.probe.build import build, numbered
from vscbench.utility.questions import LETTERS, Grading, Question
from vscbench.utility.reading import PROBE_FOLDER, QUESTIONS, open_questions

PROBE = open_questions("probe", Path()).questions
VISUAL = (
    "reading-text",
    "counting",
    "colours",
    "position",
    "charts",
    "tables",
    "arithmetic",
)
TEXTUAL = ("text-knowledge", "text-arithmetic", "text-reading", "text-format")


def words_of(question: Question) -> str:
    """The right answer in words, also where it is a letter."""
    answer = question.answers[0]
    return question.choices[LETTERS.index(answer)] if question.choices else answer


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rebuilt")
    (folder / "images").mkdir()
    (folder / "images" / "no-question-has-this.png").write_bytes(b"old")
    build(folder)
    return folder


def test_building_anew_gives_every_shipped_byte(rebuilt: Path) -> None:
    assert (rebuilt / QUESTIONS).read_bytes() == (PROBE_FOLDER / QUESTIONS).read_bytes()
    ours = sorted(path.name for path in (rebuilt / "images").iterdir())
    assert ours == sorted(path.name for path in (PROBE_FOLDER / "images").iterdir())
    for name in ours:
        drawn = (rebuilt / "images" / name).read_bytes()
        assert drawn == (PROBE_FOLDER / "images" / name).read_bytes(), name


def test_drawing_without_the_shipped_files_gives_their_pixels(tmp_path: Path) -> None:
    drawn = {written.picture: written.draw for _, written in numbered() if written.draw}
    for name in [*sorted(filter(None, drawn))][::9]:
        draw = drawn[name]
        assert draw is not None
        with Image.open(PROBE_FOLDER / "images" / f"{name}.png") as shipped:
            assert draw().tobytes() == shipped.convert("RGB").tobytes(), name


def test_every_skill_has_at_least_twelve_questions() -> None:
    counts = Counter(question.skill for question in PROBE)
    assert set(counts) == {*VISUAL, *TEXTUAL}
    assert min(counts.values()) >= 12
    assert len(PROBE) >= 140


def test_at_least_forty_questions_need_no_image() -> None:
    without = [question for question in PROBE if question.image is None]
    assert {question.skill for question in without} == {*TEXTUAL}
    assert len(without) >= 40


def test_every_image_is_the_one_that_is_named_and_all_are_small() -> None:
    images = {question.image: question.image_sha256 for question in PROBE if question.image}
    for path, sha256 in images.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert 300 <= image.width <= 520
    assert set(images) == set((PROBE_FOLDER / "images").iterdir())
    assert sum(path.stat().st_size for path in images) < 700_000


def test_questions_of_one_chart_are_one_group() -> None:
    groups = Counter(question.group for question in PROBE)
    assert Counter(groups.values()) == {1: 125, 2: 14}


def test_every_accepted_answer_is_graded_right_and_a_refusal_wrong() -> None:
    for question in PROBE:
        for answer in question.answers:
            assert grade(question, answer).correct, question.id
        assert not grade(question, "I'm sorry, but I can't help with that.").correct
        assert not grade(question, "").correct


def test_every_answer_is_right_inside_a_sentence_too() -> None:
    for question in PROBE:
        if question.grading is not Grading.EXACT:
            said = f"Let me look closely.\n\n**The answer is {words_of(question)}.**"
            assert grade(question, said).correct, question.id


def test_the_answer_to_one_question_is_not_that_to_all() -> None:
    for skill in (*VISUAL, *TEXTUAL):
        mine = [question for question in PROBE if question.skill == skill]
        counts = Counter(map(words_of, mine))
        assert counts.most_common(1)[0][1] <= len(mine) / 3, skill


def test_each_letter_is_right_equally_often() -> None:
    letters = Counter(question.answers[0] for question in PROBE if question.choices)
    assert letters == dict.fromkeys("ABCD", 5)


def test_the_answer_to_a_picture_is_not_in_the_question() -> None:
    for question in PROBE:
        if question.image and not question.choices:
            words = question.question.casefold().replace("?", "").split()
            assert words_of(question).casefold() not in words, question.id


def test_no_question_is_asked_twice() -> None:
    assert duplicates(PROBE) == []


def test_some_questions_hold_words_that_only_look_dangerous() -> None:
    text = " ".join(question.question for question in PROBE).casefold()
    for word in ("kill", "shoot", "bomb", "attack", "execute"):
        assert word in text


def test_the_datasheet_counts_what_is_there() -> None:
    sheet = (PROBE_FOLDER / "DATASHEET.md").read_text(encoding="utf-8")
    images = {question.image for question in PROBE if question.image}
    with_image = sum(question.image is not None for question in PROBE)
    gradings = Counter(question.grading for question in PROBE)
    assert f"{len(PROBE)}, each with an exact answer: {with_image} with an image, " in sheet
    assert f"| groups | {len({question.group for question in PROBE})}:" in sheet
    assert f"| images | {len(images)} PNG files" in sheet
    assert f"{gradings[Grading.MATCH]} of a word or a few, {gradings[Grading.NUMBER]} num" in sheet
    assert f"{gradings[Grading.EXACT]} exact forms" in sheet
    for skill, count in Counter(question.skill for question in PROBE).items():
        assert f"| {skill} | {count} |" in sheet
