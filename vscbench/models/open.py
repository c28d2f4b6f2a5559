"""From the name a person gives to the system under test."""

import difflib
from collections.abc import Mapping

from vscbench.errors import UsageError
from vscbench.models.names import NamedModel
from vscbench.models.protocol import Model, ModelSpec
from vscbench.models.sender_pool import HostedOpening

EMBEDDED = "embedded"
RECORDED = "recorded:"
PYTHON = "python:"
LOCAL = "local:"


def open_model(spec: ModelSpec, named: Mapping[str, NamedModel]) -> Model:
    """Open the system under test that ``spec.name`` names.

    Args:
        spec: the name and how to call it.
        named: the table of short names.

    Raises:
        UsageError: no such model, or it cannot be used as asked; nothing was sent.
        DataError: a file of recorded responses cannot be read.
    """
    hosted = hosted_opening(spec, named)
    if hosted is not None:
        from vscbench.models.litellm_model import open_litellm

        return open_litellm(spec, hosted.litellm_id, takes_images=hosted.takes_images)
    # Each kind of model brings libraries of its own: only the one that is asked for is imported.
    if spec.name == EMBEDDED:
        from vscbench.models.embedded.model import open_embedded

        return open_embedded(spec)
    if spec.name.startswith(RECORDED):
        from vscbench.models.recorded import open_recorded

        return open_recorded(spec, spec.name.removeprefix(RECORDED))
    from vscbench.models.python_callable import open_python

    return open_python(spec, spec.name.removeprefix(PYTHON))


def hosted_opening(spec: ModelSpec, named: Mapping[str, NamedModel]) -> HostedOpening | None:
    """Say how a model behind litellm is opened; ``None`` for a model of another kind.

    Raises:
        UsageError: no such model.
    """
    if spec.name == EMBEDDED or spec.name.startswith((RECORDED, PYTHON)):
        return None
    if spec.name.startswith(LOCAL):
        raise UsageError(_serve_it(spec.name, spec.name.removeprefix(LOCAL)))
    entry = named.get(spec.name)
    litellm_id = _litellm_id(entry, spec) if entry else _full_id(spec.name, named)
    return HostedOpening(spec, litellm_id, entry.images if entry else None)


def _litellm_id(entry: NamedModel, spec: ModelSpec) -> str:
    if entry.litellm is not None:
        return entry.litellm
    if spec.api_base is None:
        raise UsageError(_serve_it(entry.name, str(entry.hub)))
    return f"hosted_vllm/{entry.hub}"


def _serve_it(name: str, hub: str) -> str:
    return (
        f"--model={name}: open weights need a server in this version: start one (for instance "
        f"'vllm serve {hub}') and run again with --model=hosted_vllm/{hub} "
        "--vsc-api-base http://localhost:8000/v1"
    )


def _full_id(name: str, named: Mapping[str, NamedModel]) -> str:
    """Return what has the form of a litellm id; anything else is no name at all.

    Raises:
        UsageError: names what comes close.
    """
    if "/" in name:
        return name
    close = difflib.get_close_matches(name, [*named, EMBEDDED], n=3)
    hint = f"did you mean {', '.join(close)}? " if close else ""
    raise UsageError(
        f"--model={name}: no such name; {hint}'vscbench models' lists the short names, any "
        "litellm id works as PROVIDER/MODEL (openai/gpt-4o), and so do recorded:FILE, "
        "python:MODULE:CALLABLE and embedded"
    )
