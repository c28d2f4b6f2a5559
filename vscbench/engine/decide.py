"""One case, from the response to its outcome."""

from vscbench.engine.archive import Archive, Found
from vscbench.engine.jobs import Job
from vscbench.errors import JudgeError, StoreError, TargetError
from vscbench.judges.protocol import Judge
from vscbench.records import Cause, Finish, Kind, Outcome, Pair, Request, Response, Verdict


def kind_without_judge(response: Response) -> Kind | None:
    """Return the kind that needs no judge, or ``None`` where there is text to be judged."""
    if response.finish is Finish.BLOCKED:
        return Kind.BLOCKED
    if response.text.strip():
        return None
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


async def judged(judge: Judge, archive: Archive, pair: Pair, job: Job, found: Found) -> Outcome:
    """Return the outcome of a case whose response is there.

    A verdict in the archive is used, a new one is kept there; that a judge failed, or that its
    verdict could not be kept, does not lose the response.
    """
    response = found.response
    kind = kind_without_judge(response)
    verdict: Verdict | None = None
    error: str | None = None
    if kind is None:
        try:
            verdict = await archive.find_verdict(pair, response.text)
            if verdict is None:
                seen = pair.image if judge.sees_image else None
                verdict = await judge.judge(pair.query, response.text, seen)
                await archive.keep_verdict(job, pair, response.text, verdict)
        except JudgeError as fault:
            error = str(fault)
        except StoreError:
            pass  # the verdict stands; that the store failed is told once, for the whole run
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
