"""What a run would ask, how much of it is in the store, and what it would cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vscbench.engine.admission import Limits
from vscbench.engine.archive import Archive, Found
from vscbench.engine.budget import PlanCost, estimate_plan
from vscbench.engine.decide import kind_without_judge
from vscbench.engine.jobs import Job
from vscbench.errors import DataError
from vscbench.judges.protocol import Judge
from vscbench.models.protocol import Model
from vscbench.records import Pair, Request, Turn


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that was not made: counts of cases and requests, and an estimate of its cost.

    ``judge`` is a judge that asks a model, and ``verdicts`` how many it would be asked for at
    most; ``None`` and 0 for a judge that costs nothing.
    """

    model: str
    cases: int
    stored: int
    requests: int
    cost: PlanCost
    limits: Limits
    judge: str | None = None
    verdicts: int = 0


async def make_plan(
    model: Model,
    judge: Judge,
    limits: Limits,
    archive: Archive,
    cases: Sequence[tuple[Pair, Request]],
) -> Plan:
    """Look everything up and ask nothing."""
    jobs = [Job(number, request, [pair]) for number, (pair, request) in enumerate(cases)]
    found = archive.find(jobs)
    missing = [job for job in jobs if not isinstance(found.get(job.number), Found)]
    # Cases with the same content share a request.
    requests = {job.key or job.number: job.request for job in missing}
    cost = estimate_plan(list(requests.values()), model.price, limits.max_tokens)
    plan = Plan(model.name, len(jobs), len(jobs) - len(missing), len(requests), cost, limits)
    if judge.is_free:
        return plan
    verdicts = len(missing) + await _verdicts_missing(archive, jobs, found)
    return replace(plan, judge=judge.name, verdicts=verdicts)


async def _verdicts_missing(
    archive: Archive, jobs: Sequence[Job], found: Mapping[int, Found | DataError]
) -> int:
    """Count the stored responses to be judged on which there is no verdict yet."""
    turns = {
        Turn(pair.query, kept.response.text, pair.image)
        for job in jobs
        for pair in job.pairs
        if isinstance(kept := found.get(job.number), Found)
        and kind_without_judge(kept.response) is None
    }
    return sum([await archive.find_verdict(turn) is None for turn in turns])


def plan_lines(plan: Plan) -> Iterator[str]:
    """Lay a plan out for the terminal."""
    cost, limits = plan.cost, plan.limits
    yield f"vscbench: the plan for {plan.model}; nothing is sent"
    yield f"  cases       {plan.cases:,}"
    yield f"  stored      {plan.stored:,}, asked of nobody"
    yield f"  requests    {plan.requests:,}"
    yield (
        f"  tokens      about {cost.prompt_tokens:,} in (estimated), "
        f"at most {cost.most_completion_tokens:,} out ({limits.max_tokens:,} a request)"
    )
    yield f"  cost        {_cost(cost)}"
    if plan.judge is not None:
        yield (
            f"  judge       {plan.judge}, asked for {plan.verdicts:,} verdicts at most; what they "
            "cost depends on the responses, and is not in the above"
        )
    yield f"  limits      {', '.join(_limits(limits))}"


def _cost(cost: PlanCost) -> str:
    if cost.low_usd is None or cost.high_usd is None:
        return "unknown: litellm's table has no price for this model"
    return f"${cost.low_usd:,.2f} to ${cost.high_usd:,.2f}, by litellm's prices"


def _limits(limits: Limits) -> Iterator[str]:
    yield f"{limits.concurrency} in flight"
    if limits.requests_per_minute is not None:
        yield f"{limits.requests_per_minute:g} requests a minute"
    if limits.tokens_per_minute is not None:
        yield f"{limits.tokens_per_minute:g} tokens a minute"
    yield f"{limits.retries} retries"
    if limits.most_usd is not None:
        yield f"at most ${limits.most_usd:g}"
