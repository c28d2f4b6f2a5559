"""Messages between this process and its senders: JSON behind its length, and what they hold."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vscbench.errors import DataError, TargetError, UsageError, VscbenchError
from vscbench.models.protocol import ModelFacts, ModelSpec, Price
from vscbench.records import Cause, Demonstration, Finish, Request, Response, Revision

LENGTH_BYTES = 4
Frame = dict[str, Any]


def encode_frame(frame: Mapping[str, object]) -> bytes:
    """Write one message."""
    body = json.dumps(frame, separators=(",", ":")).encode()
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Read one message; ``None`` once the other side is gone."""
    try:
        head = await reader.readexactly(LENGTH_BYTES)
        body = await reader.readexactly(int.from_bytes(head, "big"))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    frame: Frame = json.loads(body)
    return frame


def pack_request(request: Request) -> Frame:
    """Write a request as JSON can hold it."""
    shown = [{**asdict(each), "image": _text(each.image)} for each in request.demonstrations]
    revision = request.revision
    return {
        **asdict(request),
        "image": _text(request.image),
        "demonstrations": shown,
        "revision": revision and {**asdict(revision), "file": str(revision.file)},
    }


def unpack_request(said: Frame) -> Request:
    """Read what ``pack_request`` wrote."""
    shown = (Demonstration(**_with_path(each)) for each in said["demonstrations"])
    revision = said["revision"]
    return Request(
        **{
            **_with_path(said),
            "demonstrations": tuple(shown),
            "revision": revision and Revision(**{**revision, "file": Path(revision["file"])}),
        }
    )


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _with_path(said: Frame) -> Frame:
    return {**said, "image": Path(said["image"]) if said["image"] else None}


def pack_response(response: Response) -> Frame:
    """Write a response as JSON can hold it."""
    return asdict(response)


def unpack_response(said: Frame) -> Response:
    """Read what ``pack_response`` wrote."""
    return Response(**{**said, "finish": Finish(said["finish"])})


def pack_error(error: VscbenchError) -> Frame:
    """Write an error that is meant for a person, with its class."""
    frame: Frame = {"error": str(error), "class": type(error).__name__}
    if isinstance(error, TargetError):
        frame |= {"cause": error.cause, "retry_after_s": error.retry_after_s}
    return frame


def unpack_error(said: Frame) -> VscbenchError:
    """Read what ``pack_error`` wrote."""
    if "cause" in said:
        return TargetError(said["error"], Cause(said["cause"]), said["retry_after_s"])
    classes: Mapping[str, type[VscbenchError]] = {"DataError": DataError, "UsageError": UsageError}
    return classes.get(said["class"], VscbenchError)(said["error"])


def pack_spec(spec: ModelSpec) -> Frame:
    """Write how a model is to be opened."""
    return {**asdict(spec), "params": dict(spec.params)}


def unpack_spec(said: Frame) -> ModelSpec:
    """Read what ``pack_spec`` wrote."""
    return ModelSpec(**{**said, "block_words": tuple(said["block_words"])})


def pack_facts(facts: ModelFacts) -> Frame:
    """Write what a model says of itself."""
    return {
        "name": facts.name,
        "params": dict(facts.params),
        "default_concurrency": facts.default_concurrency,
        "identity": None if facts.identity is None else dict(facts.identity),
        "price": facts.price and [facts.price.input_per_token, facts.price.output_per_token],
    }


def unpack_facts(said: Frame) -> ModelFacts:
    """Read what ``pack_facts`` wrote."""
    price = said["price"]
    return ModelFacts(**{**said, "price": Price(*price) if price else None})
