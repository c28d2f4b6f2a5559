"""One case, from the response to its outcome."""

from vscbench.engine.archive import Found
from vscbench.engine.jobs import Job
from vscbench.engine.verdicts import Verdicts
from vscbench.errors import JudgeError, StoppedError, StoreError, TargetError
from vscbench.records import (
    Cause,
    Finish,
    Kind,
    Outcome,
    Pair,
    Request,
    Response,
    Turn,
    Verdict,
)


def kind_without_judge(response: Response) -> Kind | None:
    """Return the kind that needs no judge, or ``None`` where there is text to be judged."""
    if response.finish is Finish.BLOCKED:
        return Kind.BLOCKED
    if response.text.strip():
        return None
    if response.reasoning is not None:
        return Kind.NO_FINAL_ANSWER
    return Kind.TRUNCATED if response.finish is Finish.LENGTH else Kind.EMPTY


def not_answered(pair: Pair, request: Request, error: TargetError, tried: str = "") -> Outcome:
    """Return the outcome of a case that got no response: never a refusal, in no rate."""
    return Outcome(
        pair,
        request.epoch,
        Kind.TARGET_ERROR,
        error=f"{error}{tried}",
        cause=error.cause,
    )


async def judged(verdicts: Verdicts, pair: Pair, job: Job, found: Found) -> Outcome:
    """Return the outcome of a case whose response is there; that a judge failed does not lose it.

    Raises:
        StoppedError: the judge will give no verdict in this run.
    """
    response = found.response
    kind = kind_without_judge(response)
    verdict: Verdict | None = None
    error: str | None = None
    if kind is None:
        try:
            verdict = await verdicts.of(Turn(pair.query, response.text, pair.image, job.key))
        except StoppedError:
            raise
        except (JudgeError, StoreError) as fault:
            error = str(fault)
        except Exception as fault:  # a defect of a judge must not lose a response that was paid for
            error = f"{type(fault).__name__}: {fault}"
        kind = verdict.kind if verdict else Kind.JUDGE_ERROR
    return Outcome(
        pair=pair,
        epoch=job.request.epoch,
        kind=kind,
        response=response,
        verdict=verdict,
        error=error,
        latency_s=found.latency_s,
        cause=Cause.JUDGE if kind is Kind.JUDGE_ERROR else None,
        response_key=job.key,
        cached=found.cached,
    )
