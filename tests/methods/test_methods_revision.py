from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_pairs import make_pair, request_for
from small_world import pair_lines, write_lines

from vscbench.errors import UsageError
from vscbench.methods.fitting.apart import development_half, fingerprints, first_shared
from vscbench.methods.fitting.choosing import AlphaPoint
from vscbench.methods.open import open_method
from vscbench.methods.protocol import Method, MethodSpec, ParamValue
from vscbench.methods.revision import GATED_POINT
from vscbench.methods.vector_header import Development, Gate, Level, Place, VectorHeader, width_of
from vscbench.methods.vectors import Vectors, write_vector_file
from vscbench.pairs.open import open_pairs, pairs_sha256
from vscbench.pairs.split import Split, half
from vscbench.records import Finish, Label, Pair, Response, Revision

pytest.importorskip("safetensors", reason="vector files are safetensors")

WEIGHTS = "ab" * 32
GATE = Gate(1, 0.9, 0.4)
NOTHING = Development(WEIGHTS, 0, (), (), ())


def header(
    level: Level = "layer",
    gate: Gate | None = GATE,
    development: Development = NOTHING,
    alpha: float | None = 2.0,
    curve: Sequence[dict[str, object]] = (),
) -> VectorHeader:
    heads = (None, None) if level == "layer" else (0, 1)
    return VectorHeader(
        level=level,
        vector="mass-mean",
        samples="responses",
        model="local:./small",
        weights_sha256=WEIGHTS,
        commit=None,
        dtype="float32",
        hidden_size=6,
        layers=3,
        heads=2,
        head_size=4,
        places=tuple(
            Place(layer, head, 0.9, 1.5) for layer, head in zip((2, 1), heads, strict=True)
        ),
        alpha=alpha,
        curve=tuple(curve),
        gate=gate,
        samples_sha256=WEIGHTS,
        development=development,
        version="1.0",
    )


def write(path: Path, said: VectorHeader) -> Path:
    rows = np.eye(len(said.places), width_of(said), dtype=np.float32)
    gate = (np.ones(said.hidden_size, np.float32), np.zeros(1, np.float32)) if said.gate else ()
    return write_vector_file(path, said, Vectors(rows, *gate)).path


def open_with(name: str, path: Path | str | None, **params: ParamValue) -> Method:
    source = None if path is None else str(path)
    return open_method(MethodSpec(name, source, params))


@pytest.fixture
def layer_file(tmp_path: Path) -> Path:
    return write(tmp_path / "layers.safetensors", header())


@pytest.fixture
def head_file(tmp_path: Path) -> Path:
    return write(tmp_path / "heads.safetensors", header("head"))


def test_a_request_says_which_file_how_far_and_from_when(layer_file: Path) -> None:
    request = request_for(make_pair("tea"))
    revision = open_with("revision-layer", layer_file).prepare(request).revision
    assert revision == Revision(layer_file, revision.sha256 if revision else "", 2.0, None)
    gated = open_with("revision-gated", layer_file).prepare(request).revision
    assert gated is not None
    assert (gated.alpha, gated.threshold) == (2.0, 0.4)


def test_what_a_person_gives_goes_before_what_was_chosen(layer_file: Path) -> None:
    request = request_for(make_pair("tea"))
    method = open_with("revision-gated", None, file=str(layer_file), alpha=5, threshold=0.9)
    revision = method.prepare(request).revision
    assert revision is not None
    assert (revision.alpha, revision.threshold) == (5.0, 0.9)
    assert open_with("revision-layer", layer_file, alpha=0).params["alpha"] == 0.0


def test_the_gated_method_takes_the_alpha_that_is_best_with_the_gate(tmp_path: Path) -> None:
    def at(alpha: float, unsafe: float) -> dict[str, object]:
        return AlphaPoint(alpha, unsafe, 0.9, None, None, 0.0, 10).pack()

    curve = [
        {**at(alpha, plain), GATED_POINT: at(alpha, gated)}
        for alpha, plain, gated in ((0, 0.1, 0.1), (1, 0.5, 0.4), (3, 0.2, 0.8))
    ]
    file = write(tmp_path / "curve.safetensors", header(alpha=1.0, curve=curve))
    assert open_with("revision-gated", file).params["alpha"] == 3
    assert open_with("revision-layer", file).params["alpha"] == 1


def test_the_key_changes_with_whatever_changes_a_response(
    layer_file: Path, head_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(layer_file.read_bytes())
    methods = [
        open_with("revision-layer", layer_file),
        open_with("revision-layer", layer_file, alpha=3),
        open_with("revision-head", head_file),
        open_with("revision-gated", layer_file),
        open_with("revision-gated", layer_file, threshold=0.5),
        open_with("revision-gated", head_file),
    ]
    assert len({method.key for method in methods}) == len(methods)
    assert open_with("revision-layer", copy).key == methods[0].key
    request = request_for(make_pair("tea"))
    assert {method.prepare(request).method for method in methods} == {
        method.key for method in methods
    }


def test_what_is_recorded_says_where_and_from_what(head_file: Path) -> None:
    params = open_with("revision-gated", head_file).params
    assert params["places"] == ["2.0", "1.1"]
    assert (params["level"], params["file"]) == ("head", "heads.safetensors")
    assert (params["vector"], params["samples"]) == ("mass-mean", "responses")
    assert params["threshold"] == 0.4
    assert "threshold" not in open_with("revision-head", head_file).params


def test_a_response_stays_as_it_is(layer_file: Path) -> None:
    response = Response("Boil water.", Finish.LENGTH)
    method = open_with("revision-layer", layer_file)
    assert method.read(response) is response
    assert method.revises_activations


@pytest.mark.parametrize(
    ("name", "file", "params", "said"),
    [
        ("revision-layer", None, {}, "make one with 'vscbench method fit'"),
        ("revision-layer", "absent.safetensors", {}, "absent.safetensors: .* cannot be read"),
        ("revision-layer", "heads.safetensors", {}, "directions of heads; use revision-head"),
        ("revision-head", "layers.safetensors", {}, "directions of layers; use revision-layer"),
        ("revision-layer", "layers.safetensors", {"threshold": 0.5}, "knows only file, alpha"),
        ("revision-gated", "layers.safetensors", {"beta": 1}, "knows only file, alpha, threshold"),
        ("revision-layer", "layers.safetensors", {"alpha": "much"}, "a number is needed"),
        ("revision-layer", "layers.safetensors", {"alpha": True}, "a number is needed"),
        ("revision-gated", "layers.safetensors", {"threshold": 2}, "a number from 0 to 1 is"),
        ("revision-gated", "ungated.safetensors", {}, "has no gate; make it anew"),
        ("revision-layer", "ungated.safetensors", {}, "no alpha was chosen .* alpha=NUMBER"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_says_what_to_do(
    tmp_path: Path, name: str, file: str | None, params: dict[str, ParamValue], said: str
) -> None:
    write(tmp_path / "layers.safetensors", header())
    write(tmp_path / "heads.safetensors", header("head"))
    write(tmp_path / "ungated.safetensors", header(gate=None, alpha=None))
    with pytest.raises(UsageError, match=said) as caught:
        open_method(MethodSpec(name, file, params, tmp_path))
    assert "\n" not in str(caught.value)


def test_a_model_that_shows_no_activations_is_refused(layer_file: Path) -> None:
    method = open_with("revision-layer", layer_file)
    for identity in (None, {"litellm_id": "openai/gpt-4o"}):
        with pytest.raises(UsageError, match=r"gpt-4o shows nothing .* \(--model=local:"):
            method.require_model("gpt-4o", identity)


def test_a_file_made_for_other_weights_is_refused(layer_file: Path) -> None:
    method = open_with("revision-layer", layer_file)
    method.require_model("local:./small", {"weights_sha256": WEIGHTS})
    with pytest.raises(UsageError, match=r"was made for local:\./small \(weights abababababab\)"):
        method.require_model("local:./other", {"weights_sha256": "cd" * 32})


@pytest.fixture(scope="module")
def everything() -> tuple[Pair, ...]:
    return open_pairs("embedded", Path()).pairs


def test_the_other_half_of_the_set_can_be_asked_and_no_pair_of_this_one(
    everything: tuple[Pair, ...], tmp_path: Path
) -> None:
    _, development = development_half(everything, 0)
    file = write(tmp_path / "fitted.safetensors", header(development=development))
    method = open_with("revision-layer", file)
    method.require_apart(half(everything, Split.TEST))
    for pair in half(everything, Split.DEVELOPMENT):
        with pytest.raises(UsageError, match=rf"{pair.id} shares .* --vsc-split test") as caught:
            method.require_apart([*half(everything, Split.TEST), pair])
        assert str(file) in str(caught.value)


def test_halves_of_another_seed_are_named(everything: tuple[Pair, ...], tmp_path: Path) -> None:
    _, development = development_half(everything, 3)
    file = write(tmp_path / "fitted.safetensors", header(development=development))
    with pytest.raises(UsageError, match=r"--vsc-split test --vsc-split-seed 3"):
        open_with("revision-layer", file).require_apart(everything)


def development_of(pairs: Sequence[Pair]) -> Development:
    return fingerprints(pairs, set_sha256=pairs_sha256(pairs), seed=0)


def test_the_same_query_in_another_set_is_found_however_it_is_written() -> None:
    learnt = make_pair("tea", Label.UNSAFE)
    asked = replace(make_pair("other"), query="  what ABOUT tea ", prompt="What is this?")
    assert first_shared([make_pair("door"), asked], development_of([learnt])) == (
        asked,
        "its query",
    )
    assert first_shared([make_pair("door")], development_of([learnt])) is None


def test_the_same_picture_under_another_name_is_found(tmp_path: Path) -> None:
    for name, content in (("a.png", b"one"), ("b.png", b"one"), ("c.png", b"two")):
        (tmp_path / name).write_bytes(content)
    learnt, asked, apart = (
        replace(make_pair(name), image=tmp_path / f"{name}.png") for name in "abc"
    )
    said = development_of([learnt])
    assert first_shared([apart, asked], said) == (asked, "its image")
    assert first_shared([apart], said) is None
    absent = replace(make_pair("d"), image=tmp_path / "absent.png")
    assert first_shared([absent], said) is None


def test_a_pair_without_a_query_is_never_asked_and_touches_nothing() -> None:
    silent = replace(make_pair("tea"), query="")
    assert first_shared([silent], development_of([silent, make_pair("tea")])) is None


def test_a_development_pair_whose_picture_is_also_in_the_other_half_is_left_out(
    tmp_path: Path,
) -> None:
    pairs = []
    for number in range(12):
        image = tmp_path / f"{number}.png"
        image.write_bytes(b"the same" if number < 6 else str(number).encode())
        pairs.append(replace(make_pair(f"p{number:02}"), image=image))
    usable, said = development_half(pairs, 0)
    asked = half(pairs, Split.TEST)
    same = {pair.id for pair in pairs[:6]}
    assert same & {pair.id for pair in asked}
    assert not same & {pair.id for pair in usable}
    assert {pair.id for pair in usable} | same >= {pair.id for pair in pairs} - {
        pair.id for pair in asked
    }
    assert first_shared(asked, said) is None
    assert len(said.images) == len(usable)


def test_all_variants_of_a_cluster_are_kept_from_whatever_was_used(tmp_path: Path) -> None:
    """Those of pairs that no filter let through are in the file too."""
    write_lines(tmp_path / "pairs.jsonl", pair_lines())
    pairs = open_pairs("pairs.jsonl", tmp_path).pairs
    usable, said = development_half(pairs, 0)
    assert {pair.id for pair in usable} == {pair.id for pair in half(pairs, Split.DEVELOPMENT)}
    for pair in usable:
        assert first_shared([pair], said) == (pair, "its query")
