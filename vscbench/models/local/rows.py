"""One request made ready for a batch: its prompt as tokens, its image as numbers."""

import copy
import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vscbench.errors import TargetError, UsageError
from vscbench.models.images import read_rgb
from vscbench.models.local.collate import extended
from vscbench.models.local.parameters import LocalParameters
from vscbench.models.local.prompts import Prompting
from vscbench.models.turns import chat_turns
from vscbench.records import Cause, Request
from vscbench.visible import one_line

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from vscbench.models.local.pushes import GateProbe, Push, Pushes

SEED_BYTES = 8
LONGEST_REASON = 300
# The question as a Q-Former reads it, beside the prompt.
QUERY = "qformer_input_ids"
# Where processors keep them.
MARKERS = ("image_token", "video_token", "boi_token")


@dataclass(slots=True, eq=False)
class Row:
    """One request on its way through a batch.

    ``inputs`` are what the processor made of it, each tensor with a batch dimension of 1, on the
    CPU. ``length`` counts the prompt's tokens, those of the image included; ``limit`` is how many
    may be added. ``seed`` is this request's own, so that what is drawn for it does not depend on
    its neighbours. ``tokens`` are the answer so far. ``deadline`` is set when it starts. ``push``
    is what is added to its activations; where a gate decides on that, ``is_revised`` is what it
    said of the prompt.
    """

    inputs: Mapping[str, "Tensor"]
    length: int
    limit: int
    seed: int
    tokens: list[int] = field(default_factory=list)
    started: float = 0.0
    deadline: float = float("inf")
    push: "Push | None" = None
    is_revised: bool | None = None
    has_image: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_image = "pixel_values" in self.inputs

    @property
    def most_tokens(self) -> int:
        """How long it can become, prompt and answer."""
        return self.length + self.limit

    @property
    def bytes(self) -> int:
        """How much memory its prepared inputs take."""
        return sum(each.numel() * each.element_size() for each in self.inputs.values())

    @property
    def acting_push(self) -> "Push | None":
        """What is added to its activations as far as is decided; ``None`` for nothing."""
        if self.push is None or not self.push.added:
            return None
        return self.push if self.push.gate is None or self.is_revised else None

    @property
    def asked_gate(self) -> "GateProbe | None":
        """The gate that is still to say whether it is revised."""
        if self.push is None or not self.push.added or self.is_revised is not None:
            return None
        return self.push.gate

    def is_done(self, ends: frozenset[int]) -> bool:
        """Whether its answer is complete, or cannot go on."""
        last = self.tokens[-1]
        return last in ends or last < 0 or len(self.tokens) >= self.limit

    def let_image_go(self) -> None:
        """Free what was only needed for reading the prompt."""
        self.inputs = {"input_ids": self.inputs["input_ids"]}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a model reads; ``None`` where nothing says so.

    ``tokens`` is its context, prompt and answer together; ``query_tokens`` is for the question
    where a Q-Former reads it along with the image.
    """

    tokens: int | None = None
    query_tokens: int | None = None


class RowMaker:
    """Turns requests into rows; may be called from several threads."""

    def __init__(  # noqa: PLR0913 - what a checkpoint is asked with, described once
        self,
        processor: Any,  # noqa: ANN401 - transformers' processors share no type
        prompting: Prompting,
        parameters: LocalParameters,
        *,
        sees_images: bool,
        bounds: Bounds = Bounds(),
        pushes: "Pushes | None" = None,
    ) -> None:
        """Prepare.

        Args:
            processor: the checkpoint's.
            prompting: how the model is spoken to.
            parameters: say how long an answer may be, and the seed.
            sees_images: whether the processor takes images, or is a tokenizer.
            bounds: how much the model reads.
            pushes: reads what is added to activations; ``None`` where none can be.
        """
        self._processor = processor
        self.prompting = prompting
        self._parameters = parameters
        self._sees_images = sees_images
        self.bounds = bounds
        self._pushes = pushes
        self._markers = image_markers(processor)
        self._own = threading.local()

    def make(self, request: Request) -> Row:
        """Make a request ready.

        Raises:
            TargetError: it cannot be put to this model.
            DataError: its image cannot be read.
            UsageError: what it adds to the activations was not made for this model.
        """
        push = self._push(request)
        self._refuse_markers(request)
        text = self.prompting.text(request)
        images = [turn.image for turn in chat_turns(request) if turn.image is not None]
        if images and not self._sees_images:
            raise TargetError("a text-only model, and this pair has an image", Cause.BAD_REQUEST)
        inputs = self._process(text, [read_rgb(each) for each in images])
        length = int(inputs["input_ids"].shape[1])
        limit = self._limit(length)
        if QUERY in inputs:
            self._require_query(int(inputs[QUERY].shape[1]))
        return Row(inputs, length, limit, seed_of(request, self._parameters.seed), push=push)

    def make_answered(self, request: Request, answer: str) -> Row:
        """Make a request ready together with an answer to it, as tokens the model could have said.

        The row's length counts both. Its inputs are those that ``make`` gives, drawn out.

        Raises:
            TargetError: they cannot be put to this model.
            DataError: the request's image cannot be read.
            UsageError: what it adds to the activations was not made for this model.
        """
        row = self.make(request)
        tokens = self.answer_tokens(answer)
        row.inputs = extended(row.inputs, tokens)
        row.length += len(tokens)
        row.limit = self._limit(row.length)
        return row

    def answer_tokens(self, answer: str) -> list[int]:
        """Return the tokens of an answer by itself, without marks."""
        processor = self._processor_of_this_thread()
        tokenizer = getattr(processor, "tokenizer", processor)
        tokens: list[int] = tokenizer(answer, add_special_tokens=False)["input_ids"]
        return tokens

    def _push(self, request: Request) -> "Push | None":
        if request.revision is None:
            return None
        if self._pushes is None:
            raise UsageError(
                "--vsc-method: the activations of this model cannot be revised; choose a method "
                "that changes the request, such as safety-prompt"
            )
        return self._pushes.of(request.revision)

    def _process(self, text: str, images: "Sequence[Image]") -> Mapping[str, "Tensor"]:
        processor = self._processor_of_this_thread()
        tokenizer = getattr(processor, "tokenizer", processor)
        # A template that writes the first token itself must not get it twice.
        begin = getattr(tokenizer, "bos_token", None)
        has_begin = begin is not None and text.startswith(begin)
        adds = self._sees_images and not has_begin
        given = {"images": [images]} if len(images) > 1 else {"images": images} if images else {}
        try:
            made = processor(text=[text], **given, add_special_tokens=adds, return_tensors="pt")
        except Exception as error:  # each processor raises what it likes
            said = f"{type(error).__name__}: {one_line(str(error), LONGEST_REASON)}"
            raise TargetError(f"its processor refuses: {said}", Cause.BAD_REQUEST) from None
        return dict(made)

    def _refuse_markers(self, request: Request) -> None:
        """Refuse text that the model would take for an image: there is none in its place."""
        for turn in chat_turns(request):
            for marker in self._markers:
                if marker in turn.text:
                    raise TargetError(
                        f"the text holds {marker}, which this model reads as an image",
                        Cause.BAD_REQUEST,
                    )

    def _processor_of_this_thread(self) -> Any:  # noqa: ANN401 - as above
        """Return a copy that no other thread uses: a tokenizer at work cannot be shared."""
        if not hasattr(self._own, "processor"):
            self._own.processor = copy.deepcopy(self._processor)
        return self._own.processor

    def _limit(self, length: int) -> int:
        limit = self._parameters.max_tokens
        most = self.bounds.tokens
        if most is None:
            return limit
        if length >= most:
            raise _too_long(length, most)
        return min(limit, most - length)

    def _require_query(self, length: int) -> None:
        most = self.bounds.query_tokens
        if most is not None and length > most:
            raise _too_long(length, most)


def _too_long(length: int, most: int) -> TargetError:
    return TargetError(
        f"the prompt has {length} tokens, and the model reads {most} at most", Cause.BAD_REQUEST
    )


def image_markers(processor: Any) -> frozenset[str]:  # noqa: ANN401 - as above
    """Return the words of a prompt in whose place a processor puts images or videos."""
    parts = (processor, getattr(processor, "tokenizer", None))
    found = (getattr(part, name, None) for part in parts for name in MARKERS)
    return frozenset(str(each) for each in found if each)


def seed_of(request: Request, seed: int) -> int:
    """Return the seed of one request: another for each pair and each epoch."""
    named = f"{seed} {request.pair_id} {request.epoch}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:SEED_BYTES], "big")
