"""What a vector file holds, as lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from vscbench.methods.revision import GATED_POINT, gated_alpha, place_name
from vscbench.methods.vectors import VectorFile


def about_lines(file: VectorFile) -> Iterator[str]:
    """Say what a vector file is for, and what it was made from."""
    yield f"{file.path}: directions of {file.level}s for {file.model}"
    yield f"weights   sha256:{file.weights_sha256}" + (
        f", commit {file.commit}" * bool(file.commit)
    )
    yield (
        f"model     {file.layers} layers of {file.hidden_size}, {file.heads} heads of "
        f"{file.head_size}, read in {file.dtype}"
    )
    yield f"made from {file.samples}, {file.vector}; samples sha256:{file.samples_sha256[:12]}"
    development = file.development
    yield (
        f"pairs     development half (seed {development.seed}) of the set "
        f"sha256:{development.pairs_sha256[:12]}: {len(development.clusters)} clusters, "
        f"{len(development.queries)} queries, {len(development.images)} images"
    )
    if file.gate is not None:
        yield (
            f"gate      layer {file.gate.layer}, {100 * file.gate.accuracy:.1f} % right on "
            f"held-out requests, threshold {file.gate.threshold:.3f}"
        )
    yield f"alpha     {'none was chosen' if file.alpha is None else f'{file.alpha:g}'}"


def place_lines(file: VectorFile) -> Iterator[str]:
    """Lay out the places of a vector file, best first."""
    yield f"{'place':<10}{'probe accuracy %':>18}{'spread':>10}"
    for place in file.places:
        name = place_name(place.layer, place.head)
        yield f"{name:<10}{100 * place.accuracy:>18.1f}{place.spread:>10.3g}"


def curve_lines(file: VectorFile) -> Iterator[str]:
    """Lay out the curve over alpha, without and with the gate; the chosen points are marked."""
    yield f"{'':>8}{'':7}{'without the gate':<45}{'with the gate'}"
    names = "".join(f"{each:>9}" for each in ("SRA_u", "SRA_s", "mean", "d'", "incoh."))
    yield f"{'alpha':>8}{names}{'':4}{names}"
    chosen_gated = gated_alpha(file.curve)
    for point in file.curve:
        alpha, gated = point.get("alpha"), point.get(GATED_POINT)
        beside = gated if isinstance(gated, Mapping) else {}
        here = _cells(point, alpha == file.alpha)
        there = _cells(beside, alpha == chosen_gated)
        yield f"{_number(alpha, 1, 'g'):>8}{here}  {there}".rstrip()
    yield "in %, but d'; * is what was chosen; incoh.: outputs that are no longer language"


def _cells(point: Mapping[str, Any], is_chosen: bool) -> str:
    rates = [_number(point.get(name), 100, ".1f") for name in ("sra_unsafe", "sra_safe", "mean")]
    told = _number(point.get("d_prime"), 1, ".2f")
    cells = [*rates, told, _number(point.get("incoherent"), 100, ".1f")]
    return "".join(f"{cell:>9}" for cell in cells) + (" *" if is_chosen else "  ")


def _number(value: object, scale: float, form: str) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{float(str(value)) * scale:{form}}" if is_number else "-"
