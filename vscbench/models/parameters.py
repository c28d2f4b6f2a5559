"""A model's parameters, as a person writes them: KEY=VALUE."""

import json

from vscbench.errors import UsageError
from vscbench.models.protocol import ParamValue


def read_parameter(option: str, text: str) -> tuple[str, ParamValue]:
    """Read one KEY=VALUE: a number, a boolean, null or JSON as such, anything else as text.

    Raises:
        UsageError: it has not that form; ``option`` is what the person wrote it behind.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{option} {text}: expected KEY=VALUE")
    return key.strip(), _value(value)


def _value(text: str) -> ParamValue:
    try:
        value: ParamValue = json.loads(text)
    except ValueError:
        return text
    return value
