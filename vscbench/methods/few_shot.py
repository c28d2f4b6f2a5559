"""``few-shot``: whole contrasts with their answers, shown before the question."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from vscbench.errors import UsageError
from vscbench.methods.demonstration_set import (
    SIDES,
    Contrast,
    Shown,
    read_demonstrations,
    require_apart,
)
from vscbench.methods.parameters import OPTION, require_known, whole_number
from vscbench.methods.protocol import MethodSpec, ParamValue
from vscbench.records import Demonstration, Pair, Request, Response

NAME = "few-shot"
DEFAULT_COUNT = 4
SHOWN_DIGITS = 12


@dataclass(frozen=True)
class FewShot:
    """Shows the same demonstrations with every request; see `vscbench.methods.protocol.Method`.

    Half of them are safe pairs that are answered, half unsafe ones that are refused. A request
    with an image gets demonstrations with images, one without gets those without.
    """

    contrasts: tuple[Contrast, ...]
    count: int = DEFAULT_COUNT
    seed: int = 0
    name: str = field(default=NAME, init=False)
    revises_activations: bool = field(default=False, init=False)

    @cached_property
    def key(self) -> str:
        """The name, and a digest of everything that is shown, images included."""
        said = [
            [each.pair.prompt, each.image_sha256, each.answer]
            for has_image in (False, True)
            for each in self._drawn(has_image=has_image)
        ]
        return f"{NAME}:{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:SHOWN_DIGITS]}"

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """How many, drawn by which seed, and what they are known by."""
        return {"count": self.count, "seed": self.seed, "shown": self.key.partition(":")[2]}

    def require_apart(self, pairs: Sequence[Pair]) -> None:
        """Check that no demonstration of the set gives a pair away, and that there are enough.

        Raises:
            UsageError: one does; or the set has too few for pairs like these.
        """
        require_apart(self.contrasts, pairs)
        for has_image in sorted({pair.image is not None for pair in pairs}):
            there = len(self._drawn(has_image=has_image))
            if there < self.count:
                sort = "with" if has_image else "without"
                raise UsageError(
                    f"{OPTION} count={self.count}: the demonstration set has only {there} "
                    f"{sort} an image, in whole contrasts; take fewer, or add some"
                )

    def require_model(self, name: str, identity: Mapping[str, object] | None) -> None:
        """It fits every model that holds a conversation; another says so when it is opened."""

    def prepare(self, request: Request) -> Request:
        """Put the demonstrations before the question."""
        shown = self._with_image if request.image is not None else self._without_image
        return replace(request, demonstrations=shown, method=self.key)

    def read(self, response: Response) -> Response:
        """Change nothing."""
        return response

    @cached_property
    def _with_image(self) -> tuple[Demonstration, ...]:
        return tuple(each.demonstration for each in self._drawn(has_image=True))

    @cached_property
    def _without_image(self) -> tuple[Demonstration, ...]:
        return tuple(each.demonstration for each in self._drawn(has_image=False))

    def _drawn(self, *, has_image: bool) -> list[Shown]:
        """Draw contrasts by the seed, and set all their sides in an order that it gives too."""
        fitting = [
            contrast
            for contrast in self.contrasts
            if (contrast[0].pair.image is not None) is has_image
        ]
        fitting.sort(key=lambda contrast: self._place("contrast", contrast[0]))
        sides = [each for contrast in fitting[: self.count // SIDES] for each in contrast]
        return sorted(sides, key=lambda each: self._place("turn", each))

    def _place(self, what: str, shown: Shown) -> str:
        return hashlib.sha256(f"{self.seed} {what} {shown.pair.id}".encode()).hexdigest()


def open_few_shot(spec: MethodSpec) -> FewShot:
    """Return the method, with the shipped demonstrations or those of a folder behind the colon.

    Raises:
        UsageError: an unknown parameter, an odd count, or no such folder.
        DataError: the folder's manifest cannot be read, or lacks answers.
    """
    require_known(spec, "count", "seed", source="a folder of demonstrations")
    count = whole_number(spec, "count", DEFAULT_COUNT, SIDES)
    if count % SIDES:
        raise UsageError(
            f"{OPTION} count={count}: demonstrations are shown in whole contrasts; take an even "
            "number"
        )
    place = None if spec.source is None else spec.base / spec.source
    return FewShot(read_demonstrations(place), count, whole_number(spec, "seed", 0, 0))
