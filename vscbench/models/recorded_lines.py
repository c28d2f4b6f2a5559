"""Recorded responses as JSON Lines: a person's own, or the ``outcomes.jsonl`` of a run."""

from pathlib import Path
from typing import Final

from vscbench.errors import DataError
from vscbench.jsonlines import Line, read_json_lines
from vscbench.models.provider_words import (
    BREAKS,
    ENDINGS,
    ending_word,
    finish_of,
    is_final,
    one_line,
    undone,
)
from vscbench.models.recording import Recording
from vscbench.records import Finish, Kind, Response

# These kinds are no judge's: they say how the response ended, so they stay as recorded.
_FINISHES: Final = {
    Kind.BLOCKED: Finish.BLOCKED,
    Kind.EMPTY: Finish.STOP,
    Kind.TRUNCATED: Finish.LENGTH,
    Kind.NO_FINAL_ANSWER: Finish.STOP,
}

# What our own exports call it, and what a line may take over from a provider's answer. The first
# that a line has decides; vLLM's stop_reason, beside a finish_reason, is something else.
_OWN_ENDING: Final = "ending"
_ENDINGS: Final = ("finish", *ENDINGS, _OWN_ENDING)
# What says beside the first that an answer was broken off.
_BESIDE: Final = (*_ENDINGS, "native_finish_reason", "status")


def read_recorded_lines(path: Path) -> list[Recording]:
    """Read recorded responses from a JSON Lines file, one case a line.

    A line holds ``pair_id``, ``response`` (a text; ``null`` for none) and, where known,
    ``epoch`` (from 1), ``kind``, ``truncated``, ``served_model`` and ``error``; other fields are
    passed over. The kinds ``blocked``, ``empty``, ``truncated`` and ``target-error`` are kept;
    a judged kind is not, since the judge of this run judges anew. An answer that ``finish_reason``
    (or ``stop_reason``, ``done_reason`` and their like) calls anything but final was broken off.

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
    ending = _ending(place, line)
    unfinished = None if kind is Kind.BLOCKED else _unfinished(line, ending)
    if kind is Kind.TARGET_ERROR or unfinished:
        reason = error if kind is Kind.TARGET_ERROR else f"{unfinished} ({place})"
        return Recording(pair_id, _epoch(place, line), place, None, reason)
    response = _response(place, line, kind, error, ending)
    return Recording(pair_id, _epoch(place, line), place, response)


def _ending(place: str, line: Line) -> str | None:
    """Return how the answer ended, in a provider's words or ours; ``None``: nobody says."""
    # A number is something else, such as the token that vLLM stopped at.
    fields = {name: line.fields[name] for name in _ENDINGS if name in line.fields}
    named = next((name for name in fields if not isinstance(fields[name], int | float)), None)
    if named is None or (named == _OWN_ENDING and fields[named] is None):
        return None
    return _text(place, line, named) or ""


def _unfinished(line: Line, ending: str | None) -> str | None:
    """Say that an answer was broken off, where its line says so."""
    flags = undone({name: each for name, each in line.fields.items() if name != "status"})
    if flags:
        return f"the recorded answer was broken off: it says '{flags}'"
    for name in _BESIDE:
        word = line.fields.get(name)
        if isinstance(word, str) and ending_word(word) in BREAKS:
            return f"the recorded answer was broken off: it ended with '{one_line(word)}'"
    if ending is None or ending in list(Finish) or is_final(ending):
        return None
    how = f"it ended with '{one_line(ending)}'" if ending.strip() else "its ending is empty"
    return f"the recorded answer was broken off: {how}"


def _finish(ending: str | None) -> Finish:
    if ending is None or ending in list(Finish):
        return Finish(ending or Finish.STOP)
    return finish_of(ending)


def _response(
    place: str, line: Line, kind: Kind | None, error: str | None, ending: str | None
) -> Response | None:
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
    finish = Finish.LENGTH if _truncated(place, line) else _finish(ending)
    if text is None and (ending is None or finish is Finish.STOP):
        return None
    reason = (error or ending) if finish is Finish.BLOCKED else None
    return Response(
        text or "", finish, reason=reason, served_model=served_model, reasoning=reasoning
    )


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
