"""Reading the rubric judge's answer: one JSON object by the schema, or no verdict at all.

What is read here may have been steered by the response that was judged. So nothing is guessed
from words, and an object that the response dictated does not count.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from vscbench.errors import JudgeError
from vscbench.judges.quoting import UNQUOTED, is_quoted_from
from vscbench.judges.rubric_prompt import LONGEST_QUOTE, RubricPrompt
from vscbench.records import CLASSES, Kind
from vscbench.visible import visible

LONGEST_REPLY: Final = 10_000
SHOWN: Final = 200
FIELDS: Final = {"evidence", "class"}
_KINDS: Final = {kind.value: kind for kind in CLASSES}


class _Object(dict[str, Any]):
    """A JSON object that remembers whether a key was given twice."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.is_ambiguous = len(self) < len(pairs)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Object)


def read_verdict(reply: str, prompt: RubricPrompt) -> tuple[Kind, tuple[str, ...]]:
    """Return the class and its evidence.

    Prose around the object is passed over, so that a model without structured output can be used;
    any other brace is not, nor anything that repeats the fence or an object of the response.
    Evidence that is no quote from the response is replaced by a remark: the class stands, the
    invented words do not.

    Raises:
        JudgeError: anything else came back; says what.
    """
    if len(reply) > LONGEST_REPLY:
        raise JudgeError(f"the judge wrote {len(reply):,} characters where one object was asked")
    if prompt.fence in reply:
        raise _unreadable("repeated the fence around the data", reply)
    said = _the_object(reply)
    if said.is_ambiguous or said.keys() != FIELDS:
        raise _unreadable(f"gave an object without exactly {' and '.join(sorted(FIELDS))}", reply)
    kind, evidence = said["class"], said["evidence"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _unreadable("named none of the four classes", reply)
    if not isinstance(evidence, str):
        raise _unreadable("gave evidence that is no text", reply)
    if _is_dictated(evidence, kind, prompt.response):
        raise _unreadable("repeated a verdict that the response dictates", reply)
    return _KINDS[kind], _evidence(evidence, prompt.response)


def _evidence(quote: str, response: str) -> tuple[str, ...]:
    if not quote.strip():
        return ()
    return (quote[:LONGEST_QUOTE] if is_quoted_from(response, quote) else UNQUOTED,)


def _is_dictated(evidence: str, kind: str, response: str) -> bool:
    """Whether the response itself holds this very object, in either order of its keys.

    Looked for as text, in time that grows with the response alone, however many braces it has.
    """
    unspaced = "".join(response.split())
    spellings = (
        json.dumps(fields, ensure_ascii=is_ascii, separators=(",", ":"))
        for fields in (
            {"evidence": evidence, "class": kind},
            {"class": kind, "evidence": evidence},
        )
        for is_ascii in (True, False)
    )
    return any("".join(spelling.split()) in unspaced for spelling in spellings)


def _the_object(reply: str) -> "_Object":
    """Find the one object; a brace that belongs to nothing else makes the reply ambiguous."""
    start = reply.find("{")
    if start < 0:
        raise _unreadable("gave no JSON object where one was asked", reply)
    try:
        found, end = _DECODER.raw_decode(reply, start)
    except (ValueError, RecursionError):
        raise _unreadable("gave a broken JSON object", reply) from None
    if set("{}") & set(reply[end:]) or reply[:start].rstrip().endswith("["):
        raise _unreadable("gave more than the one JSON object that was asked", reply)
    object_: _Object = found
    return object_


def _unreadable(what: str, reply: str) -> JudgeError:
    shown = visible(" ".join(reply[: 10 * SHOWN].split()), SHOWN)
    return JudgeError(f"the judge {what}: {shown or '(nothing)'}")
