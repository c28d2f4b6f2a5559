import asyncio
from collections.abc import Sequence

import pytest
from fake_models import Answer, Gated, Says

from vscbench.engine.admission import Limits
from vscbench.engine.patient_model import JudgeUsage, PatientModel
from vscbench.engine.purse import Purse
from vscbench.errors import DataError, StoppedError, TargetError, UsageError, VscbenchError
from vscbench.models.protocol import Price
from vscbench.records import Cause, Request, Response

ASKED = [Request(f"turn-{number}", 1, f"Is {number} safe?", None, None) for number in range(40)]


def ask_all(
    model: PatientModel, requests: Sequence[Request] = ASKED
) -> list[Response | BaseException]:
    async def all_at_once() -> list[Response | BaseException]:
        return await asyncio.gather(
            *(model.respond(request) for request in requests), return_exceptions=True
        )

    return asyncio.run(all_at_once())


def patient(
    answer: Answer | None = None, concurrency: int = 4, retries: int = 5
) -> tuple[PatientModel, Says]:
    model = Says(answer)
    return PatientModel(model, Limits(concurrency, retries=retries)), model


def test_no_more_requests_are_in_flight_than_allowed_and_first_come_are_first_served() -> None:
    model = Gated()
    model.gate.set()
    answers = ask_all(PatientModel(model, Limits(concurrency=3)))
    assert len(answers) == 40
    assert model.peak == 3
    assert model.asked == [request.pair_id for request in ASKED]


def test_a_passing_fault_is_tried_again() -> None:
    failed: set[str] = set()

    def answer(request: Request) -> Response | Exception:
        if request.pair_id not in failed:
            failed.add(request.pair_id)
            return TargetError("busy", Cause.SERVER_ERROR, retry_after_s=0.0)
        return Response("graded")

    model, says = patient(answer)
    assert ask_all(model, ASKED[:5]) == [Response("graded")] * 5
    assert len(says.asked) == 10
    assert model.usage.requests == 10


def test_a_fault_that_stays_is_one_requests_own_and_says_how_often_it_was_tried() -> None:
    def answer(request: Request) -> Response | Exception:
        if request.pair_id == "turn-3":
            return TargetError("busy", Cause.SERVER_ERROR, retry_after_s=0.0)
        return Response("graded")

    model, _ = patient(answer, retries=1)
    answers = ask_all(model, ASKED[:6])
    assert [isinstance(each, TargetError) for each in answers] == [False] * 3 + [True] + [False] * 2
    assert str(answers[3]) == "busy (2 attempts)"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (TargetError("not authenticated (HTTP 401)", Cause.AUTHENTICATION), "refuses the key.*401"),
        (TargetError("no such model", Cause.NOT_FOUND), "Correct --vsc-judge-model or"),
        (UsageError("--model=openai/judge: no key in the environment"), "no key in the env"),
    ],
)
def test_once_no_request_can_succeed_nothing_more_is_sent_and_all_learn_why(
    fault: VscbenchError, message: str
) -> None:
    model, says = patient(lambda request: fault)
    answers = ask_all(model)
    stopped = {str(each) for each in answers if isinstance(each, StoppedError)}
    assert len(says.asked) <= 4
    assert len(stopped) == 1
    assert isinstance(answers[-1], StoppedError)
    with pytest.raises(StoppedError, match=message) as caught:
        asyncio.run(model.respond(ASKED[0]))
    assert "the judge's model says" in str(caught.value)
    assert "--vsc-judge-model" in str(caught.value) or "--model" not in str(caught.value)


def test_a_provider_that_is_down_ends_it_and_wakes_who_waits_for_another_try() -> None:
    model, says = patient(
        lambda request: TargetError("refused", Cause.CONNECTION, retry_after_s=0.0), retries=2
    )
    answers = ask_all(model)
    assert any(isinstance(each, StoppedError) for each in answers)
    assert all(isinstance(each, StoppedError | TargetError) for each in answers)
    assert len(says.asked) < 120
    assert "not answering" in str(model.stopped)


@pytest.mark.parametrize("fault", [DataError("a.png: cannot be read"), KeyError("choices")])
def test_a_request_that_cannot_be_sent_fails_alone_and_frees_its_place(fault: Exception) -> None:
    def answer(request: Request) -> Response | Exception:
        return fault if request.pair_id == "turn-0" else Response("graded")

    model, _ = patient(answer, concurrency=1)
    answers = ask_all(model, ASKED[:3])
    assert isinstance(answers[0], TargetError)
    assert answers[1:] == [Response("graded")] * 2


def test_who_is_cancelled_frees_the_place() -> None:
    model = Gated()
    waiting = PatientModel(model, Limits(concurrency=1))

    async def cancelled_then_asked() -> Response:
        first = asyncio.create_task(waiting.respond(ASKED[0]))
        while not model.in_flight:
            await asyncio.sleep(0)
        first.cancel()
        model.gate.set()
        return await waiting.respond(ASKED[1])

    assert asyncio.run(cancelled_then_asked()).text == "Sure, turn-1."


def test_what_it_took_is_counted() -> None:
    model, _ = patient(
        lambda request: Response("x", prompt_tokens=100, completion_tokens=5, cost_usd=0.5)
    )
    ask_all(model, ASKED[:4])
    assert model.usage == JudgeUsage(4, 400, 20, 2.0)
    silent, _ = patient()
    ask_all(silent, ASKED[:2])
    assert silent.usage == JudgeUsage(2)


def test_a_purse_is_shared_and_never_overspent() -> None:
    purse = Purse(1.0)
    price = Price(0.0, 0.01)
    limits = Limits(concurrency=4, most_usd=1.0, price=price, max_tokens=10)
    said = Response("x", prompt_tokens=1, completion_tokens=10, cost_usd=0.1)
    target = PatientModel(Says(lambda request: said), limits, purse)
    judge = PatientModel(Says(lambda request: said), limits, purse)

    async def both() -> list[Response | BaseException]:
        return await asyncio.gather(
            *(model.respond(each) for each in ASKED[:10] for model in (target, judge)),
            return_exceptions=True,
        )

    answers = asyncio.run(both())
    assert sum(isinstance(each, Response) for each in answers) == 10
    assert purse.spent_usd == pytest.approx(1.0)
    assert all("--vsc-max-cost" in str(each) for each in answers if isinstance(each, Exception))
