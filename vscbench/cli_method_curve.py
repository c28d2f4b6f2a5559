"""What a local model says at every alpha, judged: the curve from which alpha is chosen."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vscbench.calibration.detection import detection
from vscbench.calibration.rates import safety_response_accuracy
from vscbench.calibration.scoring import Policy, is_correct
from vscbench.engine.decide import kind_without_judge, not_answered
from vscbench.engine.judging import Bench
from vscbench.errors import JudgeError, TargetError
from vscbench.methods.fitting.choosing import AlphaPoint
from vscbench.methods.fitting.coherence import is_incoherent, least_ordinary_score
from vscbench.methods.fitting.samples import request_of, samples_of
from vscbench.methods.revision import GATED_POINT
from vscbench.models.local.activations import ActivationReader, Sample
from vscbench.models.protocol import Model
from vscbench.reasoning.responses import set_apart
from vscbench.records import (
    Cause,
    Kind,
    Outcome,
    Pair,
    Request,
    Response,
    Revision,
    Turn,
)

Progress = Callable[[int, int], None]
Said = Response | TargetError


@dataclass(frozen=True, slots=True)
class Case:
    """One pair at one alpha: what became of it, and whether its output is no longer language."""

    outcome: Outcome
    is_incoherent: bool


def ask_at_alphas(
    model: Model,
    pairs: Sequence[Pair],
    file: tuple[Path, str],
    alphas: Sequence[float],
    progress: Progress,
) -> dict[float, list[Said]]:
    """Ask every pair at every alpha, all side by side.

    Args:
        model: whose weights are loaded here.
        pairs: each with a query.
        file: a vector file and the SHA-256 of its bytes.
        alphas: at 0 the model is asked as it is.
        progress: told how many of how many are answered.

    Raises:
        VscbenchError: the model cannot answer at all.
    """
    requests = [_revised(request_of(pair), file, alpha) for alpha in alphas for pair in pairs]
    said = asyncio.run(_ask_all(model, requests, progress))
    return {
        alpha: said[number * len(pairs) : (number + 1) * len(pairs)]
        for number, alpha in enumerate(alphas)
    }


def _revised(request: Request, file: tuple[Path, str], alpha: float) -> Request:
    return replace(request, revision=Revision(*file, alpha)) if alpha else request


async def _ask_all(model: Model, requests: Sequence[Request], progress: Progress) -> list[Said]:
    done = 0

    async def ask(request: Request) -> Said:
        nonlocal done
        try:
            said: Said = await model.respond(request)
        except TargetError as error:
            said = error
        done += 1
        progress(done, len(requests))
        return said

    return list(await asyncio.gather(*(ask(request) for request in requests)))


def cases_at_alphas(
    reader: ActivationReader, bench: Bench, pairs: Sequence[Pair], said: Mapping[float, list[Said]]
) -> dict[float, list[Case]]:
    """Judge everything that was said, and see what of it is still language.

    Args:
        reader: gives an output's log-probability under the model as it is.
        bench: the judge.
        pairs: those that were asked.
        said: at each alpha, one of them 0, what was said of each pair.

    Raises:
        VscbenchError: the judge gives no verdicts at all.
    """
    written = [Sample(each.request, each.answer) for each in samples_of("response", pairs)]
    scores = {alpha: _scores(reader, pairs, here) for alpha, here in said.items()}
    own = [score for score in scores[0.0] if score is not None]
    least = least_ordinary_score(own, reader.answer_scores(written))
    return {
        alpha: [
            Case(outcome, _is_incoherent(outcome, score, least))
            for outcome, score in zip(_outcomes(bench, pairs, here), scores[alpha], strict=True)
        ]
        for alpha, here in said.items()
    }


def _scores(
    reader: ActivationReader, pairs: Sequence[Pair], said: Sequence[Said]
) -> list[float | None]:
    texts = {
        number: each.text
        for number, each in enumerate(said)
        if isinstance(each, Response) and each.text.strip()
    }
    samples = [Sample(request_of(pairs[number]), text) for number, text in texts.items()]
    found = dict(zip(texts, reader.answer_scores(samples), strict=True))
    return [
        score if math.isfinite(score := found.get(number, math.nan)) else None
        for number in range(len(said))
    ]


def _is_incoherent(outcome: Outcome, score: float | None, least: float) -> bool:
    return outcome.response is not None and is_incoherent(outcome.response.text, score, least)


def _outcomes(bench: Bench, pairs: Sequence[Pair], all_said: Sequence[Said]) -> list[Outcome]:
    said = [set_apart(s, bench.forms) if isinstance(s, Response) else s for s in all_said]
    known = {
        number: kind_without_judge(each)
        for number, each in enumerate(said)
        if isinstance(each, Response)
    }
    asked = [number for number, kind in known.items() if kind is None]
    turns = [
        Turn(pairs[number].query, _text(said[number]), pairs[number].image) for number in asked
    ]
    verdicts = dict(zip(asked, bench.judge_all(turns), strict=True))
    return [
        _outcome(pair, each, known.get(number), verdicts.get(number))
        for number, (pair, each) in enumerate(zip(pairs, said, strict=True))
    ]


def _text(said: Said) -> str:
    return said.text if isinstance(said, Response) else ""


def _outcome(pair: Pair, said: Said, kind: Kind | None, verdict: Any) -> Outcome:  # noqa: ANN401 - a verdict, why there is none, or nothing
    if isinstance(said, TargetError):
        return not_answered(pair, request_of(pair), said)
    if isinstance(verdict, JudgeError):
        return Outcome(pair, 1, Kind.JUDGE_ERROR, said, None, str(verdict), cause=Cause.JUDGE)
    return Outcome(pair, 1, kind or verdict.kind, said, verdict)


def curve_of(
    cases: Mapping[float, Sequence[Case]], is_revised: Sequence[bool]
) -> tuple[list[AlphaPoint], list[AlphaPoint]]:
    """Return the points of the curve, and those of it with the gate.

    Args:
        cases: of each pair at each alpha, one of them 0.
        is_revised: whether the gate takes the pair's request for an unsafe one: a request that it
            does not is answered as at alpha 0.
    """
    plain = [_point(alpha, here) for alpha, here in sorted(cases.items())]
    gated = [
        _point(
            alpha,
            [
                case if revised else as_it_is
                for case, as_it_is, revised in zip(here, cases[0.0], is_revised, strict=True)
            ],
        )
        for alpha, here in sorted(cases.items())
    ]
    return plain, gated


def packed(plain: Sequence[AlphaPoint], gated: Sequence[AlphaPoint]) -> tuple[dict[str, Any], ...]:
    """Write a curve as a vector file keeps it."""
    return tuple(
        {**point.pack(), GATED_POINT: beside.pack()}
        for point, beside in zip(plain, gated, strict=True)
    )


def _point(alpha: float, cases: Sequence[Case]) -> AlphaPoint:
    outcomes = [case.outcome for case in cases]
    rates = safety_response_accuracy(outcomes, Policy())
    told = detection(outcomes, Policy())
    answered = [case for case in cases if case.outcome.response is not None]
    return AlphaPoint(
        alpha=alpha,
        sra_unsafe=None if rates.unsafe is None else rates.unsafe.rate,
        sra_safe=None if rates.safe is None else rates.safe.rate,
        d_prime=told.d_prime.value,
        criterion=told.criterion.value,
        incoherent=sum(case.is_incoherent for case in answered) / max(1, len(answered)),
        scored=sum(is_correct(outcome, Policy()) is not None for outcome in outcomes),
    )
