from pathlib import Path

import pytest
from click.testing import CliRunner
from servers import openai_server
from small_world import outcomes_of, summary_of, timeless

pytest.importorskip("torch", reason="activations need torch")
pytest.importorskip("transformers", reason="activations need transformers")
pytest.importorskip("sklearn", reason="fitting needs scikit-learn")

from planted_directions import plant, write_planted_pairs

from vscbench.cli import main

CONTRASTS = 16
TINY = ("--vsc-param=device=cpu", "--vsc-param=max_tokens=8", "--vsc-judge=keywords")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, pairs, and a vector file that was made of half of them."""
    folder = tmp_path_factory.mktemp("fitted")
    plant(folder / "model")
    write_planted_pairs(folder / "pairs.jsonl", CONTRASTS)
    fit = ["method", "fit", "revision-layer", "-o", str(folder / "layers.safetensors")]
    params = ["--param=device=cpu", "--param=max_tokens=8", "--places=1", "--alphas=1"]
    place = [f"--model=local:{folder / 'model'}", f"--pairs={folder / 'pairs.jsonl'}"]
    done = CliRunner().invoke(main, [*fit, *place, *params], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folder


def run(
    pytester: pytest.Pytester, fitted: Path, method: str, *more: str, split: str = "test"
) -> pytest.RunResult:
    source = "" if method == "none" else f":{fitted / 'layers.safetensors'}"
    return pytester.runpytest(
        f"--model=local:{fitted / 'model'}",
        f"--vsc-pairs={fitted / 'pairs.jsonl'}",
        f"--vsc-split={split}",
        f"--vsc-method={method}{source}",
        *TINY,
        *more,
    )


def test_a_revision_changes_what_is_said_the_same_way_whatever_the_number_of_workers(
    pytester: pytest.Pytester, fitted: Path
) -> None:
    said = {}
    alpha = "--vsc-method-param=alpha=40"
    for name, method, options in (
        ("plain", "none", ()),
        ("still", "revision-layer", ("--vsc-method-param=alpha=0",)),
        ("alone", "revision-gated", (alpha,)),
        ("workers", "revision-gated", (alpha, "-n2")),
    ):
        store = f"--vsc-store={name}/store.sqlite"
        run(pytester, fitted, method, *options, store, f"--vsc-report={name}/reports")
        folder = pytester.path / name
        said[name] = [timeless(row) for row in outcomes_of(folder)]
        assert summary_of(folder)["complete"]
        assert not any(row["error"] for row in said[name])
    assert said["alone"] == said["workers"]
    texts = {name: [row["response"] for row in rows] for name, rows in said.items()}
    assert texts["plain"] == texts["still"]
    assert texts["plain"] != texts["alone"]
    found = summary_of(pytester.path / "alone")["run"]
    assert found["method"] == "revision-gated"
    assert (found["method_params"]["alpha"], found["selection"]["split"]) == (40, "test")


@pytest.mark.parametrize(
    ("asked", "split", "said"),
    [
        (("revision-layer",), "development", "*was made from pairs that are asked here*"),
        (("revision-head",), "test", "*holds directions of layers; use revision-layer*"),
        (
            ("revision-layer", "--vsc-method-param=threshold=0.5"),
            "test",
            "*knows only file, alpha*",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_loaded(
    pytester: pytest.Pytester, fitted: Path, asked: tuple[str, ...], split: str, said: str
) -> None:
    result = run(pytester, fitted, *asked, split=split)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert "Traceback" not in result.stderr.str()


def test_a_file_of_other_weights_is_refused(pytester: pytest.Pytester, fitted: Path) -> None:
    plant(pytester.path / "other", seed=1)
    result = run(pytester, fitted, "revision-layer", f"--vsc-model=local:{pytester.path / 'other'}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*was made for local:* and * has others*"])


def test_activations_cannot_be_asked_of_an_api(pytester: pytest.Pytester, fitted: Path) -> None:
    with openai_server(lambda body: "Sure.") as server:
        address = f"--vsc-api-base={server.base_url}"
        result = run(pytester, fitted, "revision-layer", "--vsc-model=openai/a-model", address)
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*only in weights that are loaded here*openai/a-model is not*"])
