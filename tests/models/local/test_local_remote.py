import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

from local_models import open_tiny, some_requests

from vscbench.errors import DataError, TargetError, VscbenchError
from vscbench.models.local.opening import LOCAL_ENGINE, LOG_NAME, LocalOpening
from vscbench.models.local.remote import RemoteLocalModel
from vscbench.models.protocol import ModelFacts, ModelSpec, ParamValue
from vscbench.models.sender_pool import SenderPool
from vscbench.models.sender_processes import SenderProcesses
from vscbench.records import Cause, Request, Response

ASKED = Request("p", 1, "Is it safe?", None, None)
PARAMS: dict[str, ParamValue] = {"device": "cpu", "max_tokens": 24}


def with_engine(
    folder: Path, log: Path, act: Callable[[RemoteLocalModel, SenderPool], Awaitable[None]]
) -> None:
    """Open a checkpoint in an engine of its own, act on it, and end the engine."""

    async def acting() -> None:
        pool = SenderPool(lambda: SenderProcesses(1, LOCAL_ENGINE, log))
        spec = ModelSpec(f"local:{folder}", params=PARAMS)
        number = pool.add(LocalOpening(spec, str(folder)))
        try:
            facts = await pool.facts(number)
            await act(RemoteLocalModel(number, facts, pool, forget), pool)
        finally:
            await pool.close()

    asyncio.run(acting())


def forget(facts: ModelFacts) -> None:
    raise AssertionError(f"there is nothing new to remember: {facts}")


async def ask_what_fails(model: RemoteLocalModel) -> None:
    """See that a request that cannot be put to the model is a case of its own."""
    with pytest.raises(DataError, match=r"gone\.png: the image cannot be read"):
        await model.respond(Request("p", 1, "What?", Path("gone.png"), None))
    with pytest.raises(TargetError, match="reads as an image") as raised:
        await model.respond(Request("p", 1, "What is <image>?", None, None))
    assert raised.value.cause is Cause.BAD_REQUEST
    with pytest.raises(TargetError, match="the model reads 4096 at most"):
        await model.respond(Request("p", 1, "why " * 9000, None, None))
    assert (await model.respond(ASKED)).text


def test_a_model_in_its_own_process_answers_as_one_in_this(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    here = open_tiny(tiny("llava"))
    requests = some_requests(tmp_path, 12)
    answers: list[Response] = []
    known: list[RemoteLocalModel] = []

    async def ask_all(model: RemoteLocalModel, pool: SenderPool) -> None:
        known.append(model)
        answers.extend(await asyncio.gather(*map(model.respond, requests)))
        await ask_what_fails(model)

    async def ask_here() -> list[Response]:
        return list(await asyncio.gather(*map(here.respond, requests)))

    with_engine(tiny("llava"), tmp_path / LOG_NAME, ask_all)
    expected = asyncio.run(ask_here())
    assert [each.text for each in answers] == [each.text for each in expected]
    assert [each.finish for each in answers] == [each.finish for each in expected]
    assert [each.prompt_tokens for each in answers] == [each.prompt_tokens for each in expected]
    assert {each.served_model for each in answers} == {here.opened.version}
    (model,) = known
    assert (model.name, dict(model.params), model.identity) == (
        here.name,
        dict(here.params),
        dict(here.identity),
    )
    assert (model.price, model.default_concurrency) == (here.price, here.default_concurrency)
    log = (tmp_path / LOG_NAME).read_text(encoding="utf-8")
    assert "LlavaForConditionalGeneration, cpu, float32" in log


def test_an_engine_that_was_killed_ends_the_run_with_what_to_do(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    async def kill_while_it_is_asked(model: RemoteLocalModel, pool: SenderPool) -> None:
        assert pool.senders is not None
        (process,) = pool.senders.processes
        os.kill(process.pid, signal.SIGSTOP)
        asked = [asyncio.ensure_future(model.respond(ASKED)) for _ in range(3)]
        await asyncio.sleep(0)
        os.kill(process.pid, signal.SIGKILL)
        for each in asked:
            with pytest.raises(VscbenchError, match=r"the local engine ended.*run the same") as why:
                await each
            assert not isinstance(why.value, TargetError)
            assert LOG_NAME in str(why.value)
            assert "batch_tokens=N" in str(why.value)

    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("a process cannot be stopped here")
    with_engine(tiny("llava"), tmp_path / LOG_NAME, kill_while_it_is_asked)


def test_weights_that_cannot_be_loaded_after_all_are_told_to_every_case(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny("llava"), tmp_path / "checkpoint")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "lm_head" not in name}
    save_file({**kept, "other": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})

    async def ask_all(model: RemoteLocalModel, pool: SenderPool) -> None:
        first = await asyncio.gather(
            *(model.respond(ASKED) for _ in range(3)), return_exceptions=True
        )
        said = [*first, *await asyncio.gather(model.respond(ASKED), return_exceptions=True)]
        assert len({str(each) for each in said}) == 1
        assert all(type(each).__name__ == "UsageError" for each in said)
        assert "its weights lack lm_head.weight; they would be random" in str(said[0])

    with_engine(folder, tmp_path / LOG_NAME, ask_all)
