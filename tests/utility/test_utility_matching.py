import pytest
from small_questions import match

from vscbench.utility.grading import grade


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("red", "red blue green"),
        ("blue", "red blue green"),
        ("north", "north west"),
        ("north", "The arrow points north-west."),
        ("STOP", "The sign says STOP AHEAD"),
        ("Anna", "Ben has more than Anna."),
        ("Monday", "Tuesday has the highest value, higher than Monday."),
        (
            "left",
            "The circle is to the right of the square; the square is to the left of the circle.",
        ),
        ("stop", "Stop is not the answer."),
        ("red", "blue instead of red"),
        ("red", "anything but red"),
        ("red", "every colour except red"),
        ("Paris", "Paris, London"),
        ("Germany", "Germany, France"),
        ("France", "Paris, France"),
    ],
)
def test_a_rival_a_longer_text_and_the_lesser_of_two_are_not_the_answer(
    answer: str, text: str
) -> None:
    assert not grade(match(answer), text).correct


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("north west", "north west"),
        ("STOP AHEAD", "The sign says STOP AHEAD"),
        ("STOP", "THE SIGN SAYS STOP"),
        ("STOP", "The word is STOP in white."),
        ("stop", "The sign says STOP AHEAD"),
        ("Ben", "Ben has more than Anna."),
        ("Tuesday", "Tuesday has the highest value, higher than Monday."),
        (
            "right",
            "The circle is to the right of the square; the square is to the left of the circle.",
        ),
        ("left", "It is left of the circle and right of the star."),
        ("red", "Red. Blue is the square."),
        ("red", "It is red rather than blue."),
        ("clock", "The clock is wrong."),
        ("Paris", "Paris, France"),
        ("Paris", "It is Paris, France."),
        ("Porto", "Porto, Portugal."),
    ],
)
def test_the_answer_is_right_beside_what_only_places_or_compares_it(answer: str, text: str) -> None:
    assert grade(match(answer), text).correct


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Correct.", "yes"),
        ("True", "yes"),
        ("That's right.", "yes"),
        ("Correct, there is a dog.", "yes"),
        ("Yes, there is no doubt.", "yes"),
        ("That is incorrect.", "no"),
        ("It is not correct.", "no"),
        ("False.", "no"),
        ("No, that is right.", "no"),
        ("There is no dog.", "no"),
    ],
)
def test_agreement_is_yes_and_disagreement_no(text: str, word: str) -> None:
    assert grade(match(word), text).correct
    assert not grade(match("no" if word == "yes" else "yes"), text).correct


@pytest.mark.parametrize("text", ["no doubt", "The right side is dark.", "yes and no", "maybe"])
def test_what_says_neither_is_neither(text: str) -> None:
    assert not grade(match("yes"), text).correct
    assert not grade(match("no"), text).correct
