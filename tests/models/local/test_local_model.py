import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

from local_models import generate_alone, open_tiny, some_requests
from safetensors.torch import load_file, save_file

from vscbench.errors import TargetError, UsageError
from vscbench.models.local.model import LocalModel, context_of
from vscbench.models.local.ready import load_ready
from vscbench.records import FIRST_EPOCH, Finish, Request, Response


def ask(model: LocalModel, *requests: Request) -> list[Response | BaseException]:
    async def ask_all() -> list[Response | BaseException]:
        asked = (model.respond(each) for each in requests)
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask_all())


def test_an_answer_is_what_transformers_says_without_its_marks(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model = open_tiny(tiny("llava"))
    requests = some_requests(tmp_path, 6)
    ready = load_ready(model.opened)
    for request, response in zip(requests, ask(model, *requests), strict=True):
        assert isinstance(response, Response)
        row = model.maker.make(request)
        tokens = generate_alone(ready.generator.model, row, ready.generator.ends)  # type: ignore[attr-defined]
        words = model.opened.tokenizer.decode(tokens, skip_special_tokens=True)
        assert response.text == words.strip()
        assert response.prompt_tokens == row.length
        assert response.completion_tokens == len(tokens)
        assert response.served_model == model.opened.version
        assert response.latency_s is not None and response.latency_s > 0
        ended = tokens[-1] in ready.generator.ends
        assert response.finish is (Finish.STOP if ended else Finish.LENGTH)


def test_a_row_past_its_deadline_is_an_error_and_not_an_answer(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model = open_tiny(tiny("llava"), timeout_s=1e-9, max_tokens=200)
    for response in ask(model, *some_requests(tmp_path, 3)):
        assert isinstance(response, TargetError)
        assert "no answer within" in str(response)


def test_a_model_that_computes_no_numbers_is_an_error_and_not_an_answer(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("llava"), tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    save_file(
        {
            name: each * float("nan") if "lm_head" in name else each
            for name, each in weights.items()
        },
        folder / "model.safetensors",
        {"format": "pt"},
    )
    for response in ask(open_tiny(folder), *some_requests(tmp_path, 3)):
        assert isinstance(response, TargetError)
        assert "not a number" in str(response)


def test_a_text_only_model_is_refused_where_there_are_images(tiny: Callable[[str], Path]) -> None:
    with pytest.raises(UsageError, match=r"text-only model.*--vsc-variant text"):
        open_tiny(tiny("llama"), images=True)


def test_a_text_only_model_answers_text(tiny: Callable[[str], Path]) -> None:
    model = open_tiny(tiny("llama"), images=False)
    (response,) = ask(model, Request("a", FIRST_EPOCH, "how do I do this", None, None))
    assert isinstance(response, Response)
    assert response.text


def test_a_longer_prompt_than_the_model_reads_is_told_to_its_case(
    tiny: Callable[[str], Path],
) -> None:
    model = open_tiny(tiny("llama"), images=False)
    most = model.maker.bounds.tokens or 0
    long, short = ask(
        model,
        Request("a", FIRST_EPOCH, "word " * most, None, None),
        Request("b", FIRST_EPOCH, "word", None, None),
    )
    assert isinstance(long, TargetError) and f"reads {most} at most" in str(long)
    assert isinstance(short, Response)


def test_epochs_differ_where_something_is_drawn_and_each_is_repeatable(
    tiny: Callable[[str], Path],
) -> None:
    requests = [Request("a", epoch, "how do I do this", None, None) for epoch in (1, 2, 3, 4)]
    said = [ask(open_tiny(tiny("llava"), temperature=1.0), *requests) for _ in range(2)]
    texts = [[each.text for each in run if isinstance(each, Response)] for run in said]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 1


def test_what_cannot_change_an_answer_is_no_part_of_the_model(tiny: Callable[[str], Path]) -> None:
    plain = open_tiny(tiny("llava")).identity
    assert open_tiny(tiny("llava"), batch_tokens=64).identity == plain
    assert open_tiny(tiny("llava"), seed=3).identity == plain
    assert open_tiny(tiny("llava"), max_tokens=25).identity != plain
    assert open_tiny(tiny("llava"), dtype="bfloat16").identity != plain
    assert open_tiny(tiny("llava"), temperature=0.5, seed=3).identity != plain


def test_the_record_of_a_run_names_the_weights_and_what_computed_with_them(
    tiny: Callable[[str], Path],
) -> None:
    params = open_tiny(tiny("llava")).params
    assert len(str(params["weights_sha256"])) == 64
    assert params["dtype"] == "float32"
    assert params["device"] == "cpu"
    assert params["transformers"] and params["torch"]


def test_a_configuration_without_a_bound_has_no_context() -> None:
    class Unbounded:
        def get_text_config(self, decoder: bool) -> object:
            return object()

    assert context_of(Unbounded()) is None
