"""A request as the turns of a conversation: one order for every model, whatever carries it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vscbench.records import Request

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """What one side says, beside an image or without one."""

    role: Role
    text: str
    image: Path | None = None


def chat_turns(request: Request) -> list[ChatTurn]:
    """Return the turns of a request: system, demonstrations, prompt, and what was answered to it.

    A turn's image comes before its text.
    """
    turns = [] if request.system is None else [ChatTurn("system", request.system)]
    for shown in request.demonstrations:
        turns.append(ChatTurn("user", shown.prompt, shown.image))
        turns.append(ChatTurn("assistant", shown.answer))
    turns.append(ChatTurn("user", request.prompt, request.image))
    if request.answer is not None:
        turns.append(ChatTurn("assistant", request.answer))
    return turns
