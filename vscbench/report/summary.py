"""``summary.json``: what a run measured, in one object that stays stable from run to run."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_scored
from vscbench.records import Cause, Kind, Outcome, Response
from vscbench.report.files import to_json, write_whole
from vscbench.report.measures import measures

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What was run, and how.

    ``served_models`` and ``fingerprints`` are the versions that answered, as the provider names
    them; ``params`` the effective parameters, without secrets. ``pairs`` names the source of the
    pairs and ``pairs_sha256`` is the digest of those selected, if known. ``started`` and
    ``finished`` are ISO 8601 times with their zone. ``version`` is that of vscbench. ``selection``
    says which of the pairs, where it is known (``selection_fields``). ``rejudged_from`` is the id
    of the run whose responses another judge read.
    """

    id: str
    model: str
    served_models: tuple[str, ...]
    fingerprints: tuple[str, ...]
    params: Mapping[str, object]
    method: str
    judge: str
    scoring: Scoring
    blocked: BlockedPolicy
    pairs: str
    pairs_sha256: str | None
    epochs: int
    started: str
    finished: str
    version: str
    selection: Mapping[str, object] | None = None
    rejudged_from: str | None = None
    method_params: Mapping[str, object] | None = None


def summarise(
    run: Run,
    outcomes: Sequence[Outcome],
    planned: int,
    no_query: int,
    usage: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the content of ``summary.json``; the order of ``outcomes`` does not matter.

    A rate is ``None`` where no case is in it. A category of the same name in both scenarios is
    one category here. ``repeats`` is there where pairs were asked in more than one epoch. The
    gate is ``None`` until it is decided.

    Args:
        run: what was run.
        outcomes: the cases that were decided or failed, each pair once an epoch.
        planned: how many cases the options selected (pairs with a query, times epochs).
        no_query: how many selected pairs have no query; they are not part of ``planned``.
        usage: what was spent (``usage_of``), where more was asked than the outcomes given.
    """
    policy = Policy(run.scoring, run.blocked)
    scored = sum(is_scored(outcome, policy) for outcome in outcomes)
    return {
        "schema": SCHEMA_VERSION,
        "run": _run(run),
        "counts": {
            "planned": planned,
            "scored": scored,
            "no_query": no_query,
            "by_kind": _by_kind(outcomes),
            "by_cause": _by_cause(outcomes),
        },
        "coverage": scored / planned if planned else None,
        "complete": scored == planned,
        **measures(outcomes, policy),
        "usage": dict(usage or usage_of(outcomes, requests=len(outcomes))),
        "gate": {"passed": None, "checks": []},
    }


def write_summary(path: Path, summary: Mapping[str, object]) -> None:
    """Write ``summary.json``.

    Raises:
        UsageError: the file cannot be written.
    """
    write_whole(path, to_json(summary, indent=2) + "\n")


def _run(run: Run) -> dict[str, object]:
    optional = {
        "selection": run.selection,
        "rejudged_from": run.rejudged_from,
        "method_params": run.method_params or None,
    }
    return {
        "id": run.id,
        "model": run.model,
        "served_models": list(run.served_models),
        "fingerprints": list(run.fingerprints),
        "params": dict(run.params),
        "method": run.method,
        "judge": run.judge,
        "scoring": run.scoring.value,
        "blocked": run.blocked.value,
        "pairs": run.pairs,
        "pairs_sha256": run.pairs_sha256,
        "epochs": run.epochs,
        "started": run.started,
        "finished": run.finished,
        "version": run.version,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _by_kind(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts = Counter(outcome.kind for outcome in outcomes)
    return {kind.value: counts[kind] for kind in Kind}


def _by_cause(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Count errors by their cause, each with the message that came most often."""
    messages: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        if outcome.kind.is_error:
            cause = outcome.cause or Cause.OTHER
            messages.setdefault(cause.value, Counter())[outcome.error or ""] += 1
    return {
        cause: {
            "cases": counts.total(),
            "example": min(counts, key=lambda text: (-counts[text], text)),
        }
        for cause, counts in sorted(messages.items())
    }


def usage_of(
    outcomes: Sequence[Outcome],
    *,
    requests: int,
    cached: int = 0,
    spent_usd: float | None = None,
) -> dict[str, object]:
    """Sum up what was spent: requests sent, and tokens and US dollars of the responses.

    Args:
        outcomes: every outcome there is, also of cases that pytest did not get to. A response
            that several cases share counts once; a stored one counts as when it was paid for.
        requests: how many requests this run sent, retries included.
        cached: how many cases were decided from the store.
        spent_usd: what this run itself spent, where a price is known.
    """
    responses = _distinct_responses(outcomes)
    costs = [response.cost_usd for response in responses if response.cost_usd is not None]
    return {
        "requests": requests,
        "cached": cached,
        "prompt_tokens": _sum_known([response.prompt_tokens for response in responses]),
        "completion_tokens": _sum_known([response.completion_tokens for response in responses]),
        # fsum: the sum must not depend on the order in which the responses came.
        "cost_usd": math.fsum(costs) if costs else None,
        # Paid for is paid for, also where no case came to its outcome.
        "spent_usd": spent_usd if costs or spent_usd else None,
    }


def judge_usage(
    requests: int,
    prompt_tokens: int | None,
    completion_tokens: int | None,
    cost_usd: float | None,
) -> dict[str, object]:
    """Return what a judge that asks a model took in this run, as fields of ``usage``."""
    return {
        "judge_requests": requests,
        "judge_prompt_tokens": prompt_tokens,
        "judge_completion_tokens": completion_tokens,
        "judge_cost_usd": cost_usd,
    }


def _distinct_responses(outcomes: Sequence[Outcome]) -> list[Response]:
    answered = [each for each in outcomes if each.response is not None]
    shared = {(each.response_key, each.response) for each in answered if each.response_key}
    alone = [each.response for each in answered if not each.response_key]
    return [response for response in (*alone, *(said for _, said in shared)) if response]


def _sum_known(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
