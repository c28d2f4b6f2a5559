"""What a person says of the judge: its name, and how the models behind it are to be called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vscbench.models.protocol import ParamValue


class Sight(StrEnum):
    """What a judge may be shown beside the text."""

    IMAGE = "image"


class Ties(StrEnum):
    """What becomes of a panel's tie."""

    ERROR = "error"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """How a person named the judge, and how it is to be called.

    ``name`` is ``keywords``, ``classifier``, ``rubric``, ``rubric:MODEL``, ``guard:MODEL`` or
    ``panel:A,B,C``. ``model`` is the LLM behind a plain ``rubric``; ``api_base`` and ``params`` go
    to every model behind the judge. ``sees_image`` gives it the pair's image. ``timeout_s`` is the
    deadline of one request in seconds, where one was set; ``needs_key`` is false where nothing
    will be sent. ``block_words`` are those by which the project knows a block of the provider's.
    """

    name: str
    model: str | None = None
    api_base: str | None = None
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    sees_image: bool = False
    ties: Ties = Ties.ERROR
    timeout_s: float | None = None
    needs_key: bool = True
    block_words: tuple[str, ...] = ()
