"""The steps of ``vscbench method fit``: from a model and a set of pairs to a vector file."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vscbench
from vscbench.cli_method_curve import ask_at_alphas, cases_at_alphas, curve_of, packed
from vscbench.cli_options import judge_store
from vscbench.engine.judging import Bench, judging
from vscbench.errors import UsageError
from vscbench.judges.spec import JudgeSpec
from vscbench.methods.fitting.apart import development_half
from vscbench.methods.fitting.choosing import choose_alpha
from vscbench.methods.fitting.directions import direction_at
from vscbench.methods.fitting.gate import FittedGate, fit_gate
from vscbench.methods.fitting.probes import best_places, folds_of, held_out_at
from vscbench.methods.fitting.samples import (
    ContrastSample,
    prompt_samples,
    samples_of,
    samples_sha256,
)
from vscbench.methods.vector_header import (
    Development,
    Level,
    Place,
    SampleKind,
    VectorHeader,
    VectorKind,
)
from vscbench.methods.vectors import VectorFile, Vectors, write_vector_file
from vscbench.models.local.activations import (
    ActivationReader,
    Activations,
    OpenedForReading,
    Sample,
    open_for_reading,
)
from vscbench.models.local.opening import LocalOpening
from vscbench.pairs.images import require_decodable_images
from vscbench.pairs.open import open_pairs
from vscbench.pairs.selection import Selection, select
from vscbench.pairs.split import Split, half
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.records import Label, Pair

Tell = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FitAsked:
    """What a person asked to be fitted, and on what."""

    level: Level
    opening: LocalOpening
    pairs: str
    selection: Selection
    split_seed: int
    samples: SampleKind
    vector: VectorKind
    places: int
    alphas: tuple[float, ...]
    judge: JudgeSpec
    store: Path | None
    concurrency: int | None
    output: Path
    forms: tuple[ReasoningForm, ...] = BUILT_IN_FORMS


@dataclass(frozen=True, slots=True)
class Material:
    """The development half of a set: what directions are made from, and what alpha is chosen on.

    The two share no cluster.
    """

    fitting: tuple[Pair, ...]
    choosing: tuple[Pair, ...]
    development: Development


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the steps work with: a model to read and to ask, a judge, and who is told of it all.

    ``tell`` is given one line a step, ``progress`` how many of how many requests are answered.
    """

    opened: OpenedForReading
    bench: Bench
    tell: Tell
    progress: Progress


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What was made of activations: directions at their places, and a gate."""

    header: VectorHeader
    vectors: Vectors
    gate: FittedGate


def fit(asked: FitAsked, tell: Tell, progress: Progress) -> VectorFile:
    """Make a vector file.

    Args:
        asked: what is wanted.
        tell: given one line a step.
        progress: told how many of how many requests are answered.

    Raises:
        VscbenchError: it cannot be made; nothing was written.
    """
    material = gather(asked)
    tell(
        f"pairs: {len(material.fitting)} for the directions, {len(material.choosing)} to choose "
        f"alpha, all of the development half of {asked.pairs} (seed {asked.split_seed})"
    )
    with (
        judge_store(asked.judge, asked.store) as verdicts,
        judging(
            asked.judge, store=verdicts, concurrency=asked.concurrency, forms=asked.forms
        ) as bench,
        # What is printed for a log of the engine is no part of this command's result.
        redirect_stdout(sys.stderr),
    ):
        opened = open_for_reading(_opening(asked, material))
        instruments = Instruments(opened, bench, tell, progress)
        fitted = _fit_directions(asked, instruments, material)
        curve, alpha = _measure(asked, instruments, material, fitted)
    header = replace(fitted.header, curve=curve, alpha=alpha)
    return write_vector_file(asked.output, header, fitted.vectors)


def gather(asked: FitAsked) -> Material:
    """Take the development half of a set, and divide it in two.

    Raises:
        VscbenchError: there is no such set, too little is left of it, or an image is missing.
    """
    everything = open_pairs(asked.pairs, Path()).pairs
    usable, development = development_half(everything, asked.split_seed)
    try:
        chosen = select(usable, asked.selection)
    except UsageError as error:
        raise UsageError(str(error).replace("--vsc-", "--")) from None
    chosen = tuple(pair for pair in chosen if pair.query)
    require_decodable_images(chosen)
    fitting, choosing = (half(chosen, split, asked.split_seed) for split in Split)
    # Seen now what would else be seen after the weights were loaded.
    for samples in (prompt_samples(fitting), samples_of(asked.samples, fitting)):
        folds_of(*_sides(samples))
    if {pair.label for pair in choosing} != set(Label):
        raise UsageError(
            f"{len(choosing)} pairs are left to choose alpha on, and they are not of both labels: "
            "take more pairs (a larger --sample, fewer filters, or a larger set)"
        )
    return Material(fitting, choosing, development)


def _opening(asked: FitAsked, material: Material) -> LocalOpening:
    """Say what will be sent: a model that takes no images can be fitted to pairs without any."""
    has_images = any(pair.image for pair in (*material.fitting, *material.choosing))
    spec = replace(asked.opening.spec, sends_images=has_images)
    return replace(asked.opening, spec=spec)


def _fit_directions(asked: FitAsked, instruments: Instruments, material: Material) -> Fitted:
    opened, tell = instruments.opened, instruments.tell
    samples = samples_of(asked.samples, material.fitting)
    prompts = prompt_samples(material.fitting)
    at_prompts = _read(opened.reader, prompts)
    at_samples = at_prompts if samples == prompts else _read(opened.reader, samples)
    tell(f"activations: {len(samples)} samples ({asked.samples}), {len(prompts)} prompts")
    places, directions = _directions(asked, opened.reader, at_samples, samples)
    tell(f"probe: best at {', '.join(_told(place) for place in places)}")
    sides, clusters = _sides(prompts)
    gate = fit_gate(at_prompts.layers, sides, clusters)
    tell(
        f"gate: layer {gate.gate.layer}, right on {100 * gate.gate.accuracy:.0f} % of held-out "
        f"requests, threshold {gate.gate.threshold:.2f}"
    )
    header = _header(asked, opened, material.development)
    return Fitted(
        replace(header, places=places, gate=gate.gate, samples_sha256=samples_sha256(samples)),
        Vectors(
            directions,
            gate.probe.weight.astype(np.float32),
            np.asarray([gate.probe.bias], dtype=np.float32),
        ),
        gate,
    )


def _directions(
    asked: FitAsked,
    reader: ActivationReader,
    activations: Activations,
    samples: Sequence[ContrastSample],
) -> tuple[tuple[Place, ...], NDArray[np.float32]]:
    """Choose the places by their probes, and find the direction at each."""
    features = _features(asked.level, activations)
    sides, clusters = _sides(samples)
    heads = reader.shape.heads if asked.level == "head" else None
    there = list(range(features.shape[1]))
    if heads is not None:
        # A layer without attention of its own has no heads; zeros stand in their place.
        there = [at for at in there if at // heads in reader.layers_with_heads]
    found = held_out_at(features[:, there], sides, clusters)
    best = [(there[at], found[at].accuracy) for at in best_places(found, asked.places)]
    made = [
        (at, accuracy, direction_at(features[:, at], sides, asked.vector)) for at, accuracy in best
    ]
    places = tuple(
        Place(
            at if heads is None else at // heads,
            None if heads is None else at % heads,
            accuracy,
            direction.spread,
        )
        for at, accuracy, direction in made
    )
    return places, np.stack([direction.unit for _, _, direction in made]).astype(np.float32)


def _measure(
    asked: FitAsked, instruments: Instruments, material: Material, fitted: Fitted
) -> tuple[tuple[dict[str, Any], ...], float]:
    """Ask at every alpha, and choose one."""
    pairs, opened, gate = material.choosing, instruments.opened, fitted.gate
    at_prompts = _read(opened.reader, prompt_samples(pairs))
    unsafe = gate.probe.probabilities(at_prompts.layers[:, gate.gate.layer])
    with tempfile.TemporaryDirectory(prefix="vscbench-") as folder:
        file = write_vector_file(Path(folder, "fitted.safetensors"), fitted.header, fitted.vectors)
        said = ask_at_alphas(
            opened.model, pairs, (file.path, file.sha256), asked.alphas, instruments.progress
        )
    cases = cases_at_alphas(opened.reader, instruments.bench, pairs, said)
    instruments.tell(f"asked: {len(pairs)} pairs at {len(asked.alphas)} alphas, and judged")
    plain, gated = curve_of(cases, [bool(each > gate.gate.threshold) for each in unsafe])
    return packed(plain, gated), choose_alpha(plain).alpha


def _read(reader: ActivationReader, samples: Sequence[ContrastSample]) -> Activations:
    return reader.read([Sample(each.request, each.answer) for each in samples])


def _features(level: Level, activations: Activations) -> NDArray[np.float32]:
    """Return activations as (samples, places, width)."""
    if level == "layer":
        return activations.layers
    number, layers, heads, width = activations.heads.shape
    return activations.heads.reshape(number, layers * heads, width)


def _sides(samples: Sequence[ContrastSample]) -> tuple[NDArray[np.bool_], list[str]]:
    return np.asarray([each.is_positive for each in samples]), [each.cluster for each in samples]


def _header(asked: FitAsked, opened: OpenedForReading, development: Development) -> VectorHeader:
    checked, shape = opened.model.opened, opened.reader.shape
    return VectorHeader(
        level=asked.level,
        vector=asked.vector,
        samples=asked.samples,
        model=asked.opening.spec.name,
        weights_sha256=checked.weights_sha256,
        commit=checked.checkpoint.commit,
        dtype=checked.machine.dtype,
        hidden_size=shape.hidden_size,
        layers=shape.layers,
        heads=shape.heads,
        head_size=shape.head_size,
        places=(),
        alpha=None,
        curve=(),
        gate=None,
        samples_sha256="",
        development=development,
        version=vscbench.__version__,
    )


def _told(place: Place) -> str:
    name = f"layer {place.layer}" if place.head is None else f"head {place.layer}.{place.head}"
    return f"{name} ({100 * place.accuracy:.0f} %)"
