from dataclasses import replace

import pytest
from small_questions import choice

from vscbench.utility.grading import Grade, grade

COLOURS = ("red", "blue", "dark blue", "a green one")
LETTERS_AS_WORDS = ("no", "D", "B", "A")


@pytest.mark.parametrize(
    "text",
    [
        "B is not the answer.",
        "B is wrong.",
        "(B) is wrong",
        "B isn't correct.",
        "Option B is incorrect.",
        "A and B are wrong.",
        "Blue is wrong.",
        "blue is not the right answer",
        "Everything except B",
        "Anything but B",
        "I would rule out B.",
        "I can't choose B",
        "I choose A or B",
    ],
)
def test_a_choice_that_is_called_wrong_or_left_open_is_not_chosen(text: str) -> None:
    assert grade(choice("B", COLOURS), text) == Grade(False, None)


@pytest.mark.parametrize(
    "text",
    [
        "Between A and B, I choose B.",
        "I'd pick B over A.",
        "I would go with B",
        "B, not A",
        "B rather than A",
        "A and C are wrong. B",
        "A is wrong, so B",
        "It is not A. B",
        "B is correct; A is wrong",
        "Without a doubt, B",
        "No doubt it is B.",
        "nothing but B",
    ],
)
def test_a_choice_that_is_preferred_to_others_is_chosen(text: str) -> None:
    assert grade(choice("B", COLOURS), text) == Grade(True, "B")


def test_where_the_wrong_one_is_asked_for_the_one_called_wrong_is_chosen() -> None:
    question = replace(choice("B", COLOURS), question="Which statement is wrong?")
    assert grade(question, "B is wrong.") == Grade(True, "B")


@pytest.mark.parametrize("text", ["B", "(B)", "B. D", "The answer is B"])
def test_a_letter_is_the_choice_it_labels_also_where_another_choice_is_that_letter(
    text: str,
) -> None:
    assert grade(choice("B", LETTERS_AS_WORDS), text) == Grade(True, "B")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("Yes, there is no doubt.", "A"),
        ("No, I would not say yes.", "B"),
        ("There is no dog.", "B"),
        ("Incorrect.", "B"),
        ("A", "A"),
        ("yes or no", None),
    ],
)
def test_of_the_choices_yes_and_no_the_word_in_front_decides(text: str, letter: str | None) -> None:
    assert grade(choice("A", ("Yes", "No")), text).read == letter


def test_the_pronoun_i_is_no_choice_of_nine() -> None:
    nine = tuple(f"word{index}" for index in range(9))
    assert grade(choice("I", nine), "I am not sure.") == Grade(False, None)
    assert grade(choice("I", nine), "I") == Grade(True, "I")
    assert grade(choice("I", nine), "The answer is (I).") == Grade(True, "I")
    assert grade(choice("C", nine), "I think it is C.") == Grade(True, "C")


def test_a_choice_that_is_itself_a_letter_is_read_by_its_words() -> None:
    letters = ("K", "B", "R")
    assert grade(choice("A", letters), "K") == Grade(True, "A")
    assert grade(choice("B", letters), "B") == Grade(True, "B")
