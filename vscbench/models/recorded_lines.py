"""Recorded responses as JSON Lines: a person's own, or the ``outcomes.jsonl`` of a run."""

from pathlib import Path
from typing import Final

from vscbench.errors import DataError
from vscbench.jsonlines import Line, read_json_lines
from vscbench.models.recording import Recording
from vscbench.records import Finish, Kind, Response

# These kinds are no judge's: they say how the response ended, so they stay as recorded.
_FINISHES: Final = {
    Kind.BLOCKED: Finish.BLOCKED,
    Kind.EMPTY: Finish.STOP,
    Kind.TRUNCATED: Finish.LENGTH,
    Kind.NO_FINAL_ANSWER: Finish.STOP,
}


def read_recorded_lines(path: Path) -> list[Recording]:
    """Read recorded responses from a JSON Lines file, one case a line.

    A line holds ``pair_id``, ``response`` (a text; ``null`` for none) and, where known,
    ``epoch`` (from 1), ``kind``, ``truncated``, ``served_model`` and ``error``; other fields are
    passed over. The kinds ``blocked``, ``empty``, ``truncated`` and ``target-error`` are kept;
    a judged kind is not, since the judge of this run judges anew.

    Raises:
        DataError: a file or line that cannot be used, named with its place and the mend.
    """
    return [_recording(f"{path}, line {line.number}", line) for line in read_json_lines(path)]


def _recording(place: str, line: Line) -> Recording:
    pair_id = _text(place, line, "pair_id")
    if not pair_id:
        raise DataError(f"{place}: no pair_id; every line must name the pair it answers")
    kind = _kind(place, line)
    error = _text(place, line, "error")
    if kind is Kind.TARGET_ERROR:
        return Recording(pair_id, _epoch(place, line), place, None, error)
    return Recording(pair_id, _epoch(place, line), place, _response(place, line, kind, error))


def _response(place: str, line: Line, kind: Kind | None, error: str | None) -> Response | None:
    served_model = _text(place, line, "served_model")
    reasoning = _text(place, line, "reasoning")
    if kind is Kind.NO_FINAL_ANSWER:
        reasoning = reasoning or ""
    text = _text(place, line, "response")
    if kind in _FINISHES:
        reason = error if kind is Kind.BLOCKED else None
        cut = kind is Kind.NO_FINAL_ANSWER and _truncated(place, line)
        finish = Finish.LENGTH if cut else _FINISHES[kind]
        return Response(
            text or "", finish, reason=reason, served_model=served_model, reasoning=reasoning
        )
    if kind is None and "response" not in line.fields:
        raise DataError(f'{place}: no "response"; write null where there was none')
    if text is None:
        return None
    finish = Finish.LENGTH if _truncated(place, line) else Finish.STOP
    return Response(text, finish, served_model=served_model, reasoning=reasoning)


def _text(place: str, line: Line, field: str) -> str | None:
    value = line.fields.get(field)
    if value is None or isinstance(value, str):
        return value
    raise DataError(f"{place}: {field} must be a text, found {value!r:.40}; put it in quotes")


def _epoch(place: str, line: Line) -> int:
    value = line.fields.get("epoch", 1)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise DataError(f"{place}: epoch must be a whole number from 1, found {value!r:.40}")


def _kind(place: str, line: Line) -> Kind | None:
    value = _text(place, line, "kind")
    if value is None or value in list(Kind):
        return None if value is None else Kind(value)
    raise DataError(
        f"{place}: unknown kind {value!r:.40}; leave it out, or use one of {', '.join(Kind)}"
    )


def _truncated(place: str, line: Line) -> bool:
    value = line.fields.get("truncated")
    if value is None or isinstance(value, bool):
        return bool(value)
    raise DataError(f"{place}: truncated must be true or false, found {value!r:.40}")
