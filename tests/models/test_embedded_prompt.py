from pathlib import Path

from vscbench.models.embedded.prompt import Message, messages
from vscbench.models.turns import chat_turns
from vscbench.records import Demonstration, Request

IMAGE = Path("a.png")


def asked(
    question: str,
    read: str | None = None,
    system: str | None = None,
    shown: tuple[Demonstration, ...] = (),
) -> list[Message]:
    image = None if read is None else IMAGE
    request = Request("p", 1, question, image, system, demonstrations=shown)
    return messages(chat_turns(request), lambda _: read or "")


def test_a_question_without_an_image_is_asked_as_it_is() -> None:
    assert asked("Why?")[-1] == {"role": "user", "content": "Why?"}


def test_the_text_of_the_image_comes_before_the_question() -> None:
    said = asked("What is this?", "DRAIN\nCLEANER")[-1]["content"]
    assert said == "The image shows this text:\nDRAIN\nCLEANER\n\nWhat is this?"


def test_an_image_without_text_is_not_passed_off_as_no_image() -> None:
    assert asked("What is this?", "")[-1]["content"] != "What is this?"


def test_the_models_own_prompt_opens_with_a_system_message_and_ends_with_the_question() -> None:
    roles = [message["role"] for message in asked("Why?")]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]


def test_a_system_prompt_takes_the_place_of_the_models_own_prompt() -> None:
    assert asked("Why?", None, "Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]


def test_demonstrations_come_between_the_models_own_prompt_and_the_question() -> None:
    shown = (Demonstration("A nut?", IMAGE, "Yes."),)
    turns = asked("Why?", "WALNUT", None, shown)
    assert turns[:-3] == asked("Why?")[:-1]
    assert turns[-3]["content"] == "The image shows this text:\nWALNUT\n\nA nut?"
    assert turns[-2] == {"role": "assistant", "content": "Yes."}
