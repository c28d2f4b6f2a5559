"""Internal Activation Revision: a vector file's directions, added while a local model answers.

Li et al. 2025, https://arxiv.org/abs/2501.16378. ``revision-layer`` pushes the outputs of layers,
``revision-head`` those of attention heads, whatever is asked; ``revision-gated`` does either only
where the file's gate takes the request for an unsafe one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vscbench.errors import UsageError
from vscbench.methods.fitting.apart import first_shared
from vscbench.methods.fitting.choosing import choose_alpha, unpack_point
from vscbench.methods.protocol import Method, MethodSpec, ParamValue
from vscbench.methods.vectors import VectorFile, read_vector_file
from vscbench.records import Pair, Request, Response, Revision

REVISION_LAYER: Final = "revision-layer"
REVISION_HEAD: Final = "revision-head"
REVISION_GATED: Final = "revision-gated"
LEVELS: Final = {REVISION_LAYER: ("layer",), REVISION_HEAD: ("head",)}
REVISIONS: Final = (REVISION_LAYER, REVISION_HEAD, REVISION_GATED)
# Under this name a point of the curve holds what the gated method does at its alpha.
GATED_POINT: Final = "gated"
SHOWN_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class ActivationRevision:
    """One of the three; see `vscbench.methods.protocol.Method`.

    ``threshold`` is ``None`` where every request is revised.
    """

    name: str
    file: VectorFile
    alpha: float
    threshold: float | None

    @property
    def key(self) -> str:
        """The method, the file's content, alpha and threshold: what changes a response."""
        told = {"alpha": self.alpha, "threshold": self.threshold, "file": self.file.sha256}
        return f"{self.name} {json.dumps(told, sort_keys=True)}"

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """Where and how far is pushed, and what the directions were made from."""
        threshold = {} if self.threshold is None else {"threshold": self.threshold}
        return {
            "file": self.file.path.name,
            "sha256": self.file.sha256,
            "level": self.file.level,
            "alpha": self.alpha,
            **threshold,
            "vector": self.file.vector,
            "samples": self.file.samples,
            "places": [place_name(each.layer, each.head) for each in self.file.places],
        }

    @property
    def revises_activations(self) -> bool:
        """It does."""
        return True

    def require_apart(self, pairs: Sequence[Pair]) -> None:
        """Check that no pair that is asked touches the development half the file was made from.

        Raises:
            UsageError: one does.
            DataError: an image cannot be read.
        """
        shared = first_shared(pairs, self.file.development)
        if shared is not None:
            pair, what = shared
            raise UsageError(
                f"--vsc-method {self.name}: {self.file.path} was made from pairs that are asked "
                f"here: {pair.id} shares {what} with its development split, so its numbers would "
                f"say nothing. Ask the other half: --vsc-split test{self._other_seed()}"
            )

    def require_model(self, name: str, identity: Mapping[str, object] | None) -> None:
        """Check that the model's weights are loaded here, and are those the file was made for.

        Raises:
            UsageError: they are not.
        """
        weights = (identity or {}).get("weights_sha256")
        if weights is None:
            raise UsageError(
                f"--vsc-method {self.name}: {name} shows nothing of its activations; they can be "
                "changed only where the weights are loaded here (--model=local:PATH_OR_ID)"
            )
        if weights != self.file.weights_sha256:
            raise UsageError(
                f"--vsc-method {self.name}: {self.file.path} was made for {self.file.model} "
                f"(weights {self.file.weights_sha256[:12]}), and {name} has others "
                f"({str(weights)[:12]}); make one for it with 'vscbench method fit'"
            )

    def prepare(self, request: Request) -> Request:
        """Return the request with what is to be done to the activations."""
        revision = Revision(self.file.path, self.file.sha256, self.alpha, self.threshold)
        return replace(request, revision=revision, method=self.key)

    def read(self, response: Response) -> Response:
        """Return the response as it is: all of it is the answer."""
        return response

    def _other_seed(self) -> str:
        seed = self.file.development.seed
        return f" --vsc-split-seed {seed}" if seed else ""


def open_revision(spec: MethodSpec) -> Method:
    """Open one of the three by its name.

    The file is the one named behind the method's colon, or the parameter ``file``. ``alpha`` and,
    for ``revision-gated``, ``threshold`` go before those that were chosen when it was made.

    Raises:
        UsageError: there is no such file, it is not one for this method, or a parameter is wrong.
    """
    known = ("file", "alpha", *(("threshold",) if spec.name == REVISION_GATED else ()))
    for name in spec.params:
        if name not in known:
            raise UsageError(
                f"--vsc-method-param {name}: {spec.name} knows only {', '.join(known)}"
            )
    file = read_vector_file(spec.base / _named(spec))
    _require_level(spec.name, file)
    threshold = _threshold(spec, file) if spec.name == REVISION_GATED else None
    return ActivationRevision(spec.name, file, _alpha(spec, file), threshold)


def place_name(layer: int, head: int | None) -> str:
    """Name a place as outputs do, counted from 0: ``12``, or ``12.3`` for a head."""
    return f"{layer}" if head is None else f"{layer}.{head}"


def _named(spec: MethodSpec) -> str:
    named = spec.source or spec.params.get("file")
    if not isinstance(named, str):
        raise UsageError(
            f"--vsc-method {spec.name}: says which vector file: --vsc-method {spec.name}:FILE; "
            "make one with 'vscbench method fit'"
        )
    return named


def _require_level(name: str, file: VectorFile) -> None:
    if name != REVISION_GATED and file.level not in LEVELS[name]:
        raise UsageError(
            f"--vsc-method {name}: {file.path} holds directions of {file.level}s; use "
            f"revision-{file.level}, or make another with 'vscbench method fit {name}'"
        )
    if name == REVISION_GATED and file.gate is None:
        raise UsageError(
            f"--vsc-method {name}: {file.path} has no gate; make it anew with 'vscbench method fit'"
        )


def _alpha(spec: MethodSpec, file: VectorFile) -> float:
    if spec.params.get("alpha") is not None:
        return _number(spec, "alpha", -math.inf, math.inf)
    if spec.name == REVISION_GATED and (chosen := gated_alpha(file.curve)) is not None:
        return chosen
    if file.alpha is None:
        raise UsageError(
            f"--vsc-method {spec.name}: no alpha was chosen for {file.path}; give one: "
            "--vsc-method-param alpha=NUMBER"
        )
    return file.alpha


def gated_alpha(curve: Sequence[Mapping[str, object]]) -> float | None:
    """Choose alpha for the gated method, by the same rule; ``None`` without its points."""
    points = [each[GATED_POINT] for each in curve if isinstance(each.get(GATED_POINT), Mapping)]
    try:
        return choose_alpha([unpack_point(each) for each in points]).alpha  # type: ignore[arg-type]
    except ValueError:
        return None


def _threshold(spec: MethodSpec, file: VectorFile) -> float | None:
    if spec.params.get("threshold") is not None:
        return _number(spec, "threshold", 0.0, 1.0)
    return None if file.gate is None else file.gate.threshold


def _number(spec: MethodSpec, name: str, low: float, high: float) -> float:
    value = spec.params[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = float(str(value)) if is_number else math.nan
    if not (math.isfinite(number) and low <= number <= high):
        bounds = f" from {low:g} to {high:g}" if math.isfinite(low) else ""
        raise UsageError(f"--vsc-method-param {name}={value}: a number{bounds} is needed")
    return number
