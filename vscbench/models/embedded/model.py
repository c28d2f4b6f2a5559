"""The embedded model: what is read in an image goes to a small language model with the question."""

import asyncio
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from vscbench.errors import TargetError, UsageError
from vscbench.models.cores import usable_cores
from vscbench.models.embedded import prompt
from vscbench.models.embedded.language import CONTEXT_TOKENS, LanguageModel
from vscbench.models.embedded.reader import Reader
from vscbench.models.embedded.weights import FILE_SHA256, cache_folder, weights_file
from vscbench.models.protocol import ModelSpec, ParamValue, Price
from vscbench.models.turns import ChatTurn, chat_turns
from vscbench.records import Request, Response

NAME = "embedded (rapidocr reader + SmolLM2-135M-Instruct; not a VLM)"
DEFAULT_MAX_TOKENS = 64

_MOST_LANES = 4
_PACKAGES = ("onnxruntime", "rapidocr", "xllamacpp")


@dataclass(frozen=True, slots=True)
class Lane:
    """A reader and a language model that serve one request at a time, on one thread.

    ``known`` is what was read in the images of demonstrations, which every request shows again.
    """

    reader: Reader
    language: LanguageModel
    known: dict[Path, str] = field(default_factory=dict)

    def respond(self, request: Request, max_tokens: int) -> Response:
        """Read the image, if there is one, and answer; blocks.

        Raises:
            TargetError: the image cannot be read, or the language model failed.
        """
        shown = {each.image for each in request.demonstrations if each.image is not None}
        for image in shown - self.known.keys():
            self.known[image] = self.reader.read(image)

        def read(image: Path) -> str:
            return self.known[image] if image in shown else self.reader.read(image)

        return self.language.answer(prompt.messages(chat_turns(request), read), max_tokens)


class EmbeddedModel:
    """Lanes that work side by side, one a core; see `vscbench.models.protocol.Model`."""

    def __init__(
        self, lanes: list[Lane], max_tokens: int, timeout_s: float, versions: Mapping[str, str]
    ) -> None:
        self.name = NAME
        self.params = _recorded_params(max_tokens, versions)
        self.identity = {"model": NAME, **self.params}
        self.price = Price(0.0, 0.0)
        # No more than can be served: waiting for a lane would count as the answer's latency.
        self.default_concurrency = len(lanes)
        self._max_tokens = max_tokens
        self._timeout_s = timeout_s
        self._workers = ThreadPoolExecutor(len(lanes), thread_name_prefix="vscbench-embedded")
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        for lane in lanes:
            self._free.put_nowait(lane)

    async def respond(self, request: Request) -> Response:
        """Answer on the next free lane; the deadline runs from when a lane is free.

        A computation that has begun cannot be interrupted: past the deadline its lane stays
        taken until it ends, which ``max_tokens`` bounds.

        Raises:
            TargetError: the image cannot be read, the language model failed, or the deadline
                passed.
        """
        lane = await self._free.get()
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(self._workers, lane.respond, request, self._max_tokens)
        answer.add_done_callback(lambda done: self._release(lane, done))
        try:
            return await asyncio.wait_for(asyncio.shield(answer), self._timeout_s)
        except TimeoutError:
            message = f"no answer from the embedded model within {self._timeout_s:g} s"
            raise TargetError(message) from None

    async def close(self) -> None:
        """Wait for what is being computed and stop the threads."""
        await asyncio.to_thread(self._workers.shutdown, cancel_futures=True)

    def _release(self, lane: Lane, done: asyncio.Future[Response]) -> None:
        self._free.put_nowait(lane)
        if not done.cancelled():
            # Nobody else looks at the error of an answer that came after its deadline.
            done.exception()


def open_embedded(spec: ModelSpec) -> EmbeddedModel:
    """Open the embedded model, fetching its weights at first use.

    Args:
        spec: its only parameter is ``max_tokens`` (default 64); it has no address.

    Raises:
        UsageError: an option it does not take, its packages are not installed, or its weights
            cannot be had.
    """
    max_tokens = _max_tokens(spec.params)
    if spec.api_base is not None:
        raise UsageError("--vsc-api-base: --model=embedded runs in this process; leave it out")
    try:
        # First of all, so that nothing is fetched for packages that are not there.
        versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
        file = weights_file(cache_folder())
        lanes = [Lane(Reader(), LanguageModel(file)) for _ in range(_lane_count())]
    except ImportError as error:
        raise UsageError(
            f"--model=embedded needs packages that are not installed here ({error}): "
            "pip install 'vscbench[embedded]'"
        ) from error
    return EmbeddedModel(lanes, max_tokens, spec.deadline_s, versions)


def _max_tokens(params: Mapping[str, ParamValue]) -> int:
    unknown = sorted(set(params) - {"max_tokens"})
    if unknown:
        raise UsageError(
            f"--vsc-param {unknown[0]}: --model=embedded knows only max_tokens (1 to "
            f"{CONTEXT_TOKENS}); it is greedy, so it has neither temperature nor seed"
        )
    value = params.get("max_tokens", DEFAULT_MAX_TOKENS)
    if type(value) is not int or not 1 <= value <= CONTEXT_TOKENS:
        raise UsageError(
            f"--vsc-param max_tokens={value}: --model=embedded takes a whole number from 1 to "
            f"{CONTEXT_TOKENS}"
        )
    return value


def _recorded_params(max_tokens: int, versions: Mapping[str, str]) -> Mapping[str, ParamValue]:
    """Everything that an answer depends on besides the request."""
    turn = ChatTurn("user", "", Path())
    wording = json.dumps(prompt.messages([turn], lambda image: "")).encode()
    return {
        "max_tokens": max_tokens,
        "temperature": 0.0,
        "prompt_sha256": hashlib.sha256(wording).hexdigest()[:12],
        "weights_sha256": FILE_SHA256[:12],
        **versions,
    }


def _lane_count() -> int:
    return min(usable_cores(), _MOST_LANES)
