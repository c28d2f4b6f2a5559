"""What a run says where responses were reasoning without a final answer, and what to do then."""

from collections.abc import Mapping
from typing import Final

from vscbench.records import NO_METHOD, Kind

# From this share of the responses on, the run measured how it was made and not the model.
MOST: Final = 0.5
_MEND: Final = (
    "give it room (a larger max_tokens), let its server part reasoning from answer (vLLM: "
    "--reasoning-parser), or name the marks of its reasoning in [tool.vscbench] reasoning_tags"
)
_BY_METHOD: Final = "the method {} takes for reasoning what it finds no final answer behind"


def without_final_answer(by_kind: Mapping[str, int]) -> str | None:
    """Say how many responses had no final answer; ``None`` where each had one."""
    without, responses = by_kind.get(Kind.NO_FINAL_ANSWER, 0), _responses(by_kind)
    if not without:
        return None
    share = without / responses
    return f"{share:.1%} ({without} of {responses}) are reasoning alone, wrong on both labels"


def final_answer_advice(by_kind: Mapping[str, int], method: str) -> str | None:
    """Say what to do where most responses had no final answer, so that the rates say little."""
    without, responses = by_kind.get(Kind.NO_FINAL_ANSWER, 0), _responses(by_kind)
    if not without or without < MOST * responses:
        return None
    which = "no response holds" if without == responses else "most responses do not hold"
    cause = "" if method == NO_METHOD else f" {_BY_METHOD.format(method)};"
    return f"{which} a final answer, so the rates say nothing of the model:{cause} {_MEND}"


def _responses(by_kind: Mapping[str, int]) -> int:
    return sum(number for kind, number in by_kind.items() if not Kind(kind).is_error)
