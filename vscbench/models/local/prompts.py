"""From a request to the text that a model was trained to read, with a place for the image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vscbench.errors import TargetError, UsageError
from vscbench.models.turns import ChatTurn, chat_turns
from vscbench.records import Cause, Request
from vscbench.visible import one_line

PROBE = "vscbench-probe-of-the-system-turn"
# A template only makes a place for an image; none is read.
PROBE_IMAGE = Path("probe.png")
LONGEST_REASON = 200


class Prompting(Protocol):
    """How a model is spoken to."""

    def text(self, request: Request) -> str:
        """Return the whole prompt.

        Raises:
            TargetError: the request cannot be put to this model.
        """


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The checkpoint's own chat template; ``has_parts`` where a turn is a list of parts."""

    processor: Any
    has_parts: bool

    def text(self, request: Request) -> str:
        """Return the whole prompt, up to where the model's answer begins.

        Raises:
            TargetError: the template refuses these turns.
        """
        try:
            return self._render(messages_of(request, has_parts=self.has_parts))
        except Exception as error:  # a template raises what its author liked
            said = one_line(str(error), LONGEST_REASON)
            raise TargetError(f"its chat template refuses: {said}", Cause.BAD_REQUEST) from None

    def takes_system(self, *, with_image: bool) -> bool:
        """Whether a system prompt gets into the text, beside an image or without one."""
        image = PROBE_IMAGE if with_image else None
        try:
            return PROBE in self.text(Request("", 1, "question", image, PROBE))
        except TargetError:  # a template that knows no system turn may refuse it
            return False

    def fault(self) -> str | None:
        """Say why it can ask nothing at all, with an image or without; ``None`` if it can."""
        images = (PROBE_IMAGE, None) if self.has_parts else (None,)
        faults = []
        for image in images:
            try:
                self.text(Request("", 1, "question", image, None))
            except TargetError as error:
                faults.append(str(error))
        return faults[0] if len(faults) == len(images) else None

    def _render(self, messages: list[dict[str, Any]]) -> str:
        return str(
            self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        )


@dataclass(frozen=True, slots=True)
class PlainQuestion:
    """For models without a chat template, which answer the bare question (InstructBLIP, BLIP-2).

    ``frame`` is the form in which their authors asked, with ``{}`` for the question.
    """

    frame: str = "{}"

    def text(self, request: Request) -> str:
        """Return the question, below the system prompt if there is one.

        Raises:
            TargetError: there is no image, without which these models cannot be asked.
        """
        if request.image is None:
            raise TargetError(
                "this model answers questions about an image, and this pair has none",
                Cause.BAD_REQUEST,
            )
        if request.answer is not None or request.demonstrations:
            raise TargetError("this model holds no conversation", Cause.BAD_REQUEST)
        question = self.frame.format(request.prompt)
        return f"{request.system}\n{question}" if request.system else question


# https://huggingface.co/docs/transformers/model_doc/blip-2: the prompt of its question answering
PLAIN = {"instructblip": PlainQuestion(), "blip-2": PlainQuestion("Question: {} Answer:")}


def choose_prompting(
    source: str,
    model_type: str,
    processor: Any,  # noqa: ANN401 - transformers' processors share no type
    *,
    sees_images: bool,
) -> Prompting:
    """Choose how a checkpoint is spoken to.

    Args:
        source: the checkpoint, for messages.
        model_type: as its configuration names it.
        processor: holds its chat template.
        sees_images: whether it takes images.

    Raises:
        UsageError: it has no chat template and is no architecture that needs none, or its
            template is broken.
    """
    if getattr(processor, "chat_template", None) is None:
        if model_type in PLAIN:
            return PLAIN[model_type]
        raise UsageError(
            f"--model=local:{source}: it has no chat template, so nobody knows how it is to be "
            "asked; take the instruction-tuned checkpoint, or put a chat_template.jinja beside it"
        )
    template = ChatTemplate(processor, has_parts=sees_images)
    if fault := template.fault():
        raise UsageError(
            f"--model=local:{source}: no question can be put into its chat template ({fault}); "
            "mend its chat_template.jinja, or fetch it again"
        )
    return template


def require_place_for_system(source: str, prompting: Prompting, *, with_image: bool) -> None:
    """Check that a system prompt that is to be sent gets to the model.

    Args:
        source: the checkpoint, for messages.
        prompting: how it is spoken to.
        with_image: whether images will be sent as well.

    Raises:
        UsageError: it would not.
    """
    if isinstance(prompting, ChatTemplate) and not prompting.takes_system(with_image=with_image):
        beside = " beside an image" if with_image else ""
        raise UsageError(
            f"--vsc-system: the chat template of {source} has no place for a system prompt"
            f"{beside}, so the model would never see it; leave it out (where it is that of "
            "safety-prompt: --vsc-method-param place=user)"
        )


def require_conversation(source: str, prompting: Prompting) -> None:
    """Check that demonstrations that are to be sent get to the model.

    Raises:
        UsageError: it is asked one bare question.
    """
    if not isinstance(prompting, ChatTemplate):
        raise UsageError(
            f"--vsc-method: {source} is asked one question about one image and holds no "
            "conversation, so it cannot be shown demonstrations; choose another method or model"
        )


def messages_of(request: Request, *, has_parts: bool) -> list[dict[str, Any]]:
    """Return a request as the turns of a chat.

    Args:
        request: what is asked.
        has_parts: whether the content of a turn is a list of parts, or one text.
    """
    return [
        {"role": turn.role, "content": _content(turn) if has_parts else turn.text}
        for turn in chat_turns(request)
    ]


def _content(turn: ChatTurn) -> list[Mapping[str, str]]:
    image = [{"type": "image"}] if turn.image is not None else []
    return [*image, {"type": "text", "text": turn.text}]
