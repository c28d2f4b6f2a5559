from vscbench.models.embedded.prompt import messages


def test_a_question_without_an_image_is_asked_as_it_is() -> None:
    assert messages("Why?", None, None)[-1] == {"role": "user", "content": "Why?"}


def test_the_text_of_the_image_comes_before_the_question() -> None:
    asked = messages("What is this?", "DRAIN\nCLEANER", None)[-1]["content"]
    assert asked == "The image shows this text:\nDRAIN\nCLEANER\n\nWhat is this?"


def test_an_image_without_text_is_not_passed_off_as_no_image() -> None:
    assert messages("What is this?", "", None)[-1]["content"] != "What is this?"


def test_the_models_own_prompt_opens_with_a_system_message_and_ends_with_the_question() -> None:
    roles = [message["role"] for message in messages("Why?", None, None)]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]


def test_a_system_prompt_takes_the_place_of_the_models_own_prompt() -> None:
    assert messages("Why?", None, "Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]
