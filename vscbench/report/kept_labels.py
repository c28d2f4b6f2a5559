"""The labels of a run, kept beside its other files, and how its cases were drawn for them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.records import CaseKey, Outcome
from vscbench.report.files import to_json, write_whole
from vscbench.report.labelling import PeopleLabel, read_labels
from vscbench.report.past_run import PastRun

DESIGN: Final = "labelling.json"
LABELS: Final = "labels.jsonl"


@dataclass(frozen=True, slots=True)
class Design:
    """How cases were drawn: the seed and the size of the sample. The rest follows from the run."""

    seed: int
    sample: int


def read_design(folder: Path) -> Design | None:
    """Return how the cases of a run were drawn, or ``None`` where none were yet.

    Raises:
        DataError: the file is not what ``write_design`` wrote.
    """
    path = folder / DESIGN
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_bytes())
        return Design(_whole(said["seed"]), _whole(said["sample"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({error}); draw a new sample") from error


def widened(folder: Path, sample: int, seed: int | None) -> tuple[Design, Design]:
    """Say what is to be drawn now, and what has been drawn in all.

    A smaller sample is part of a larger one of the same seed, so the larger one is remembered.

    Args:
        folder: of the run.
        sample: how many cases to draw now.
        seed: which sample; ``None`` for that of the last one, or 0.

    Raises:
        UsageError: labels were read for a sample of another seed.
    """
    known = read_design(folder)
    if known is None:
        wanted = Design(seed or 0, sample)
        return wanted, wanted
    wanted = Design(known.seed if seed is None else seed, sample)
    if wanted.seed == known.seed:
        return wanted, Design(wanted.seed, max(known.sample, sample))
    if (folder / LABELS).is_file():
        raise UsageError(
            f"--seed {wanted.seed}: the labels in {folder / LABELS} are of the sample of seed "
            f"{known.seed}; use that one (a larger --sample adds to it), or move the labels away"
        )
    return wanted, wanted


def write_design(folder: Path, design: Design) -> None:
    """Keep how cases were drawn.

    Raises:
        UsageError: the file cannot be written.
    """
    said = {"schema": 1, "seed": design.seed, "sample": design.sample}
    write_whole(folder / DESIGN, to_json(said, indent=2) + "\n")


def read_kept_labels(folder: Path, drawn: Iterable[CaseKey]) -> dict[CaseKey, PeopleLabel]:
    """Return the labels that were read for a run before, by case.

    Raises:
        DataError: the file was changed into something that cannot be used.
    """
    path = folder / LABELS
    if not path.is_file() or not path.stat().st_size:
        return {}
    return {label.case: label for label in read_labels(path, {*drawn}).labels}


def write_kept_labels(
    past: PastRun, outcomes: Sequence[Outcome], labels: Mapping[CaseKey, PeopleLabel]
) -> Path:
    """Write the labels of a run as lines that ``vscbench judge audit --labels`` reads as well.

    Returns:
        The file.

    Raises:
        UsageError: it cannot be written.
    """
    lines = [
        to_json(_line(past, outcome, labels[outcome.pair.id, outcome.epoch]))
        for outcome in outcomes
        if (outcome.pair.id, outcome.epoch) in labels
    ]
    path = past.folder / LABELS
    write_whole(path, "".join(f"{line}\n" for line in lines))
    return path


def _line(past: PastRun, outcome: Outcome, label: PeopleLabel) -> dict[str, object]:
    annotators = {f"annot{n}": word for n, word in enumerate(label.annotators, start=1)}
    return {
        "id": f"{label.pair_id} {label.epoch}",
        "pair_id": label.pair_id,
        "epoch": label.epoch,
        "prompt": outcome.pair.query,
        "response": outcome.response.text if outcome.response else "",
        "label": label.word,
        "source": past.run["id"],
        "model": past.run["model"],
        **annotators,
        "note": label.note,
    }


def _whole(said: object) -> int:
    if type(said) is not int:
        raise ValueError(f"{said!r:.40} is no whole number")
    return said
