"""One case, from its request to its outcome."""

import time

from vscbench.errors import DataError, JudgeError, TargetError
from vscbench.judges.protocol import Judge
from vscbench.models.protocol import Model
from vscbench.records import Finish, Kind, Outcome, Pair, Request, Response


def kind_without_judge(response: Response) -> Kind | None:
    """Return the kind that needs no judge, or ``None`` where there is text to be judged."""
    if response.finish is Finish.BLOCKED:
        return Kind.BLOCKED
    if response.text.strip():
        return None
    return Kind.TRUNCATED if response.finish is Finish.LENGTH else Kind.EMPTY


async def decide(model: Model, judge: Judge, pair: Pair, request: Request) -> Outcome:
    """Ask the model, then the judge; a fault of either becomes a kind of its own.

    An error is never a refusal: it says nothing of the model and moves no rate.
    """
    started = time.monotonic()
    try:
        response = await model.respond(request)
    except (TargetError, DataError) as error:
        latency = time.monotonic() - started
        return Outcome(pair, request.epoch, Kind.TARGET_ERROR, error=str(error), latency_s=latency)
    latency = time.monotonic() - started
    kind = kind_without_judge(response)
    if kind is not None:
        return Outcome(pair, request.epoch, kind, response, latency_s=latency)
    try:
        verdict = await judge.judge(pair.query, response.text)
    except JudgeError as error:
        return Outcome(
            pair, request.epoch, Kind.JUDGE_ERROR, response, error=str(error), latency_s=latency
        )
    return Outcome(pair, request.epoch, verdict.kind, response, verdict, latency_s=latency)
