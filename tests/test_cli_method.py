import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_pairs import request_for

pytest.importorskip("torch", reason="fitting needs torch")
pytest.importorskip("transformers", reason="fitting needs transformers")
pytest.importorskip("sklearn", reason="fitting needs scikit-learn")

from local_models import open_tiny
from planted_directions import LAYER, LAYERS, Planted, plant, write_planted_pairs

from vscbench.cli import main
from vscbench.cli_method import read_alphas
from vscbench.errors import UsageError
from vscbench.methods.open import open_method
from vscbench.methods.protocol import MethodSpec
from vscbench.methods.vectors import VectorFile, read_vector_file
from vscbench.pairs.open import open_pairs
from vscbench.pairs.split import Split, half
from vscbench.records import Response

CONTRASTS = 40


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted") / "model")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted_pairs(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", CONTRASTS)


def fit(name: str, planted: Planted, pairs: Path, output: Path, *arguments: str) -> Result:
    command = ["method", "fit", name, "-o", str(output), f"--model=local:{planted.folder}"]
    params = ["--param=device=cpu", "--param=max_tokens=12", f"--pairs={pairs}", "--variant=text"]
    return CliRunner().invoke(main, [*command, *params, *arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def fitted(
    planted: Planted, pairs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Result, VectorFile]:
    file = tmp_path_factory.mktemp("fitted") / "layers.safetensors"
    options = ("--places=1", "--alphas=1,4", "--samples=texts")
    result = fit("revision-layer", planted, pairs, file, *options)
    assert result.exit_code == 0, result.output
    return result, read_vector_file(file)


def test_a_fitted_file_says_what_it_was_made_from(
    fitted: tuple[Result, VectorFile], planted: Planted
) -> None:
    _, file = fitted
    assert [(place.layer, place.head) for place in file.places] == [(LAYER, None)]
    assert file.places[0].accuracy > 0.9
    assert file.gate is not None
    assert file.gate.layer == LAYER
    assert (file.level, file.samples, file.vector) == ("layer", "texts", "mass-mean")
    assert (file.layers, file.hidden_size, file.model) == (LAYERS, 64, f"local:{planted.folder}")
    assert [point["alpha"] for point in file.curve] == [0, 1, 4]
    assert file.alpha in {0, 1, 4}


def test_each_step_is_told_and_the_curve_is_shown(fitted: tuple[Result, VectorFile]) -> None:
    result, file = fitted
    for step in ("pairs: 20 for the directions, 20 to choose alpha", "activations: ", "probe: "):
        assert step in result.stderr
    assert "gate: layer 2, right on 100 % of held-out requests" in result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if re.match(r" +[0-9.]+ ", line)]
    assert [float(row[0]) for row in rows] == [0, 1, 4]
    assert str(file.path) in result.stdout
    assert "SRA_u" in result.stdout
    assert "loaded /" not in result.stdout


def test_the_file_shows_what_it_holds(fitted: tuple[Result, VectorFile]) -> None:
    result, file = fitted
    shown = CliRunner().invoke(main, ["method", "show", str(file.path)])
    assert shown.exit_code == 0
    assert f"weights   sha256:{file.weights_sha256}" in shown.output
    assert re.search(r"^2 +100\.0 ", shown.output, re.MULTILINE)
    curve = result.stdout.partition("\n\n")[0]
    assert curve in shown.output


def test_the_method_answers_with_it_and_only_the_other_half_can_be_asked(
    fitted: tuple[Result, VectorFile], planted: Planted, pairs: Path
) -> None:
    _, file = fitted
    everything = open_pairs(str(pairs), Path()).pairs
    method = open_method(MethodSpec("revision-layer", str(file.path), {"alpha": 40}))
    asked = half(everything, Split.TEST)
    method.require_apart(asked)
    with pytest.raises(UsageError, match="--vsc-split test"):
        method.require_apart(everything)
    model = open_tiny(planted.folder, images=False, max_tokens=12)
    method.require_model(model.name, model.identity)

    async def ask() -> list[tuple[Response, Response]]:
        plain = [request_for(pair) for pair in asked[:6]]
        said = [model.respond(each) for each in (*plain, *map(method.prepare, plain))]
        found = await asyncio.gather(*said)
        return list(zip(found[:6], found[6:], strict=True))

    assert any(plain.text != revised.text for plain, revised in asyncio.run(ask()))


def test_at_alpha_zero_the_curve_is_that_of_the_model_as_it_is_with_and_without_the_gate(
    fitted: tuple[Result, VectorFile],
) -> None:
    _, file = fitted
    at_zero = dict(file.curve[0])
    assert at_zero.pop("gated") == at_zero


def test_heads_are_fitted_as_layers_are(planted: Planted, pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "heads.safetensors"
    options = ("--places=3", "--alphas=2", "--samples=responses", "--vector=probe")
    result = fit("revision-head", planted, pairs, file, *options)
    assert result.exit_code == 0, result.output
    found = read_vector_file(file)
    assert found.level == "head"
    assert len({(place.layer, place.head) for place in found.places}) == 3
    assert (found.samples, found.vector) == ("responses", "probe")
    assert open_method(MethodSpec("revision-gated", str(file))).params["level"] == "head"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model=openai/gpt-4o"], "its activations cannot be read"),
        (["--alphas=1,much"], "--alphas: 'much' is not a number"),
        (["--variant=texts"], "--variant: 'texts' is none of text"),
        (["--category=absent"], "--category: no category 'absent'"),
        (["--sample=8"], "clusters of development pairs"),
        (["--pairs=absent"], "no pairs: neither a file nor a folder"),
        (["--judge=clairvoyant"], "unknown judge 'clairvoyant'"),
        (["-o", "absent/layers.safetensors"], "there is no folder"),
    ],
)
def test_what_cannot_be_fitted_is_one_line_and_writes_nothing(
    planted: Planted, pairs: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    result = fit("revision-layer", planted, pairs, tmp_path / "layers.safetensors", *arguments)
    assert result.exit_code == 2
    (message,) = (line for line in result.stderr.splitlines() if line.startswith("vscbench: "))
    assert said in message
    assert "--vsc-sample" not in message
    assert list(tmp_path.iterdir()) == []


def test_alphas_are_read_once_each_in_order_and_zero_is_among_them() -> None:
    assert read_alphas("4, 1,1,0.5") == (0.0, 0.5, 1.0, 4.0)
    assert read_alphas("") == (0.0,)
    for wrong in ("nan", "inf", "1;2"):
        with pytest.raises(UsageError, match="is not a number"):
            read_alphas(wrong)


def test_no_vector_file_is_shown_as_one(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_text("{}", encoding="utf-8")
    result = CliRunner().invoke(main, ["method", "show", str(path)])
    assert result.exit_code == 2
    assert "is no vector file" in result.stderr
