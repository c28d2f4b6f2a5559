"""From the name of a calibration method to the method."""

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, cast

from vscbench.errors import UsageError
from vscbench.methods.foreign import foreign, told
from vscbench.methods.protocol import Method, MethodSpec, ParamValue
from vscbench.methods.unchanged import Unchanged
from vscbench.records import NO_METHOD

GROUP: Final = "vscbench.methods"
Open = Callable[[MethodSpec], Method]
# Each is imported only where it is asked for.
_OURS: Final[Mapping[str, str]] = {
    "safety-prompt": "vscbench.methods.safety_prompt:open_safety_prompt",
    "few-shot": "vscbench.methods.few_shot:open_few_shot",
    "chain-of-thought": "vscbench.methods.chain_of_thought:open_chain_of_thought",
    "revision-layer": "vscbench.methods.revision:open_revision",
    "revision-head": "vscbench.methods.revision:open_revision",
    "revision-gated": "vscbench.methods.revision:open_revision",
}


def method_names() -> tuple[str, ...]:
    """List every method there is: none, ours, and those of installed packages."""
    others = {each.name for each in entry_points(group=GROUP)} - set(_OURS) - {NO_METHOD}
    return (NO_METHOD, *_OURS, *sorted(others))


def read_method(text: str, params: Mapping[str, ParamValue], base: Path) -> MethodSpec:
    """Read what a person named: ``NAME``, or ``NAME:FILE_OR_FOLDER``."""
    name, colon, source = text.partition(":")
    return MethodSpec(name.strip(), source.strip() if colon else None, params, base)


def open_method(spec: MethodSpec) -> Method:
    """Return the method that a person named.

    Raises:
        UsageError: no method has this name, or it cannot be used as asked.
        DataError: a file that it is made from cannot be read.
    """
    if spec.name == NO_METHOD:
        if spec.params or spec.source is not None:
            raise UsageError(f"--vsc-method {NO_METHOD} changes nothing, so it has no parameters")
        return Unchanged()
    if spec.name in _OURS:
        module, _, function = _OURS[spec.name].partition(":")
        return cast(Open, getattr(import_module(module), function))(spec)
    others = {each.name: each for each in entry_points(group=GROUP)}
    if spec.name in others:
        return _open_other(others[spec.name], spec)
    close = difflib.get_close_matches(spec.name, method_names(), n=2)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"--vsc-method {spec.name}: no such method; {hint}known: {', '.join(method_names())}"
    )


def _open_other(entry: EntryPoint, spec: MethodSpec) -> Method:
    """Open a method of an installed package."""
    with told(entry.value):
        method = cast(Open, entry.load())(spec)
    return foreign(method, entry.value)
