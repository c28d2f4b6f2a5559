"""What people are given to label, and what they wrote: a sheet out, labels back."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.judges.label_tables import Row, read_label_table
from vscbench.judges.label_words import LABELS, OTHER, WORDS, folded
from vscbench.records import CaseKey, Kind, Outcome
from vscbench.report.files import replace_file, to_json
from vscbench.report.spreadsheet import to_csv

COLUMNS: Final = ("pair_id", "epoch", "query", "response", "image", "label", "note")
SHOWN_VERDICT: Final = "judge_says"
NEEDED: Final = ("pair_id", "epoch")
_ANNOTATOR: Final = re.compile(r"(?:label_|annot)\d+")


@dataclass(frozen=True, slots=True)
class PeopleLabel:
    """What people said of one case.

    ``word`` is one of ``LABELS`` or ``other`` (no sort of these), or empty where annotators differ.
    ``annotators`` are the words of each, where there were several.
    """

    pair_id: str
    epoch: int
    word: str
    annotators: tuple[str, ...] = ()
    note: str = ""

    @property
    def case(self) -> CaseKey:
        """The case that it is a label of."""
        return self.pair_id, self.epoch


@dataclass(frozen=True, slots=True)
class Labels:
    """What a sheet held: labels, rows on which annotators differ, and how many had none."""

    labels: tuple[PeopleLabel, ...]
    disputed: tuple[PeopleLabel, ...]
    empty: int


def sheet(outcomes: Iterable[Outcome], *, show_verdict: bool, as_jsonl: bool) -> str:
    """Lay out cases for people to label: a row a case, with an empty label.

    What the judge said is not shown, unless it is asked for: who sees it tends to agree.
    """
    columns = (*COLUMNS, SHOWN_VERDICT) if show_verdict else COLUMNS
    rows = [_sheet_row(outcome, show_verdict=show_verdict) for outcome in outcomes]
    if as_jsonl:
        return "".join(f"{to_json(row)}\n" for row in rows)
    return to_csv(columns, rows)


def write_sheet(path: Path, text: str) -> None:
    """Put a sheet in place, unless what is there holds labels or is something else.

    Raises:
        UsageError: it holds labels, it is no sheet, or the file cannot be written.
    """
    if path.exists():
        try:
            labelled = any(_is_labelled(row) for row in _rows(path))
        except DataError as error:
            raise UsageError(
                f"{path} is there already, and is no sheet of labels ({error})"
            ) from error
        if labelled:
            raise UsageError(
                f"{path} already holds labels, which would be lost; read them with --read {path}, "
                "or name another file with --output"
            )
    try:
        replace_file(path, text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error


def read_labels(path: Path, known: Collection[CaseKey]) -> Labels:
    """Read what people wrote into a sheet; a row without a label is left out.

    Several annotators write into ``label_1``, ``label_2`` and so on: where they agree, that is
    the label; where not, the row is disputed until ``label`` says which it is.

    Args:
        path: CSV, or JSON Lines.
        known: the cases that were drawn to be labelled.

    Raises:
        DataError: a row that cannot be used, named with its line, and what may stand there.
    """
    labels: dict[CaseKey, PeopleLabel] = {}
    empty = 0
    for row in _rows(path):
        place = f"{path}, line {row.line}"
        label = _people_label(place, row)
        if label is None:
            empty += 1
            continue
        if label.case in labels:
            raise DataError(f"{place}: {label.pair_id!r:.80} is labelled twice in this file")
        if label.case not in known:
            raise DataError(
                f"{place}: {label.pair_id!r:.80}, epoch {label.epoch}, was not drawn to be "
                "labelled; cases picked by hand would bend the rates, so take the row out"
            )
        labels[label.case] = label
    return Labels(
        tuple(label for label in labels.values() if label.word),
        tuple(label for label in labels.values() if not label.word),
        empty,
    )


def kinds_of(labels: Iterable[PeopleLabel]) -> dict[CaseKey, Kind]:
    """Return the kind that people gave to each case; ``other`` says nothing of it."""
    return {label.case: LABELS[label.word] for label in labels if label.word in LABELS}


def labelled_twice(outcomes: Iterable[Outcome], read: Labels) -> list[tuple[str, Kind, Kind]]:
    """Return what the first two annotators said of each response that has two, by its cluster."""
    clusters = {(each.pair.id, each.epoch): each.pair.cluster_id for each in outcomes}
    found = []
    for label in (*read.labels, *read.disputed):
        said = [LABELS[word] for word in label.annotators if word in LABELS]
        if len(said) > 1:
            found.append((clusters[label.case], said[0], said[1]))
    return found


def _sheet_row(outcome: Outcome, *, show_verdict: bool) -> dict[str, object]:
    pair = outcome.pair
    row: dict[str, object] = {
        "pair_id": pair.id,
        "epoch": outcome.epoch,
        "query": pair.query,
        "response": outcome.response.text if outcome.response else "",
        "image": None if pair.image is None else str(pair.image),
        "label": "",
        "note": "",
    }
    return {**row, SHOWN_VERDICT: outcome.kind.value} if show_verdict else row


def _rows(path: Path) -> Sequence[Row]:
    table = read_label_table(path)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise DataError(
            f"{path}, line 1: no column {missing[0]!r}, so it is not clear which case a "
            f"row is; there are {', '.join(table.columns) or 'none at all'}"
        )
    return table.rows


def _people_label(place: str, row: Row) -> PeopleLabel | None:
    said = {name: _word(place, row, name) for name in _label_columns(row)}
    annotators = tuple(word for name, word in said.items() if name != "label" and word)
    word = said.get("label") or (annotators[0] if len({*annotators}) == 1 else "")
    if not word and not annotators:
        return None
    return PeopleLabel(
        pair_id=row.cells.get("pair_id") or "",
        epoch=_epoch(place, row),
        word=word,
        annotators=annotators,
        note=(row.cells.get("note") or "").strip(),
    )


def _label_columns(row: Row) -> Sequence[str]:
    return [name for name in row.cells if name == "label" or _ANNOTATOR.fullmatch(name)]


def _is_labelled(row: Row) -> bool:
    return any((row.cells[name] or "").strip() for name in _label_columns(row))


def _word(place: str, row: Row, column: str) -> str | None:
    """Return the word of ``LABELS``, or ``other``, for what a person wrote."""
    said = folded(row.cells[column] or "")
    if not said or said == OTHER:
        return said or None
    kind = WORDS.get(said)
    word = next((word for word, meant in LABELS.items() if meant is kind), None)
    if word is None:
        raise DataError(
            f"{place}: {column} {row.cells[column]!r:.40} is none of {', '.join(LABELS)}, {OTHER} "
            f"(or {', '.join(LABELS.values())}, or 0 to 3 in that order)"
        )
    return word


def _epoch(place: str, row: Row) -> int:
    said = (row.cells.get("epoch") or "").strip()
    if re.fullmatch(r"[1-9]\d{0,8}", said, re.ASCII):
        return int(said)
    raise DataError(f"{place}: epoch must be a whole number from 1, found {said!r:.40}")
