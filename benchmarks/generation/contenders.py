"""Three ways to answer the same requests in this process: one by one, fixed batches, and ours."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from benchmarks.generation.counting import CountingChooser, Steps
from benchmarks.generation.llava import Llava
from benchmarks.generation.work import Work
from vscbench.models.cores import usable_cores
from vscbench.models.local.choosing import TokenChooser
from vscbench.models.local.generation import Generator
from vscbench.models.local.memory import free_what_was_used, tokens_that_fit
from vscbench.models.local.model import MOST_PREPARERS
from vscbench.models.local.parameters import DEFAULT_MAX_TOKENS, LocalParameters
from vscbench.models.local.prompts import ChatTemplate
from vscbench.models.local.ready import COPIES, MOST_ROWS_CPU, MOST_ROWS_GPU
from vscbench.models.local.rows import Row, RowMaker
from vscbench.models.local.scheduler import Ready, Scheduler
from vscbench.records import Request

Answers = list[list[int]]


def one_by_one(llava: Llava, work: Work) -> Answers:
    """Answer one request at a time with ``generate``, as the paper's scripts do."""
    return [answer for each in work.requests for answer in _generate(llava, work, [each])]


def in_file_order(llava: Llava, work: Work, rows: int) -> Answers:
    """Answer so many requests at a time with ``generate``, in the order of the file."""
    parts = [work.requests[start : start + rows] for start in range(0, len(work.requests), rows)]
    return [answer for part in parts for answer in _generate(llava, work, part)]


def ours(llava: Llava, work: Work) -> tuple[Answers, Steps]:
    """Hand all requests to our engine at once; also return the steps that it took."""
    chooser = CountingChooser(TokenChooser())
    generator = _generator(llava, chooser)
    scheduler = Scheduler(
        _row_maker(llava, work),
        lambda: Ready(generator, tokens_that_fit(llava.model) // COPIES),
        min(usable_cores(), MOST_PREPARERS),
        math.inf,
    )
    waiting = [scheduler.submit(request) for request in work.requests]
    answers = [each.result().row.tokens for each in waiting]
    # The engine keeps its memory for more; here others need it.
    free_what_was_used()
    return answers, chooser.steps


def _row_maker(llava: Llava, work: Work) -> Callable[[Request], Row]:
    """Make rows as the engine does, with the lengths of answers that were drawn for them."""
    template = ChatTemplate(llava.processor, has_parts=True)
    maker = RowMaker(llava.processor, template, LocalParameters(), sees_images=True)

    def make(request: Request) -> Row:
        row = maker.make(request)
        return EndingRow(row.inputs, row.length, work.limit(request), row.seed)

    return make


class EndingRow(Row):
    """A row that ends where it was drawn to end, which nobody knows before."""

    __slots__ = ()

    @property
    def most_tokens(self) -> int:
        """How long it can become for all that is known."""
        return self.length + DEFAULT_MAX_TOKENS


def _generator(llava: Llava, chooser: CountingChooser) -> Generator:
    """Generate as `vscbench.models.local.ready` does; no token ends an answer."""
    is_cpu = llava.model.device.type == "cpu"
    return Generator(
        llava.model,
        chooser,
        ends=frozenset(),
        pad_token=llava.processor.tokenizer.pad_token_id,
        most_rows=MOST_ROWS_CPU if is_cpu else MOST_ROWS_GPU,
    )


@torch.inference_mode()
def _generate(llava: Llava, work: Work, requests: Sequence[Request]) -> Answers:
    template = ChatTemplate(llava.processor, has_parts=True)
    inputs = llava.processor(
        text=[template.text(request) for request in requests],
        images=_images(requests) or None,
        padding=True,
        return_tensors="pt",
    ).to(llava.model.device, llava.model.dtype)
    limits = [work.limit(request) for request in requests]
    made: Any = llava.model.generate(**inputs, do_sample=False, max_new_tokens=max(limits))
    new = made[:, inputs["input_ids"].shape[1] :].tolist()
    return [answer[:limit] for answer, limit in zip(new, limits, strict=True)]


def _images(requests: Sequence[Request]) -> list[Image.Image]:
    images = []
    for request in requests:
        if request.image is not None:
            with Image.open(request.image) as image:
                images.append(image.convert("RGB"))
    return images
