"""A checkpoint as a model that answers, in the process that holds its weights."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from vscbench.errors import TargetError, UsageError
from vscbench.models.cores import usable_cores
from vscbench.models.local.checkpoint import Checkpoint, Sight, find_checkpoint
from vscbench.models.local.choosing import NO_NUMBER
from vscbench.models.local.decoding import decoded
from vscbench.models.local.digest import checkpoint_sha256
from vscbench.models.local.facts import Opened, identity_of, recorded_params
from vscbench.models.local.loading import choose_machine, load_config
from vscbench.models.local.opening import LocalOpening
from vscbench.models.local.parameters import read_local_parameters
from vscbench.models.local.processors import load_processor
from vscbench.models.local.prompts import (
    Prompting,
    choose_prompting,
    require_conversation,
    require_place_for_system,
)
from vscbench.models.local.pushes import Pushes
from vscbench.models.local.ready import load_ready
from vscbench.models.local.rows import Bounds, RowMaker
from vscbench.models.local.scheduler import Ready, Scheduler
from vscbench.models.local.tasks import Answer
from vscbench.models.protocol import ModelSpec, ParamValue, Price
from vscbench.records import Cause, Finish, Request, Response

# How many requests the run keeps here: batches are chosen from what is known.
IN_HAND = 1024
MOST_PREPARERS = 8


class LocalModel:
    """Answers from weights that are loaded here; see `vscbench.models.protocol.Model`."""

    def __init__(self, opened: Opened, maker: RowMaker, load: Callable[[], Ready]) -> None:
        """Prepare; the weights are loaded when something is asked.

        Args:
            opened: the checkpoint.
            maker: prepares its requests.
            load: gives its weights, ready to generate; raises a ``UsageError`` if it cannot.
        """
        self.opened = opened
        self.maker = maker
        self.name = opened.spec.name
        self.params: Mapping[str, ParamValue] = MappingProxyType(recorded_params(opened))
        self.identity: Mapping[str, object] = MappingProxyType(identity_of(opened))
        self.default_concurrency = IN_HAND
        self.price = Price(0.0, 0.0)
        self._scheduler = Scheduler(
            maker.make,
            load,
            min(usable_cores(), MOST_PREPARERS),
            # What a row takes depends on how many there are beside it: no bound unless asked for.
            math.inf if opened.spec.timeout_s is None else opened.spec.timeout_s,
        )

    async def respond(self, request: Request) -> Response:
        """Answer as soon as there is room for it in a batch.

        Raises:
            TargetError: this request cannot be put to the model, or took longer than its deadline
                from the moment it was taken up.
            DataError: its image cannot be read.
            VscbenchError: the weights cannot be loaded, or the engine failed.
        """
        answer = await asyncio.wrap_future(self._scheduler.submit(request))
        return self._response(answer)

    @property
    def notes(self) -> Sequence[str]:
        """Remarks for the person, about what makes it slower than it might be."""
        return (*self.opened.machine.notes, *self._scheduler.notes)

    async def close(self) -> None:
        """Nothing to release that does not end with the process."""

    def _response(self, answer: Answer) -> Response:
        tokens = answer.row.tokens
        if tokens and tokens[-1] == NO_NUMBER:
            raise TargetError(_no_numbers(self.opened.machine.dtype), Cause.OTHER)
        if not answer.ended and len(tokens) < answer.row.limit:
            raise TargetError(f"no answer within {self.opened.spec.timeout_s} s")
        words = tokens[:-1] if answer.ended else tokens
        text = decoded(self.opened.tokenizer, words)
        return Response(
            text=text.strip(),
            finish=Finish.STOP if answer.ended else Finish.LENGTH,
            served_model=self.opened.version,
            prompt_tokens=answer.row.length,
            completion_tokens=len(tokens),
            cost_usd=0.0,
            latency_s=answer.latency_s,
        )


def _no_numbers(dtype: str) -> str:
    wider = "" if dtype == "float32" else f" ({dtype} may be too narrow: --vsc-param dtype=float32)"
    return f"the model computed something that is not a number{wider}"


def open_checkpoint(opening: LocalOpening) -> LocalModel:
    """Check everything that can be checked without loading the weights.

    Raises:
        UsageError: the checkpoint, or a parameter, cannot be used.
    """
    opened, maker = check_checkpoint(opening)
    return LocalModel(opened, maker, partial(load_ready, opened))


def check_checkpoint(opening: LocalOpening) -> tuple[Opened, RowMaker]:
    """Do the checking; return what is known of the checkpoint, and what makes requests ready.

    Raises:
        UsageError: the checkpoint, or a parameter, cannot be used.
    """
    spec = opening.spec
    parameters = read_local_parameters(spec.params)
    checkpoint = find_checkpoint(opening.source, opening.base, opening.revision, parameters)
    require_sight(checkpoint, spec)
    machine = choose_machine(parameters)
    config = load_config(checkpoint, parameters)
    processor = load_processor(checkpoint, parameters, opening.needs)
    sees_images = checkpoint.sight is Sight.IMAGES
    prompting = choose_prompting(
        checkpoint.source,
        config.model_type,
        processor,
        sees_images=sees_images,
    )
    require_turns(checkpoint, prompting, spec)
    digest = checkpoint_sha256(checkpoint.parts)
    opened = Opened(spec, parameters, checkpoint, machine, processor, digest)
    maker = RowMaker(
        processor,
        prompting,
        parameters,
        sees_images=sees_images,
        bounds=bounds_of(config),
        pushes=Pushes(config),
    )
    return opened, maker


def require_asked(model: LocalModel, spec: ModelSpec) -> None:
    """Check that a model that is open already can be asked what a spec says as well.

    Raises:
        UsageError: it cannot.
    """
    require_sight(model.opened.checkpoint, spec)
    require_turns(model.opened.checkpoint, model.maker.prompting, spec)


def require_turns(checkpoint: Checkpoint, prompting: Prompting, spec: ModelSpec) -> None:
    """Check that a system prompt and demonstrations get to the model, where they will be sent.

    Raises:
        UsageError: they would not.
    """
    if spec.sends_system:
        require_place_for_system(checkpoint.source, prompting, with_image=spec.sends_images)
    if spec.sends_demonstrations:
        require_conversation(checkpoint.source, prompting)


def require_sight(checkpoint: Checkpoint, spec: ModelSpec) -> None:
    """Check that a model that is to be sent images takes them.

    Raises:
        UsageError: it takes text only; names the ways out.
    """
    if spec.sends_images and checkpoint.sight is Sight.TEXT:
        raise UsageError(
            f"--model={spec.name}: {checkpoint.source} is a text-only model, and the selected "
            "pairs have images. Select pairs without one ('--vsc-variant text'), or take a model "
            "that sees"
        )


def bounds_of(config: Any) -> Bounds:  # noqa: ANN401 - any of transformers' configurations
    """Return how much a model reads, its Q-Former included, if it has one."""
    return Bounds(context_of(config), _positions(getattr(config, "qformer_config", None)))


def context_of(config: Any) -> int | None:  # noqa: ANN401 - as above
    """Return how many tokens a model reads at most, where its configuration says so."""
    return _positions(config.get_text_config(decoder=True))


def _positions(config: object) -> int | None:
    most = getattr(config, "max_position_embeddings", None)
    return most if isinstance(most, int) else None
