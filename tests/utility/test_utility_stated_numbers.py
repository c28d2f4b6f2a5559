import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_questions import number

from vscbench.utility.grading import grade


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("12", "at least 12"),
        ("12", "more than 12"),
        ("12", "There are more than 12 circles."),
        ("12", "The answer is at least 12"),
        ("12", "up to 12"),
        ("12", "12 or more"),
        ("12", "12 circles or more"),
        ("12", "12+"),
        ("12", "7 and 5, so at least 12"),
    ],
)
def test_a_bound_is_no_number(answer: str, text: str) -> None:
    assert not grade(number(answer), text).correct


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("12", "7 red plus 5 green makes 12"),
        ("12", "There are 7 red and 5 green apples, so 12 in total."),
        ("12", "1. Count the red: 7\n2. Count the green: 5\n3. Total: 12"),
        ("12", "12 in all, 7 red and 5 green"),
        ("12", "7 and 5, for a total of 12"),
        ("12", "The total number of apples is 12: 7 and 5."),
        ("12", "The sum of 7 and 5 is 12."),
        ("12", "10% of 120 is 12"),
        ("12", "2 rows of 6 gives 12 circles."),
        ("7", "3 + 4 equals 7"),
        ("7", "10 minus 3 is 7"),
        ("1", "3 minus 2 is one"),
        ("15", "7 plus 5 makes 12. Then 3 more makes 15."),
    ],
)
def test_what_is_called_the_result_is_the_number(answer: str, text: str) -> None:
    assert grade(number(answer), text).correct


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("12", "7 and 5, that makes 12 or 13"),
        ("12", "7 and 5 does not make 12"),
        ("12", "7 plus 5 makes 12, then 4 less"),
        ("7", "7 red plus 5 green makes 12"),
        ("3", "3 circles and one square"),
        ("3", "3, one"),
        ("3", "2 of 3"),
        ("1", "1. I count 7 red and 5 green ones"),
    ],
)
def test_a_number_on_the_way_or_one_of_several_is_not_stated(answer: str, text: str) -> None:
    assert not grade(number(answer), text).correct


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("2", "2 out of 3"),
        ("2", "Two of the three circles are red."),
        ("2", "2 circles out of the 3"),
        ("1", "One of the 3 circles is red."),
        ("3", "3 - one red, two blue"),
        ("12", "12 (7 red and 5 green)"),
        ("12", "There are 12 apples: 7 red and 5 green."),
        ("3", "3; one of them is red"),
        ("12", "The picture is not blurry. 12 circles."),
    ],
)
def test_a_part_of_a_whole_and_a_whole_with_its_parts_are_one_number(
    answer: str, text: str
) -> None:
    assert grade(number(answer), text).correct


@pytest.mark.parametrize(
    "text",
    [
        "None",
        "none.",
        "None of them are red.",
        "There are no circles.",
        "No circles are red.",
        "There aren't any circles.",
        "The answer is none.",
        "None. I only see squares.",
    ],
)
def test_none_is_zero(text: str) -> None:
    assert grade(number("0"), text).correct
    assert not grade(number("12"), text).correct


@pytest.mark.parametrize("text", ["No", "no idea", "There is no way to tell.", "No more than 3"])
def test_not_knowing_is_not_zero(text: str) -> None:
    assert not grade(number("0"), text).correct


@given(st.integers(2, 500), st.integers(2, 500))
def test_a_sum_is_read_as_its_result_and_a_wrong_one_as_that(one: int, other: int) -> None:
    total = one + other
    for said in (f"{one} red plus {other} blue makes {total}", f"{total}: {one} red, {other} blue"):
        assert grade(number(str(total)), said).correct
        assert not grade(number(str(total + 1)), said).correct
