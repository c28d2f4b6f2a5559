"""Any model that litellm reaches, as the system under test."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from vscbench.models.images import ImageLimits, limits_of, prepare_image
from vscbench.models.litellm_faults import without_frames
from vscbench.models.litellm_parameters import choose_parameters
from vscbench.models.litellm_raw import watched
from vscbench.models.litellm_reply import read_fault, read_reply
from vscbench.models.litellm_route import find_route, price_of, require_images
from vscbench.models.litellm_setup import close_litellm, load_litellm
from vscbench.models.protocol import Model, ModelSpec, ParamValue, Price
from vscbench.models.secrets import public_address
from vscbench.models.turns import ChatTurn, chat_turns
from vscbench.records import Request, Response

# What is read and encoded in less time than a thread costs, and seldom has to be changed.
SMALL_IMAGE_BYTES = 512 * 1024


def open_litellm(spec: ModelSpec, litellm_id: str, *, takes_images: bool | None = None) -> Model:
    """Open a model behind litellm; nothing is sent yet.

    Args:
        spec: the name the person gave, and how the model is to be called.
        litellm_id: ``PROVIDER/MODEL`` as litellm spells it.
        takes_images: what the table of names says of images; overrides litellm's own table.

    Raises:
        UsageError: the id, a parameter, an address or a key does not do; says what to write.
    """
    litellm = load_litellm()
    route = find_route(litellm, litellm_id, spec)
    require_images(route, spec, takes_images)
    chosen = choose_parameters(litellm, route, spec.params, spec.answer_schema)
    call: dict[str, Any] = {
        **chosen,
        "model": litellm_id,
        "timeout": spec.deadline_s,
        "num_retries": 0,
        "max_retries": 0,
    }
    shown = dict(chosen)
    if litellm_id != spec.name:
        shown["model"] = litellm_id
    if route.api_base:
        call["api_base"] = route.api_base
        shown["api_base"] = public_address(route.api_base)
    if route.api_key:
        call["api_key"] = route.api_key
    limits = limits_of(route.provider, route.model)
    # The name a person gave it changes no answer; how an image is prepared may.
    identity = {**shown, "model": litellm_id, "image_limits": limits.describe()}
    return LitellmModel(
        name=spec.name,
        params=MappingProxyType(shown),
        identity=MappingProxyType(identity),
        price=price_of(route, chosen),
        litellm=litellm,
        call=call,
        limits=limits,
        timeout_s=spec.deadline_s,
        block_words=spec.block_words,
    )


@dataclass(frozen=True, slots=True)
class LitellmModel:
    """A model behind litellm: asks once a request, and never retries by itself.

    ``name`` is the one the person gave; ``params`` are the parameters of every request, with the
    address where it is not the provider's own; ``call`` is what litellm is given of it.
    """

    name: str
    params: Mapping[str, ParamValue]
    identity: Mapping[str, object]
    price: Price | None
    litellm: ModuleType = field(repr=False)
    call: Mapping[str, Any] = field(repr=False)
    limits: ImageLimits
    timeout_s: float
    block_words: Sequence[str] = ()
    default_concurrency: int = 16

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: no answer came back; never a refusal, never an empty answer.
            DataError: the image cannot be sent.
        """
        turns = chat_turns(request)
        images = dict.fromkeys(turn.image for turn in turns if turn.image is not None)
        read = {each: await _read_image(each, self.limits) for each in images}
        response = await self._ask(messages_of(turns, {each: read[each][0] for each in read}))
        change = read[request.image][1] if request.image is not None else None
        cost = cost_of(response, self.price)
        return replace(response, image_change=change, cost_usd=cost)

    async def close(self) -> None:
        """Close litellm's connections; awaited on the loop that asked."""
        await close_litellm(self.litellm)

    async def _ask(self, messages: list[dict[str, object]]) -> Response:
        failed: Exception | None = None
        with watched() as wire:
            try:
                async with asyncio.timeout(self.timeout_s):
                    reply = await self.litellm.acompletion(messages=messages, **self.call)
            except Exception as fault:  # litellm, the clients below it and a provider's own library
                failed = without_frames(fault)
            # Outside of the handler: an error raised in there would hold on to litellm's.
            if failed is not None:
                return read_fault(failed, wire, self.timeout_s, self.block_words)
            return read_reply(reply, wire, self.block_words)


def cost_of(response: Response, price: Price | None) -> float | None:
    """Return what a response cost in US dollars: as litellm told, else from its tokens."""
    prompt, completion = response.prompt_tokens, response.completion_tokens
    if response.cost_usd is not None or price is None or (prompt, completion) == (None, None):
        return response.cost_usd
    return (prompt or 0) * price.input_per_token + (completion or 0) * price.output_per_token


def messages_of(turns: Sequence[ChatTurn], urls: Mapping[Path, str]) -> list[dict[str, object]]:
    """Return turns as messages in OpenAI's form, a turn's image before its text.

    Args:
        turns: of a request.
        urls: of each image, its content included.
    """
    return [{"role": turn.role, "content": _content(turn, urls)} for turn in turns]


def _content(turn: ChatTurn, urls: Mapping[Path, str]) -> object:
    if turn.image is None:
        return turn.text
    return [
        {"type": "image_url", "image_url": {"url": urls[turn.image]}},
        {"type": "text", "text": turn.text},
    ]


async def _read_image(path: Path, limits: ImageLimits) -> tuple[str, str | None]:
    """Read and encode an image: a small one here, one that may take long in a thread."""
    if not path.is_file() or path.stat().st_size <= SMALL_IMAGE_BYTES:
        return _data_url(path, limits)
    thread = ThreadPoolExecutor(1, thread_name_prefix="vscbench-image")
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, _data_url, path, limits)
    finally:
        thread.shutdown(wait=False)


def _data_url(path: Path, limits: ImageLimits) -> tuple[str, str | None]:
    image = prepare_image(path, limits)
    return f"data:{image.mime};base64,{base64.b64encode(image.data).decode('ascii')}", image.change
