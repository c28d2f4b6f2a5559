"""From what an application returned to a response of ours, every field checked."""

import math
import operator
import reprlib
from decimal import Decimal
from numbers import Real
from typing import SupportsIndex

from vscbench.errors import TargetError
from vscbench.models.provider_words import finish_of, is_final, one_line
from vscbench.models.secrets import without_secrets
from vscbench.records import Cause, Finish, Response


def read_answer(answer: object) -> Response:
    """Turn what the callable returned, a ``str`` or a ``Response``, into a ``Response``.

    The types are those of ``Response`` exactly: an application may have filled it from JSON or
    NumPy, and what is no plain number or text could not be written to the report.

    Raises:
        TargetError: it is neither of the two, or a field holds what it cannot; names the field.
    """
    if isinstance(answer, str):
        return Response(_plain(answer))
    if not isinstance(answer, Response):
        raise TargetError(
            f"the callable returned {type(answer).__name__}; it must return a str or a "
            "vscbench.records.Response"
        )
    text = _text("text", answer.text)
    if text is None:
        raise _fault("text", "a str", None)
    return Response(
        text=text,
        finish=_finish(answer.finish, answer.ending),
        reason=_text("reason", answer.reason),
        served_model=_text("served_model", answer.served_model),
        prompt_tokens=_count("prompt_tokens", answer.prompt_tokens),
        completion_tokens=_count("completion_tokens", answer.completion_tokens),
        cost_usd=_cost("cost_usd", answer.cost_usd),
        image_change=_text("image_change", answer.image_change),
        ending=_text("ending", answer.ending),
        reasoning=_text("reasoning", answer.reasoning),
    )


def _text(field: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else _plain(value)
    raise _fault(field, "a str", value)


def _finish(finish: object, ending: object) -> Finish:
    """Return how an answer ended; an application passes on its provider's word as it comes.

    Raises:
        TargetError: one of the two is no final ending, so that the answer was broken off.
    """
    # Not by the annotation: an application's own code writes "blocked" as easily as the enum.
    if not isinstance(finish, str):
        raise _fault("finish", f"one of {', '.join(Finish)}, or a provider's word", finish)
    is_ours = finish in list(Finish)
    if finish == Finish.BLOCKED:
        return Finish.BLOCKED
    for field, word in (("finish", "" if is_ours else finish), ("ending", ending)):
        if isinstance(word, str) and word and not is_final(word):
            raise TargetError(
                f"the answer was broken off: the callable returned a Response whose {field} is "
                f"'{one_line(word)}'; final are {', '.join(Finish)} and the endings of providers",
                Cause.SERVER_ERROR,
            )
    if is_ours:
        return Finish(_plain(finish))
    if not finish.strip():
        raise TargetError("the answer was broken off: its finish is empty", Cause.SERVER_ERROR)
    return finish_of(finish)


def _count(field: str, value: SupportsIndex | None) -> int | None:
    if value is None:
        return None
    try:
        count = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = -1
    if count < 0:
        raise _fault(field, "a whole number from 0, or None", value)
    return count


def _cost(field: str, value: object) -> float | None:
    if value is None:
        return None
    try:
        number = isinstance(value, Real | Decimal) and not isinstance(value, bool)
        cost = float(value) if number else math.nan  # type: ignore[arg-type]
    except (ValueError, OverflowError):  # a signalling NaN, a whole number beyond floats
        cost = math.nan
    if not (math.isfinite(cost) and cost >= 0):
        raise _fault(field, "a finite number from 0 in US dollars, or None", value)
    return cost


def _plain(text: str) -> str:
    """Return a ``str`` proper: one of its subclasses does not travel between processes."""
    return str.__str__(text)


def _fault(field: str, wanted: str, value: object) -> TargetError:
    found = reprlib.repr(without_secrets(value) if isinstance(value, str) else value)
    return TargetError(
        f"the callable returned a Response whose {field} is {found} ({type(value).__name__}); "
        f"it must be {wanted}"
    )
