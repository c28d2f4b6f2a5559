"""Addresses of stored things: a digest over everything that can change them, and nothing else."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from vscbench.records import Demonstration, Request, Revision

KEY_SCHEMA = 1


def response_key(
    identity: Mapping[str, object],
    request: Request,
    image_sha256: str | None,
    demonstrated_sha256: Sequence[str | None] = (),
) -> str:
    """Return the address of the response to one request, as the hex digits of a SHA-256.

    The pair's id is no part of it: two pairs with the same content are one request. Nor is the
    image's place, only its bytes.

    Args:
        identity: everything of the model that can change a response, as JSON would hold it.
        request: what is asked, and in which epoch.
        image_sha256: the digest of the image file's bytes, or ``None`` without an image; behind
            it, how the picture that is sent differs from them where it once did not.
        demonstrated_sha256: the same of each demonstration's image.
    """
    return _digest(
        "response",
        {
            "identity": identity,
            "method": request.method,
            "epoch": request.epoch,
            "system": request.system,
            "prompt": request.prompt,
            "image": image_sha256,
            **_demonstrated(request.demonstrations, demonstrated_sha256),
            **_revised(request.revision),
        },
    )


def verdict_key(
    judge_identity: Mapping[str, object],
    query: str,
    response_text: str,
    image_sha256: str | None = None,
) -> str:
    """Return the address of a judge's verdict on one response to one query.

    ``image_sha256`` is the digest of the image that the judge was given, if it was given one.
    """
    content = {"judge": judge_identity, "query": query, "response": response_text}
    seen = {} if image_sha256 is None else {"image": image_sha256}
    return _digest("verdict", {**content, **seen})


def opening_key(content: Mapping[str, object]) -> str:
    """Return the address of what a model says of itself when it is opened in one way."""
    return _digest("opening", {"content": content})


def _demonstrated(
    shown: Sequence[Demonstration], images: Sequence[str | None]
) -> dict[str, object]:
    """Return nothing where there is nothing, so that addresses of plain requests stay."""
    turns = [[each.prompt, image, each.answer] for each, image in zip(shown, images, strict=True)]
    return {"demonstrations": turns} if turns else {}


def _revised(revision: Revision | None) -> dict[str, object]:
    if revision is None:
        return {}
    return {"revision": [revision.sha256, revision.alpha, revision.threshold]}


def _digest(domain: str, content: Mapping[str, object]) -> str:
    tagged = {"schema": KEY_SCHEMA, "domain": domain, **content}
    # ASCII: whatever characters a text holds, and on whatever machine, the bytes are the same.
    text = json.dumps(tagged, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: object) -> object:
    """Let read-only mappings pass; anything else that JSON has no word for is a defect."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r:.80} cannot be part of an address: JSON has no word for it")
