"""From the name a person gives to the system under test."""

import difflib
from collections.abc import Mapping

from vscbench.errors import UsageError
from vscbench.models.local.opening import LocalOpening
from vscbench.models.names import NamedModel
from vscbench.models.protocol import Model, ModelSpec
from vscbench.models.sender_pool import HostedOpening
from vscbench.models.served.opening import is_served, joined_opening

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
    if spec.name == EMBEDDED or spec.name.startswith((RECORDED, PYTHON, LOCAL)):
        return None
    if is_served(spec.name):
        return joined_opening(spec, named)
    entry = named.get(spec.name)
    litellm_id = _litellm_id(entry) if entry else _full_id(spec.name, named)
    return HostedOpening(spec, litellm_id, entry.images if entry else None)


def local_opening(spec: ModelSpec, named: Mapping[str, NamedModel]) -> LocalOpening | None:
    """Say how a model is opened whose weights are loaded here; ``None`` for another kind.

    A short name of open weights is served by oneself where there is an address, else loaded here.

    Raises:
        UsageError: an address was given, which such a model has not, or no source.
    """
    if spec.name.startswith(LOCAL):
        source = spec.name.removeprefix(LOCAL)
        if not source:
            raise UsageError("--model=local: says which folder or hub id: --model=local:PATH_OR_ID")
        if spec.api_base is not None:
            raise UsageError(
                f"--vsc-api-base: --model={spec.name} is loaded here and has no address; leave it "
                f"out, or name the served model: --model=hosted_vllm/{source}"
            )
        entry = named.get(source)
        return _of_hub(spec, entry) if entry and entry.hub else LocalOpening(spec, source)
    entry = named.get(spec.name)
    if entry is None or entry.litellm is not None or spec.api_base is not None:
        return None
    return _of_hub(spec, entry)


def _of_hub(spec: ModelSpec, entry: NamedModel) -> LocalOpening:
    return LocalOpening(spec, str(entry.hub), entry.base, entry.revision, entry.needs)


def _litellm_id(entry: NamedModel) -> str:
    return entry.litellm if entry.litellm is not None else f"hosted_vllm/{entry.hub}"


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
        "litellm id works as PROVIDER/MODEL (openai/gpt-4o), and so do local:PATH_OR_ID, "
        "vllm:PATH_OR_ID, sglang:PATH_OR_ID, recorded:FILE, python:MODULE:CALLABLE and embedded"
    )
