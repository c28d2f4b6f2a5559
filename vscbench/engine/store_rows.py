"""Stored records as JSON and back; what does not read back exactly is refused, never guessed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final, TypeVar

from vscbench.engine.store import StoredRecord, StoredResponse, StoredVerdict
from vscbench.errors import StoreError
from vscbench.records import Finish, Kind, Response, Verdict

Read = TypeVar("Read")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
END_OF_TIME: Final = 253_402_300_800.0  # the year 10000

_TEXT: Final = (str,)
_COUNT: Final = (int,)
_NUMBER: Final = (int, float)
_TEXT_OR_NONE: Final = (str, NoneType)
_COUNT_OR_NONE: Final = (int, NoneType)
_NUMBER_OR_NONE: Final = (int, float, NoneType)

# The fields of each record and the types that JSON gives them, exactly: a boolean is no count.
Fields = Mapping[str, tuple[type, ...]]
STORED_RESPONSE: Final[Fields] = {
    "key": _TEXT,
    "pair_id": _TEXT,
    "epoch": _COUNT,
    "model": _TEXT,
    "response": (dict,),
    "latency_s": _NUMBER_OR_NONE,
    "created": _NUMBER,
}
RESPONSE: Final[Fields] = {
    "text": _TEXT,
    "finish": _TEXT,
    "reason": _TEXT_OR_NONE,
    "served_model": _TEXT_OR_NONE,
    "prompt_tokens": _COUNT_OR_NONE,
    "completion_tokens": _COUNT_OR_NONE,
    "cost_usd": _NUMBER_OR_NONE,
    "image_change": _TEXT_OR_NONE,
    "fingerprint": _TEXT_OR_NONE,
}
# Only where a provider gave reasoning beside the answer, or a calibration method set it apart.
REASONING: Final[Fields] = {"reasoning": _TEXT}
STORED_VERDICT: Final[Fields] = {
    "key": _TEXT,
    "response_key": _TEXT,
    "verdict": (dict,),
    "created": _NUMBER,
}
VERDICT: Final[Fields] = {
    "kind": _TEXT,
    "judge": _TEXT,
    "probability": _NUMBER_OR_NONE,
    "evidence": (list,),
}


def dump_record(record: StoredRecord) -> str | bytes:
    """Write a record as one JSON object, as it goes into a row."""
    if isinstance(record, StoredResponse):
        said = _said(record, STORED_RESPONSE)
        apart = {} if record.response.reasoning is None else REASONING
        said["response"] = _said(record.response, {**RESPONSE, **apart})
    else:
        said = _said(record, STORED_VERDICT)
        said["verdict"] = _said(record.verdict, VERDICT)
    return storable(_ENCODER.encode(said))


def read_response(said: object) -> StoredResponse:
    """Read what JSON holds of a stored response.

    Raises:
        ValueError: a field is missing, of another type or out of range; says which.
    """
    outer = _checked(said, STORED_RESPONSE)
    body = outer["response"]
    inner = _checked(body, {**RESPONSE, **(REASONING if "reasoning" in body else {})})
    inner["finish"] = Finish(inner["finish"])
    _check_moment(outer["created"])
    outer["response"] = Response(**inner)
    return StoredResponse(**outer)


def read_verdict(said: object) -> StoredVerdict:
    """Read what JSON holds of a stored verdict.

    Raises:
        ValueError: a field is missing, of another type or out of range; says which.
    """
    outer = _checked(said, STORED_VERDICT)
    inner = _checked(outer["verdict"], VERDICT)
    if not all(type(item) is str for item in inner["evidence"]):
        raise ValueError("evidence holds something that is no text")
    inner["kind"] = Kind(inner["kind"])
    inner["evidence"] = tuple(inner["evidence"])
    _check_moment(outer["created"])
    outer["verdict"] = Verdict(**inner)
    return StoredVerdict(**outer)


def read_row(place: str, body: Any, read: Callable[[object], Read]) -> Read:  # noqa: ANN401 - a cell
    """Read one row's body.

    Raises:
        StoreError: it cannot be read; ``place`` names it.
    """
    try:
        return read(json.loads(body))
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreError(
            f"{place} cannot be read ({error}); something else than vscbench changed it: use a "
            "copy of the store from before, or delete that row with sqlite3 and run the same "
            "command again"
        ) from error


def place_of(path: Path, table: str, number: object, key: object) -> str:
    """Name a row in a message; in a damaged file its key may be anything."""
    shown = key.decode("ascii", "replace") if isinstance(key, bytes) else key
    return f"{path}: row {number} of {table} (key {shown})"


def storable(text: str) -> str | bytes:
    """Return a text as SQLite takes it: lone surrogates are no UTF-8 and go in as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _said(record: object, fields: Fields) -> dict[str, Any]:
    return {name: getattr(record, name) for name in fields}


def _checked(said: object, fields: Fields) -> dict[str, Any]:
    if not isinstance(said, dict) or said.keys() != fields.keys():
        raise ValueError(f"expected the fields {', '.join(fields)}")
    for name, types in fields.items():
        if type(said[name]) not in types:
            raise ValueError(f"{name} is a {type(said[name]).__name__}")
    return said


def _check_moment(created: float) -> None:
    if not 0 <= created < END_OF_TIME:
        raise ValueError("created is no time")
