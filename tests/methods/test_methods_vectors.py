import dataclasses
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.methods.vector_header import (
    Development,
    Gate,
    Place,
    VectorHeader,
    pack_header,
    width_of,
)
from vscbench.methods.vectors import (
    Vectors,
    read_vector_file,
    read_vectors,
    write_vector_file,
)

pytest.importorskip("safetensors", reason="vector files are safetensors")

DIGEST = "ab" * 32
WORDS = st.text(max_size=8)
SHARES = st.floats(0, 1)
JSON = st.dictionaries(WORDS, st.one_of(st.none(), st.integers(), WORDS, st.floats(-9, 9)))


def header(**changed: Any) -> VectorHeader:  # noqa: ANN401 - fields of many types
    fields: dict[str, Any] = {
        "level": "layer",
        "vector": "mass-mean",
        "samples": "texts",
        "model": "local:./model",
        "weights_sha256": DIGEST,
        "commit": None,
        "dtype": "float32",
        "hidden_size": 6,
        "layers": 3,
        "heads": 2,
        "head_size": 4,
        "places": (Place(0, None, 0.75, 1.5), Place(2, None, 0.5, 0.25)),
        "alpha": 4.0,
        "curve": ({"alpha": 4.0, "safe": 0.5},),
        "gate": None,
        "samples_sha256": DIGEST,
        "development": Development(DIGEST, 0, ("a",), ("b",), ()),
        "version": "1.0",
    }
    return VectorHeader(**{**fields, **changed})


def vectors_for(said: VectorHeader, seed: int = 0) -> Vectors:
    chance = np.random.default_rng(seed)
    drawn = chance.normal(size=(len(said.places), width_of(said)))
    directions = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    if said.gate is None:
        return Vectors(directions)
    weight = chance.normal(size=said.hidden_size).astype(np.float32)
    return Vectors(directions, weight, np.array([0.5], np.float32))


@st.composite
def headers(draw: st.DrawFn) -> VectorHeader:
    layers, heads = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    level = draw(st.sampled_from(["layer", "head"]))
    head = st.integers(0, heads - 1) if level == "head" else st.none()
    layer = st.integers(0, layers - 1)
    named = draw(st.sets(st.tuples(layer, head), min_size=1))
    gates = st.builds(Gate, layer, SHARES, SHARES)
    groups = [draw(st.lists(WORDS, max_size=3).map(tuple)) for _ in range(3)]
    return header(
        level=level,
        vector=draw(st.sampled_from(["mass-mean", "probe"])),
        samples=draw(st.sampled_from(["texts", "response", "responses"])),
        model=draw(WORDS),
        commit=draw(st.none() | WORDS),
        hidden_size=draw(st.integers(1, 9)),
        layers=layers,
        heads=heads,
        head_size=draw(st.integers(1, 9)),
        places=tuple(Place(*each, draw(SHARES), draw(st.floats(0, 99))) for each in named),
        alpha=draw(st.none() | st.floats(-99, 99)),
        curve=tuple(draw(st.lists(JSON, max_size=3))),
        gate=draw(st.none() | gates),
        development=Development(DIGEST, draw(st.integers(0, 2**63)), *groups),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vectors")


@given(said=headers(), seed=st.integers(0, 99))
@settings(deadline=None)
def test_a_vector_file_says_what_was_written(said: VectorHeader, seed: int, folder: Path) -> None:
    vectors = vectors_for(said, seed)
    written = write_vector_file(folder / "any.safetensors", said, vectors)
    found = read_vector_file(folder / "any.safetensors")
    assert found == written
    assert found.sha256 == hashlib.sha256(found.path.read_bytes()).hexdigest()
    assert pack_header(found) == pack_header(said)
    numbers = read_vectors(found)
    assert np.array_equal(numbers.directions, vectors.directions)
    if said.gate is None:
        assert numbers.gate_weight is None and numbers.gate_bias is None
    else:
        assert np.array_equal(numbers.gate_weight, vectors.gate_weight)  # type: ignore[arg-type]
        assert np.array_equal(numbers.gate_bias, vectors.gate_bias)  # type: ignore[arg-type]
    assert [each.name for each in folder.iterdir()] == ["any.safetensors"]


def refusal(path: Path, act: Callable[[Path], object] = read_vector_file) -> str:
    with pytest.raises(UsageError) as raised:
        act(path)
    said = str(raised.value)
    assert str(path) in said
    assert "\n" not in said
    return said


def with_front(path: Path, front: bytes, tensors: bytes = b"\0" * 48) -> Path:
    path.write_bytes(len(front).to_bytes(8, "little") + front + tensors)
    return path


def with_header(path: Path, said: object, **tensors: object) -> Path:
    """Write a file by hand; of what is said, anything can be wrong."""
    whole = {"dtype": "F32", "shape": [2, 6], "data_offsets": [0, 48]}
    front = {"__metadata__": {"vscbench": json.dumps(said)}, "directions": whole, **tensors}
    return with_front(path, json.dumps(front).encode())


def test_a_file_by_hand_is_read_where_nothing_is_wrong(tmp_path: Path) -> None:
    found = read_vector_file(with_header(tmp_path / "v", pack_header(header())))
    assert found.places == header().places


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("format", "vscbench-revision-2", "its format is 'vscbench-revision-2'"),
        ("format", None, "its format is None"),
        ("level", "neuron", "its level is 'neuron'"),
        ("level", ["layer"], "its level is"),
        ("level", "head", "its head is no whole number"),
        ("vector", "pca", "its vector is 'pca'"),
        ("model", 7, "its model is no text"),
        ("weights_sha256", "../x", "its weights_sha256 is no SHA-256"),
        ("hidden_size", True, "its hidden_size is no whole number"),
        ("hidden_size", 10**30, "its hidden_size is no whole number"),
        ("hidden_size", 7, "directions has the shape [2, 6] in place of [2, 7]"),
        ("layers", 0, "its layers is no whole number from 1"),
        ("layers", 2, "its layer is no whole number from 0 to 1"),
        ("places", [], "its places are none"),
        ("places", "all", "its places is no list"),
        ("places", [[0]], "its places is no list"),
        ("alpha", float("nan"), "NaN is no number"),
        ("alpha", float("inf"), "Infinity is no number"),
        ("alpha", 10**400, "its alpha is out of bounds"),
        ("alpha", "4", "its alpha is no number"),
        ("curve", [7], "its curve is no list"),
        ("gate", [], "its gate is no JSON object"),
        ("gate", {"layer": 1, "accuracy": 2, "threshold": 0.5}, "its accuracy is out of bounds"),
        ("gate", {"layer": 3, "accuracy": 1, "threshold": 0.5}, "its layer is no whole number"),
        ("development", None, "its development is no JSON object"),
    ],
)
def test_a_header_that_does_not_hold_together_is_refused(
    name: str, value: object, reason: str, tmp_path: Path
) -> None:
    path = with_header(tmp_path / "v", {**pack_header(header()), name: value})
    assert reason in refusal(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("layer", -1), ("layer", 0.0), ("head", 0), ("accuracy", 1.01), ("spread", -1), ("layer", 2)],
)
def test_a_place_that_cannot_be_is_refused(field: str, value: object, tmp_path: Path) -> None:
    said = pack_header(header())
    said["places"][0][field] = value
    refusal(with_header(tmp_path / "v", said))


@pytest.mark.parametrize(
    "tensors",
    [
        {"directions": {"dtype": "F16", "shape": [2, 6], "data_offsets": [0, 24]}},
        {"directions": {"dtype": "F32", "shape": [6, 2], "data_offsets": [0, 48]}},
        {"directions": {"dtype": "F32", "shape": [3, 6], "data_offsets": [0, 72]}},
        {"directions": 7},
        {"gate.weight": {"dtype": "F32", "shape": [6], "data_offsets": [48, 72]}},
    ],
)
def test_tensors_of_other_kinds_and_shapes_are_refused(
    tensors: dict[str, object], tmp_path: Path
) -> None:
    refusal(with_header(tmp_path / "v", pack_header(header()), **tensors))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4,
        b"\xff" * 8 + b"{}",
        (10**9).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{}",
        (8).to_bytes(8, "little") + b"\xff\xfe{}\0\0\0\0",
        (40_000).to_bytes(8, "little") + b"[" * 40_000,
        b"PK\x03\x04" + b"\0" * 60,
    ],
)
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(content)
    assert "'vscbench method fit' writes one" in refusal(tmp_path / "v")


@given(cut=st.integers(1, 100_000))
@settings(deadline=None)
def test_a_file_that_is_cut_short_is_refused_wherever_it_is_cut(cut: int, folder: Path) -> None:
    whole = write_vector_file(folder / "whole", header(), vectors_for(header())).path.read_bytes()
    (folder / "cut").write_bytes(whole[: -(1 + cut % len(whole))])
    refusal(folder / "cut")
    (folder / "cut").unlink()
    (folder / "whole").unlink()


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "gone")
    refusal(tmp_path)


def test_weights_of_a_model_are_no_vectors(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"directions": np.ones((2, 6), np.float32)}, tmp_path / "v", {"format": "pt"})
    assert "has no 'vscbench' in its metadata" in refusal(tmp_path / "v")


def test_a_file_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    found = write_vector_file(tmp_path / "v", header(), vectors_for(header()))
    write_vector_file(tmp_path / "v", header(), vectors_for(header(), seed=1))
    assert "was changed meanwhile" in refusal(tmp_path / "v", lambda _: read_vectors(found))


@pytest.mark.parametrize("wrong", [2.0, 0.0, float("nan")])
def test_what_is_no_direction_is_not_written(wrong: float, tmp_path: Path) -> None:
    good = vectors_for(header()).directions
    write_vector_file(tmp_path / "v", header(), Vectors(good))
    before = (tmp_path / "v").read_bytes()
    refusal(tmp_path / "v", lambda path: write_vector_file(path, header(), Vectors(good * wrong)))
    assert (tmp_path / "v").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_gate_and_a_header_that_speaks_of_none_do_not_fit(tmp_path: Path) -> None:
    gated = dataclasses.replace(header(), gate=Gate(1, 0.9, 0.5))
    for said, numbers in ((header(), vectors_for(gated)), (gated, vectors_for(header()))):
        with pytest.raises(UsageError, match="its tensors are"):
            write_vector_file(tmp_path / "v", said, numbers)
    assert not list(tmp_path.iterdir())


def test_nothing_heavy_is_imported_to_read_what_a_file_says(tmp_path: Path) -> None:
    write_vector_file(tmp_path / "v", header(), vectors_for(header()))
    program = (
        "import sys, pathlib; from vscbench.methods.vectors import read_vector_file;"
        "print(read_vector_file(pathlib.Path(sys.argv[1])).level,"
        "sorted({'torch', 'numpy', 'safetensors'} & sys.modules.keys()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "v")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == "layer []\n"
