"""Any model that litellm reaches, as the system under test."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from vscbench.errors import TargetError
from vscbench.models.images import ImageLimits, limits_of, prepare_image
from vscbench.models.litellm_faults import block_reason, describe_fault, is_timeout
from vscbench.models.litellm_parameters import choose_parameters
from vscbench.models.litellm_reply import read_reply
from vscbench.models.litellm_route import find_route, require_images
from vscbench.models.litellm_setup import close_litellm, load_litellm
from vscbench.models.protocol import Model, ModelSpec, ParamValue
from vscbench.models.secrets import public_address
from vscbench.records import Finish, Request, Response


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
    chosen = choose_parameters(litellm, route, spec.params)
    call: dict[str, Any] = {
        **chosen,
        "model": litellm_id,
        "timeout": spec.timeout_s,
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
    params = MappingProxyType(shown)
    return LitellmModel(spec.name, params, litellm, call, limits, spec.timeout_s)


@dataclass(frozen=True, slots=True)
class LitellmModel:
    """A model behind litellm: asks once a request, and never retries by itself.

    ``name`` is the one the person gave; ``params`` are the parameters of every request, with the
    address where it is not the provider's own; ``call`` is what litellm is given of it.
    """

    name: str
    params: Mapping[str, ParamValue]
    litellm: ModuleType = field(repr=False)
    call: Mapping[str, Any] = field(repr=False)
    limits: ImageLimits
    timeout_s: float
    default_concurrency: int = 16

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: no answer came back; never a refusal, never an empty answer.
            DataError: the image cannot be sent.
        """
        url, change = None, None
        if request.image is not None:
            url, change = await asyncio.to_thread(_data_url, request.image, self.limits)
        try:
            async with asyncio.timeout(self.timeout_s):
                reply = await self.litellm.acompletion(
                    messages=messages_of(request, url), **self.call
                )
        except Exception as fault:  # litellm, the clients below it and a provider's own library
            return self._blocked_or_raise(fault, change)
        return read_reply(reply, change)

    async def close(self) -> None:
        """Close litellm's connections; awaited on the loop that asked."""
        await close_litellm(self.litellm)

    def _blocked_or_raise(self, fault: Exception, image_change: str | None) -> Response:
        reason = block_reason(fault)
        if reason is not None:
            return Response("", Finish.BLOCKED, reason=reason, image_change=image_change)
        if is_timeout(fault):
            raise TargetError(f"no answer within {self.timeout_s:g} s") from None
        raise TargetError(describe_fault(fault)) from None


def messages_of(request: Request, image_url: str | None) -> list[dict[str, object]]:
    """Return a request's messages in OpenAI's form, the image before the text."""
    messages: list[dict[str, object]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    content: object = request.prompt
    if image_url is not None:
        content = [
            {"type": "image_url", "image_url": {"url": image_url}},
            {"type": "text", "text": request.prompt},
        ]
    return [*messages, {"role": "user", "content": content}]


def _data_url(path: Path, limits: ImageLimits) -> tuple[str, str | None]:
    image = prepare_image(path, limits)
    return f"data:{image.mime};base64,{base64.b64encode(image.data).decode('ascii')}", image.change
