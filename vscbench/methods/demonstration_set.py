"""Pairs with the answer that each is owed: what few-shot can show, read and checked."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from vscbench.errors import DataError, UsageError
from vscbench.jsonlines import read_json_lines
from vscbench.pairs.clusters import normalised
from vscbench.pairs.manifest import MANIFEST, load_manifest
from vscbench.records import Demonstration, Pair, Variant

SHIPPED = Path(__file__).parent / "demonstrations"
SIDES = 2
# Two texts of which so much is common, by words or by runs of characters, say the same.
NEAR_DUPLICATE = 0.7
RUN = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair that can be demonstrated, with its answer."""

    pair: Pair
    answer: str

    @property
    def image_sha256(self) -> str | None:
        """The digest of its image's bytes, where it has one."""
        return None if self.pair.image is None else _file_sha256(self.pair.image)

    @property
    def demonstration(self) -> Demonstration:
        """The turns that a model is shown."""
        return Demonstration(self.pair.prompt, self.pair.image, self.answer)


Contrast = tuple[Shown, Shown]


def read_demonstrations(place: Path | None) -> tuple[Contrast, ...]:
    """Read the whole contrasts of a demonstration set.

    Args:
        place: a manifest, or the folder of one, whose pairs have an ``answer``; ``None`` for the
            shipped set.

    Raises:
        UsageError: there is no such set, or it has no whole contrast.
        DataError: a line is no pair, or has no answer, or an image is not there.
    """
    folder = SHIPPED if place is None else place
    manifest = folder / MANIFEST if folder.is_dir() else folder
    if not manifest.is_file():
        raise UsageError(
            f"--vsc-method few-shot:{place}: no demonstrations there; name a manifest, or its "
            "folder, whose lines have an 'answer' beside the query"
        )
    answers = {
        str(line.fields.get("id")): str(line.fields.get("answer") or "")
        for line in read_json_lines(manifest)
    }
    shown = [Shown(pair, answers[pair.id]) for pair in load_manifest(manifest)]
    for each in shown:
        _require_whole(each, manifest)
    return tuple(_contrasts(shown))


def require_apart(shown: Sequence[Contrast], pairs: Iterable[Pair]) -> None:
    """Check that no pair that is asked was given away by a demonstration.

    Compared is what a model is sent and what a judge reads, without punctuation.

    Raises:
        UsageError: one has the query, the image or nearly the words of a demonstration.
    """
    demonstrated = [each.pair for contrast in shown for each in contrast]
    told = [(Wording.of(text), pair) for pair in demonstrated for text in _texts(pair)]
    images = {_file_sha256(pair.image): pair for pair in demonstrated if pair.image}
    sizes = {pair.image.stat().st_size for pair in demonstrated if pair.image}
    for pair in pairs:
        for text in _texts(pair):
            asked = Wording.of(text)
            near = next((each for said, each in told if asked.is_near(said)), None)
            if near is not None:
                is_same = asked.folded in map(_folded, _texts(near))
                raise _leak(pair, near, "asks the same" if is_same else "asks nearly the same")
        image = _digest_of(pair, sizes)
        if image in images:
            raise _leak(pair, images[image], "shows the same image")


@dataclass(frozen=True, slots=True)
class Wording:
    """A text without case and punctuation, as its words and as its runs of three characters."""

    folded: str
    words: frozenset[str]
    runs: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Wording":
        """Take a text apart."""
        folded = _folded(text)
        runs = frozenset(folded[start : start + RUN] for start in range(len(folded) - RUN + 1))
        return cls(folded, frozenset(folded.split()), runs)

    def is_near(self, other: "Wording") -> bool:
        """Whether two texts say the same, but for a word or a few characters."""
        if self.folded == other.folded:
            return bool(self.folded)
        overlaps = (_overlap(self.words, other.words), _overlap(self.runs, other.runs))
        return max(overlaps) >= NEAR_DUPLICATE


def _texts(pair: Pair) -> set[str]:
    """Return what a pair says: its query, and what is sent, unless that is one text for all."""
    return {pair.query} if pair.variant is Variant.FIGSTEP else {pair.query, pair.prompt}


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", normalised(text)))


def _require_whole(shown: Shown, manifest: Path) -> None:
    where = f"{manifest}, {shown.pair.source}"
    if not shown.answer.strip():
        raise DataError(
            f"{where}: no 'answer'; a demonstration says what the model should answer to its query"
        )
    if shown.pair.image is not None and not shown.pair.image.is_file():
        raise DataError(f"{where}: there is no image at {shown.pair.image}")


def _contrasts(shown: Iterable[Shown]) -> Iterable[Contrast]:
    """Yield the contrasts whose sides both have an image, or both have none; safe sides first."""
    joined = [each for each in shown if each.pair.contrast_id]
    joined.sort(key=lambda each: (each.pair.contrast_id, each.pair.label))
    for _, sides in groupby(joined, key=lambda each: each.pair.contrast_id):
        both = tuple(sides)
        if len(both) == SIDES and (both[0].pair.image is None) is (both[1].pair.image is None):
            yield both[0], both[1]


def _leak(pair: Pair, shown: Pair, how: str) -> UsageError:
    return UsageError(
        f"--vsc-method few-shot: the pair {pair.id} {how} as the demonstration {shown.id}, so the "
        "model would be told what it is tested on; show other demonstrations "
        "(--vsc-method few-shot:FOLDER), or ask other pairs (--vsc-category, --vsc-variant)"
    )


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of common words among all of both (Jaccard), from 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0


def _digest_of(pair: Pair, sizes: set[int]) -> str | None:
    """Return the digest of a pair's image, read only where its size could be that of another."""
    if pair.image is None:
        return None
    if pair.image_sha256 is not None:
        return pair.image_sha256
    try:
        could_be = pair.image.stat().st_size in sizes
    except OSError:
        return None  # told where images are looked at, with what is wrong with it
    return _file_sha256(pair.image) if could_be else None


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
