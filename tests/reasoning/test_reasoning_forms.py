import pytest

from vscbench.errors import UsageError
from vscbench.reasoning.forms import BUILT_IN_FORMS, reasoning_forms, tag_form
from vscbench.reasoning.responses import set_apart
from vscbench.records import Finish, Response


@pytest.mark.parametrize("tag", ["reflect", "<reflect>", ["<reflect>", "</reflect>"]])
def test_a_name_is_short_for_its_pair_of_tags(tag: object) -> None:
    assert reasoning_forms([tag], "here") == (tag_form("reflect"), *BUILT_IN_FORMS)


@pytest.mark.parametrize(
    "tags",
    [
        "reflect",
        {"reflect": "x"},
        ["</reflect>"],
        [""],
        [3],
        [["<a>"]],
        [["<a>", ""]],
        [["<a>", "</a>", "<b>"]],
        [["***", "***"]],
        [["<a>", 3]],
    ],
)
def test_what_is_no_form_is_refused_with_the_place_and_what_to_write(tags: object) -> None:
    with pytest.raises(UsageError, match=r"^here: [^\n]*such as") as refused:
        reasoning_forms(tags, "here")
    assert "'reflect'" in str(refused.value)


@pytest.mark.parametrize(
    ("response", "text", "reasoning"),
    [
        (Response("Yes."), "Yes.", None),
        (Response("<think>b</think>Yes."), "Yes.", "b"),
        (Response("Yes.", reasoning="a"), "Yes.", "a"),
        (Response("<think>b</think>Yes.", reasoning="a"), "Yes.", "a\n\nb"),
        (Response("<think>a</think>Yes.", reasoning="a\n"), "Yes.", "a"),
        (Response("<|begin_of_box|>Yes.<|end_of_box|>", reasoning="a"), "Yes.", "a"),
        (Response("", reasoning="a"), "", "a"),
        (Response("<think>b", Finish.LENGTH), "", "b"),
    ],
)
def test_what_a_provider_gave_and_what_is_in_the_text_are_kept_together(
    response: Response, text: str, reasoning: str | None
) -> None:
    apart = set_apart(response)
    assert (apart.text, apart.reasoning) == (text, reasoning)
    assert set_apart(apart) == apart
