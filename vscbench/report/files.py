"""How a run's files reach the disk: whole or not at all, and safe to read line by line."""

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vscbench.errors import UsageError

# Legal in JSON, but some readers end a line at them, a terminal obeys them, UTF-8 forbids them:
# DEL and C1 controls, line and paragraph separators, bidirectional controls, lone surrogates.
_TROUBLESOME: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def to_json(value: object, indent: int | None = None) -> str:
    """Write a value as JSON that any reader takes: no NaN, and troublesome characters escaped.

    Text stays readable UTF-8. Without ``indent`` the result is one line, whatever a reader takes
    for the end of a line. A number that JSON does not have (NaN, infinity) becomes null.
    """
    text = json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return _TROUBLESOME.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def write_whole(path: Path, text: str) -> None:
    """Write a UTF-8 file so that a reader never sees a part of it; makes its folder.

    Raises:
        UsageError: the folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another folder with --vsc-report"
        ) from error


def replace_file(path: Path, text: str) -> None:
    """Put a UTF-8 file in place, in one step.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
