"""An outcome as bytes, for its way from the process that asks to the one that runs the case."""

import json
from dataclasses import asdict

from vscbench.models.frames import pack_response, unpack_response
from vscbench.records import Cause, Kind, Outcome, Pair, Verdict


def pack(outcome: Outcome) -> bytes:
    """Write all of an outcome but its pair, which the other side has."""
    said = {
        "epoch": outcome.epoch,
        "kind": outcome.kind,
        "response": outcome.response and pack_response(outcome.response),
        "verdict": outcome.verdict and asdict(outcome.verdict),
        "error": outcome.error,
        "latency_s": outcome.latency_s,
        "cause": outcome.cause,
        "response_key": outcome.response_key,
        "cached": outcome.cached,
    }
    return json.dumps(said).encode()


def unpack(message: bytes, pair: Pair) -> Outcome:
    """Read what ``pack`` wrote, for the pair that was asked for."""
    said = json.loads(message)
    return Outcome(
        pair=pair,
        epoch=said["epoch"],
        kind=Kind(said["kind"]),
        response=said["response"] and unpack_response(said["response"]),
        verdict=said["verdict"] and _verdict(said["verdict"]),
        error=said["error"],
        latency_s=said["latency_s"],
        cause=said["cause"] and Cause(said["cause"]),
        response_key=said["response_key"],
        cached=said["cached"],
    )


def _verdict(said: dict[str, object]) -> Verdict:
    evidence = said["evidence"]
    told = tuple(evidence) if isinstance(evidence, list) else ()
    return Verdict(**{**said, "kind": Kind(str(said["kind"])), "evidence": told})  # type: ignore[arg-type]
