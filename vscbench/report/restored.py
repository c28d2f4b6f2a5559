"""From the lines of ``outcomes.jsonl`` back to the outcomes they tell of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vscbench.errors import DataError
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.reasoning.responses import set_apart
from vscbench.records import Cause, Finish, Kind, Outcome, Pair, Response, Verdict
from vscbench.report.outcomes import EVIDENCE_SEPARATOR
from vscbench.report.past_run import PastRun


def restored_outcomes(
    past: PastRun,
    pairs: Mapping[str, Pair],
    stored: Mapping[str, Response],
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
) -> list[Outcome]:
    """Return the outcomes of a run, in the order of its lines.

    Args:
        past: the run.
        pairs: by id.
        stored: responses by their address in the store, where they are still there.
        forms: of reasoning, which the store keeps in the text.

    Raises:
        DataError: a line names a pair that is not there, or a kind that does not exist.
    """
    outcomes = []
    for row in past.rows:
        pair = pairs.get(str(row["pair_id"]))
        if pair is None:
            raise DataError(
                f"{past.folder}: the pair {row['pair_id']!r:.80} of this run is not among "
                f"{past.run['pairs']}"
            )
        kept = stored.get(str(row["response_key"]))
        outcomes.append(restored_outcome(row, pair, kept, forms))
    return outcomes


def not_in_store(
    past: PastRun,
    stored: Mapping[str, Response],
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
) -> int:
    """Count the responses of a run whose address no longer leads to them."""
    kept = [row for row in past.rows if row["response_key"] and row["response"] is not None]
    found = (stored.get(str(row["response_key"])) for row in kept)
    return sum(
        response is None or row["response"] not in _texts(response, forms)
        for row, response in zip(kept, found, strict=True)
    )


def restored_outcome(
    row: Mapping[str, Any],
    pair: Pair,
    stored: Response | None = None,
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
) -> Outcome:
    """Undo ``outcome_row``.

    What a line does not hold comes back as far as it follows from the rest: how the response
    ended; an error's cause is that of a judge, or not known. Evidence comes back in pieces that
    may be smaller than they were, and not at all from a line of an older version.

    Args:
        row: a line of ``outcomes.jsonl``.
        pair: the pair it names.
        stored: the response that the store has at its address. It stands in where its text is
            that of the line; an answer that has since replaced it there is passed over.
        forms: of reasoning, which the store keeps in the text.

    Raises:
        DataError: there is no such kind.
    """
    if row["kind"] not in list(Kind):
        raise DataError(f"{row['pair_id']}: unknown kind {row['kind']!r:.40}")
    kind = Kind(row["kind"])
    response = _response(row, kind)
    if stored is not None and response is not None and response.text in _texts(stored, forms):
        response = replace(stored, text=response.text, reasoning=response.reasoning)
    judged = row["judge"] is not None and kind is not Kind.JUDGE_ERROR
    return Outcome(
        pair=pair,
        epoch=row["epoch"],
        kind=kind,
        response=response,
        verdict=_verdict(row, kind) if judged else None,
        error=row["error"] if kind.is_error else None,
        latency_s=row["latency_s"],
        cause=_cause(kind),
        response_key=row["response_key"],
    )


def _verdict(row: Mapping[str, Any], kind: Kind) -> Verdict:
    evidence = row.get("evidence")
    pieces = tuple(evidence.split(EVIDENCE_SEPARATOR)) if isinstance(evidence, str) else ()
    return Verdict(kind, row["judge"], row["judge_probability"], pieces)


def _response(row: Mapping[str, Any], kind: Kind) -> Response | None:
    if row["response"] is None:
        return None
    by_provider = kind is Kind.BLOCKED and row["judge"] is None
    return Response(
        text=row["response"],
        finish=Finish.BLOCKED if by_provider else _finish(row),
        reason=None if kind.is_error else row["error"],
        served_model=row["served_model"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cost_usd=row["cost_usd"],
        reasoning=row.get("reasoning"),
    )


def _texts(stored: Response, forms: Sequence[ReasoningForm]) -> set[str]:
    """Return what a line may hold of a stored response: all of it, or the final answer alone."""
    return {stored.text, set_apart(stored, forms).text}


def _finish(row: Mapping[str, Any]) -> Finish:
    return Finish.LENGTH if row["truncated"] else Finish.STOP


def _cause(kind: Kind) -> Cause | None:
    if not kind.is_error:
        return None
    return Cause.JUDGE if kind is Kind.JUDGE_ERROR else Cause.OTHER
