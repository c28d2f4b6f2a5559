import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_questions import choice, exact, match, number

from vscbench.utility.grading import Grade, grade
from vscbench.utility.questions import LETTERS, Grading

COLOURS = ("red", "blue", "dark blue", "a green one")

RIGHT_WORDS = [
    ("stop", "STOP"),
    ("stop", "stop."),
    ("stop", "  The word is: Stop!  "),
    ("stop", "**STOP**"),
    ("stop", "`stop`"),
    ("stop", "\u201cSTOP\u201d"),
    ("stop", "\uff33\uff34\uff2f\uff30"),
    ("stop", "The sign reads STOP in white letters."),
    ("stop", "The answer is STOP."),
    ("stop", "The final answer is: **stop**"),
    ("stop", "It is not GO. The answer is stop."),
    ("stop", r"\boxed{\text{STOP}}"),
    ("stop", r"$\mathrm{stop}$"),
    ("stop", "First I look at the sign.\nThen I read it.\n\nAnswer: stop"),
    ("the red cat", "a red cat"),
    ("green triangle", "Green  triangle"),
    ("café", "Cafe\u0301"),
    ("Baker's Lane", "bakers lane"),
    ("14:05", "It leaves at 14:05."),
    ("7", "seven"),
    ("room 12", "Room 12"),
    ("salt and pepper", "salt and pepper"),
    ("salt, pepper", "salt, pepper"),
    ("yes", "Yes, there is a dog in the picture."),
    ("yes", "yes"),
    ("no", "No."),
    ("no", "There is no dog in the picture."),
    ("no", "The answer is no, although the sky says yes."),
]
WRONG_WORDS = [
    ("stop", ""),
    ("stop", "   \n"),
    ("stop", "I cannot help with reading STOP signs."),
    ("stop", "I'm sorry, but I can't read the word stop."),
    ("stop", "nonstop"),
    ("stop", "It is not stop."),
    ("stop", "It isn't stop"),
    ("stop", "go or stop"),
    ("stop", "stop or go"),
    ("stop", "It says STOP or GO."),
    ("stop", "stop, go, wait"),
    ("stop", "STOP\nGO\nWAIT"),
    ("stop", "go and stop"),
    ("stop", "stop / go"),
    ("stop", "It could be stop. The answer is go."),
    ("stop", "Answer: stop\nNo, wait.\nAnswer: go"),
    ("stop", "..."),
    ("cafe", "caff"),
    ("yes", "Yes or no"),
    ("yes", "no"),
    ("no", "yes and no"),
    ("yes", "I cannot say yes to that."),
    ("14:05", "14:50"),
]


@pytest.mark.parametrize(("answer", "text"), RIGHT_WORDS)
def test_the_accepted_words_are_right_however_they_are_dressed(answer: str, text: str) -> None:
    assert grade(match(answer), text).correct


@pytest.mark.parametrize(("answer", "text"), WRONG_WORDS)
def test_other_words_denials_lists_and_refusals_are_wrong(answer: str, text: str) -> None:
    assert not grade(match(answer), text).correct


RIGHT_NUMBERS = [
    ("12", "12"),
    ("12", "12."),
    ("12", "12.0"),
    ("12", "about 12"),
    ("12", "twelve"),
    ("12", "There are twelve apples."),
    ("12", "**12** circles"),
    ("12", "12 apples"),
    ("12", r"\boxed{12}"),
    ("12", "$12$"),
    ("12", r"\(12\)"),
    ("12", "7 + 5 = 12"),
    ("12", "7 red ones and 5 blue ones. The answer is 12."),
    ("12", "7 red ones and 5 blue ones.\nSo there are 12 circles."),
    ("12", "The answer is 12 because 7 and 5 make 12."),
    ("12", "#### 12"),
    ("12", "12\n\nI counted the circles with care."),
    ("21", "twenty-one"),
    ("120", "one hundred and twenty"),
    ("0", "zero"),
    ("1", "Only one."),
    ("5", "There are 5; the red one is the largest."),
    ("1200", "1,200"),
    ("1200", "1\u202f200"),
    ("1,200", "It costs 1200 euros."),
    ("-5", "\u22125 degrees"),
    ("-5", "minus five"),
    ("12 %", "12%"),
    ("12%", "12 percent"),
    ("12%", r"12\%"),
    ("12%", "12"),
    ("12 cm", "12cm"),
    ("12 cm", "12 centimetres"),
    ("$12", "12 dollars"),
    ("$12.50", "It costs $12.50."),
    ("0.5", "1/2"),
    ("1/2", r"\frac{1}{2}"),
]
WRONG_NUMBERS = [
    ("12", ""),
    ("12", "none"),
    ("12", "I cannot count 12 things."),
    ("12", "13"),
    ("12", "120"),
    ("12", "1.2"),
    ("12", "-12"),
    ("12", "12th"),
    ("12", "B12"),
    ("12", "12:30"),
    ("12", "10, 11, 12, 13"),
    ("12", "10\n11\n12\n13"),
    ("12", "1. ten\n2. eleven\n3. twelve"),
    ("3", "1, 2, 3, 4 or 5"),
    ("3", "one two three"),
    ("3", "3 or 4"),
    ("3", "between 3 and 5"),
    ("12", "It is 12. The answer is 13."),
    ("12", "The answer is 12 or 13."),
    ("12", "I see 12 circles and 3 squares."),
    ("12 cm", "12 km"),
    ("$12", "12 euros"),
    ("12%", "0.12"),
    ("1", "the red one of 3"),
    ("1000", "one hundred"),
    ("12", "9" * 5000),
    ("12", "The answer is not 12."),
    ("12", "It isn't 12"),
]


@pytest.mark.parametrize(("answer", "text"), RIGHT_NUMBERS)
def test_a_number_is_right_by_its_value(answer: str, text: str) -> None:
    assert grade(number(answer), text).correct


@pytest.mark.parametrize(("answer", "text"), WRONG_NUMBERS)
def test_another_number_or_a_list_of_them_is_wrong(answer: str, text: str) -> None:
    assert not grade(number(answer), text).correct


CHOSEN = [
    ("B", "B"),
    ("b", "B"),
    ("(b)", "B"),
    ("B.", "B"),
    ("B)", "B"),
    ("**B**", "B"),
    ("B. blue", "B"),
    ("B: blue, because red is darker", "B"),
    ("The answer is B", "B"),
    ("The answer is (B).", "B"),
    ("The answer is B because A is wrong", "B"),
    ("A is wrong. The answer is B.", "B"),
    ("Answer: B", "B"),
    ("Option B is right.", "B"),
    ("I would choose B.", "B"),
    ("I think the right choice is C, a darker tone.", "C"),
    (r"\boxed{B}", "B"),
    ("blue", "B"),
    ("It is blue.", "B"),
    ("It is dark blue.", "C"),
    ("It is not red but blue.", "B"),
    ("green one", "D"),
    ("A", "A"),
    ("A.", "A"),
    ("It is A.", "A"),
    ("A because the shape is bright", "A"),
]
NOT_CHOSEN = [
    "",
    "A or B",
    "A/B",
    "Either A or B.",
    "A, B, C",
    "The answer is A or B.",
    "The answer is not B.",
    "A. red\nB. blue\nC. dark blue\nD. a green one",
    "red or blue",
    "red, blue",
    "It is not blue.",
    "I cannot help with that.",
    "I do not know.",
    "A shape is in the picture.",
    "I see a shape.",
    "E",
    "B or not B, C",
]


@pytest.mark.parametrize(("text", "letter"), CHOSEN)
def test_the_choice_is_read_from_its_letter_or_its_words(text: str, letter: str) -> None:
    assert grade(choice(letter, COLOURS), text) == Grade(True, letter)


@pytest.mark.parametrize("text", NOT_CHOSEN)
def test_no_single_choice_is_none(text: str) -> None:
    assert grade(choice("B", COLOURS), text) == Grade(False, None)


def test_exact_means_letter_by_letter() -> None:
    assert grade(exact("APPLE"), " APPLE\n").correct
    assert grade(exact("APPLE"), '"APPLE"').correct
    assert not grade(exact("APPLE"), "apple").correct
    assert not grade(exact("APPLE"), "The word is APPLE").correct
    assert grade(exact("a, b, c"), "a, b, c").correct
    assert not grade(exact("a, b, c"), "a,b,c").correct
    assert not grade(exact("APPLE"), "").correct


def test_each_of_several_answers_is_right() -> None:
    question = match("sofa", "couch")
    assert grade(question, "A couch.").correct
    assert grade(question, "sofa").correct
    assert not grade(question, "chair").correct


def test_what_was_read_is_told() -> None:
    assert grade(number("12"), "about 13 km").read == "13 km"
    assert grade(match("stop"), "It says GO").read == "It says GO"
    assert grade(number("12"), "many").read is None


@given(st.integers(-(10**9), 10**9))
def test_any_whole_number_is_read_as_itself(value: int) -> None:
    assert grade(number(str(value)), f"The answer is {value:,}.").correct
    assert grade(number(str(value)), str(value)).correct
    assert not grade(number(str(value)), str(value + 1)).correct


@given(st.integers(0, 99), st.integers(0, 99))
def test_number_words_below_a_hundred_are_read(value: int, other: int) -> None:
    assert grade(number(str(value)), spoken(value)).correct
    assert grade(number(str(value)), spoken(other)).correct == (value == other)


@given(st.sampled_from("ABCDEFGHI"), st.sampled_from(["{}", "({})", "{}.", "Answer: {}", "**{}**"]))
def test_any_letter_is_read_in_any_dress(letter: str, dress: str) -> None:
    choices = tuple(f"word{each}" for each in LETTERS[:9])
    assert grade(choice(letter, choices), dress.format(letter)) == Grade(True, letter)


@given(st.text(max_size=300), st.sampled_from(list(Grading)))
def test_no_text_breaks_the_grading(text: str, grading: Grading) -> None:
    of = {Grading.NUMBER: number("4"), Grading.CHOICE: choice("B", COLOURS)}
    assert isinstance(grade(of.get(grading, match("stop")), text).correct, bool)


@pytest.mark.parametrize(
    "piece", ["1,", "$", "\\boxed{", "(A) ", "so ", "one ", "-", "A or ", "_", " = "]
)
def test_a_long_hostile_text_is_graded_in_little_time(piece: str) -> None:
    text = piece * 100_000
    for question in (number("4"), match("stop"), choice("B", COLOURS)):
        assert not grade(question, text).correct


SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def spoken(value: int) -> str:
    if value < 20:
        return SMALL.split()[value]
    tens = TENS.split()[value // 10 - 2]
    return f"{tens}-{SMALL.split()[value % 10]}" if value % 10 else tens
