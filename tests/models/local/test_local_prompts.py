import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

from local_models import open_tiny
from tiny_vlms import ARCHITECTURES
from transformers import AutoProcessor

from vscbench.errors import TargetError, UsageError
from vscbench.models.local.prompts import (
    PLAIN,
    ChatTemplate,
    PlainQuestion,
    Prompting,
    choose_prompting,
    messages_of,
    require_place_for_system,
)
from vscbench.models.protocol import ModelSpec
from vscbench.records import Cause, Request

IMAGE = Path("a.png")
TALKING = sorted(ARCHITECTURES.keys() - {"instructblip", "blip2"})


def asked(
    prompt: str = "Is it safe?",
    image: Path | None = None,
    system: str | None = None,
    answer: str | None = None,
) -> Request:
    return Request("p", 1, prompt, image, system, answer)


def prompting_of(folder: Path, model_type: str = "llava", *, sees: bool = True) -> Prompting:
    processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
    return choose_prompting(str(folder), model_type, processor, sees_images=sees)


def with_template(folder: Path, template: str | None, tmp_path: Path) -> Path:
    """Copy a checkpoint, with another chat template or none."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "chat_template.jinja").unlink()
    if template is not None:
        (copy / "chat_template.jinja").write_text(template, encoding="utf-8")
    return copy


def test_a_prompt_of_llava_has_its_image_before_its_words(tiny: Callable[[str], Path]) -> None:
    prompting = prompting_of(tiny("llava"))
    assert prompting.text(asked()) == "USER: Is it safe? ASSISTANT:"
    assert prompting.text(asked(image=IMAGE)) == "USER: <image>\nIs it safe? ASSISTANT:"
    assert (
        prompting.text(asked(image=IMAGE, system="Be kind."))
        == "Be kind. USER: <image>\nIs it safe? ASSISTANT:"
    )


@pytest.mark.parametrize("name", TALKING)
def test_a_prompt_is_what_the_template_makes_of_the_turns(
    name: str, tiny: Callable[[str], Path]
) -> None:
    folder = tiny(name)
    processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
    sees = name != "llama"
    image = IMAGE if sees else None

    def content(text: str, *before: dict[str, str]) -> object:
        return [*before, {"type": "text", "text": text}] if sees else text

    turns = [{"role": "user", "content": content("Why?", *([{"type": "image"}] if sees else []))}]
    prompting = prompting_of(folder, sees=sees)
    by_hand = processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert prompting.text(asked("Why?", image)) == by_hand

    turns.insert(0, {"role": "system", "content": content("Be kind.")})
    turns.append({"role": "assistant", "content": content("Because.")})
    by_hand = processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    text = prompting.text(asked("Why?", image, "Be kind.", "Because."))
    assert text == by_hand
    assert "Because." in text


def test_words_of_a_prompt_are_no_orders_to_the_template(tiny: Callable[[str], Path]) -> None:
    hostile = "{{ 7 * 6 }} {% for x in y %} {# gone #}"
    assert prompting_of(tiny("llava")).text(asked(hostile)) == f"USER: {hostile} ASSISTANT:"


def test_turns_are_lists_of_parts_or_plain_text_as_the_processor_reads_them() -> None:
    request = asked("Q", IMAGE, "S", "A")
    assert messages_of(request, has_parts=True) == [
        {"role": "system", "content": [{"type": "text", "text": "S"}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Q"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A"}]},
    ]
    assert messages_of(asked("Q", None), has_parts=False) == [{"role": "user", "content": "Q"}]
    assert messages_of(asked("", None, ""), has_parts=False) == [
        {"role": "system", "content": ""},
        {"role": "user", "content": ""},
    ]


def test_models_without_a_template_are_asked_as_their_authors_asked() -> None:
    assert PLAIN["instructblip"].text(asked("Why?", IMAGE)) == "Why?"
    assert PLAIN["blip-2"].text(asked("Why {x}?", IMAGE)) == "Question: Why {x}? Answer:"
    assert PLAIN["instructblip"].text(asked("Why?", IMAGE, "Be kind.")) == "Be kind.\nWhy?"


@pytest.mark.parametrize(
    ("request_", "said"),
    [(asked("Why?"), "this pair has none"), (asked("Why?", IMAGE, None, "A"), "no conversation")],
)
def test_what_cannot_be_put_to_such_a_model_is_its_own_case_only(
    request_: Request, said: str
) -> None:
    with pytest.raises(TargetError, match=said) as raised:
        PlainQuestion().text(request_)
    assert raised.value.cause is Cause.BAD_REQUEST


@pytest.mark.parametrize("name", ["instructblip", "blip2"])
def test_a_checkpoint_without_a_template_of_such_an_architecture_is_opened(
    name: str, tiny: Callable[[str], Path]
) -> None:
    model_type = {"instructblip": "instructblip", "blip2": "blip-2"}[name]
    assert prompting_of(tiny(name), model_type) is PLAIN[model_type]


def test_any_other_checkpoint_without_a_template_is_refused(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = with_template(tiny("llava"), None, tmp_path)
    with pytest.raises(UsageError, match=r"no chat template.*chat_template\.jinja") as raised:
        prompting_of(folder)
    assert str(raised.value).startswith(f"--model=local:{folder}: ")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for turn in", "unexpected|Unexpected|expected"),
        ("{{ raise_exception('Not today.\nNor tomorrow.') }}", r"Not today\. Nor tomorrow\."),
        ("{{ messages[0].content[7].text.x.y }}", "no element 7|undefined|has no"),
    ],
)
def test_a_broken_template_is_told_once_before_anything_is_asked(
    template: str, reason: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = with_template(tiny("llava"), template, tmp_path)
    with pytest.raises(UsageError, match=reason) as raised:
        prompting_of(folder)
    assert "chat_template.jinja" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_template_that_refuses_one_request_is_the_case_of_that_request(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    template = (
        "{% for turn in messages %}{% if turn.role == 'assistant' %}"
        "{{ raise_exception('No\nanswers.') }}{% endif %}{{ turn.content[-1].text }}{% endfor %}"
    )
    prompting = prompting_of(with_template(tiny("llava"), template, tmp_path))
    assert prompting.text(asked("Why?")) == "Why?"
    with pytest.raises(TargetError, match=r"its chat template refuses: No answers\.") as raised:
        prompting.text(asked("Why?", answer="Because."))
    assert raised.value.cause is Cause.BAD_REQUEST


USER_ONLY = (
    "{% for turn in messages if turn.role == 'user' %}{{ turn.content[-1].text }}{% endfor %}"
)
# As Llama 3.2 Vision has it.
NOT_BESIDE_AN_IMAGE = (
    "{% for turn in messages %}"
    "{% if messages[0].role == 'system' and messages[1].content[0].type == 'image' %}"
    "{{ raise_exception('An image, or a system message.') }}{% endif %}"
    "{{ turn.content[-1].text }}{% endfor %}"
)


@pytest.mark.parametrize("with_image", [True, False])
def test_a_system_prompt_that_the_model_would_never_see_is_refused(
    with_image: bool, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    prompting = prompting_of(with_template(tiny("llava"), USER_ONLY, tmp_path))
    with pytest.raises(UsageError, match=r"--vsc-system: .* no place for a system prompt.*leave"):
        require_place_for_system("org/model", prompting, with_image=with_image)


def test_a_system_prompt_that_only_images_keep_out_is_refused_only_with_images(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    prompting = prompting_of(with_template(tiny("llava"), NOT_BESIDE_AN_IMAGE, tmp_path))
    require_place_for_system("org/model", prompting, with_image=False)
    with pytest.raises(UsageError, match="no place for a system prompt beside an image"):
        require_place_for_system("org/model", prompting, with_image=True)


@pytest.mark.parametrize("name", TALKING)
def test_a_template_with_a_system_turn_takes_a_system_prompt(
    name: str, tiny: Callable[[str], Path]
) -> None:
    prompting = prompting_of(tiny(name), sees=name != "llama")
    assert isinstance(prompting, ChatTemplate)
    require_place_for_system(name, prompting, with_image=name != "llama")


def test_a_model_is_not_opened_for_a_system_prompt_that_it_cannot_take(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from vscbench.models.local.model import open_checkpoint
    from vscbench.models.local.opening import LocalOpening

    folder = with_template(tiny("llava"), NOT_BESIDE_AN_IMAGE, tmp_path)
    name = f"local:{folder}"
    open_tiny(folder)
    open_checkpoint(
        LocalOpening(ModelSpec(name, sends_images=False, sends_system=True), str(folder))
    )
    with pytest.raises(UsageError, match="--vsc-system"):
        open_checkpoint(LocalOpening(ModelSpec(name, sends_system=True), str(folder)))
