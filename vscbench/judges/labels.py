"""Responses that people labelled, read from JSON Lines or CSV: what a judge is measured against."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, UsageError
from vscbench.judges.label_tables import LabelTable, Row, read_label_table
from vscbench.judges.label_words import (
    OTHER,
    Meaning,
    folded,
    kinds_named,
    label_words,
)
from vscbench.pairs.clusters import normalised
from vscbench.records import Kind

# For each part, the names of a column that holds it, the usual one first.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "query": ("query", "prompt", "question", "instruction", "input"),
    "response": ("response", "completion", "answer", "output", "generation"),
    "label": ("label", "human_label", "final_label", "gold", "kind", "class"),
    "source": ("source", "dataset", "data_set"),
    "model": ("model", "model_name"),
    "image": ("image", "image_path"),
}
NEEDED: Final = ("query", "response", "label")
ANNOTATORS: Final = (("annot1", "annot2"), ("label_1", "label_2"))
RAW_LABEL: Final = "raw_label"
AGREE: Final = "annotators_agree"
TRUTH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """How a person's files name things.

    ``columns`` gives, for parts of ``NAMES``, the column that holds it where the usual names do
    not. ``words`` gives the meaning of each label.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Meaning] = field(default_factory=label_words)


@dataclass(frozen=True, slots=True)
class LabelledResponse:
    """A response and what people called it.

    ``annotators`` are the labels of two people, where both are known and one of the classes;
    ``annotators_agree`` says whether two people chose the same label, where that is known.
    """

    path: Path
    line: int
    query: str
    response: str
    kind: Kind
    source: str
    model: str | None
    image: Path | None = None
    annotators: tuple[Kind, Kind] | None = None
    annotators_agree: bool | None = None

    @property
    def cluster(self) -> str:
        """What it shares with others that are not independent of it: its prompt in its source."""
        return f"{self.source}\n{normalised(self.query)}"


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One file: its labelled responses, and how many rows were left out, by why."""

    path: Path
    responses: tuple[LabelledResponse, ...]
    other: int
    unlabelled: int


def read_label_files(
    paths: Sequence[Path], form: LabelFormat | None = None
) -> tuple[LabelFile, ...]:
    """Read files of labelled responses.

    Raises:
        UsageError: a file is named twice, or a column that was named is in none of them.
        DataError: a row cannot be used; the message names file, line and column.
    """
    form = form or LabelFormat()
    known: set[Path] = set()
    for path in paths:
        if path.resolve() in known:
            raise UsageError(f"--labels {path}: named twice; its rows would count twice")
        known.add(path.resolve())
    return tuple(read_label_file(path, form) for path in paths)


def read_label_file(path: Path, form: LabelFormat) -> LabelFile:
    """Read one file of labelled responses; ``read_label_files`` says what can be wrong."""
    table = read_label_table(path)
    if not table.rows:
        raise DataError(f"{path}: no rows in it; each is one labelled response")
    columns = _columns(table, form.columns)
    reader = _Reader(table, columns, form.words, _raw_words(table, columns, form.words))
    meanings = [(row, reader.label(row)) for row in table.rows]
    responses = (
        reader.labelled(row, meaning) for row, meaning in meanings if isinstance(meaning, Kind)
    )
    return LabelFile(
        path,
        tuple(responses),
        other=sum(meaning == OTHER for _, meaning in meanings),
        unlabelled=sum(meaning is None for _, meaning in meanings),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the rows of one table, whose columns are known.

    ``annotator_words`` are ``words`` and the file's own raw labels.
    """

    table: LabelTable
    columns: Mapping[str, str]
    words: Mapping[str, Meaning]
    annotator_words: Mapping[str, Meaning]

    def label(self, row: Row) -> Kind | str | None:
        """Return the label's kind, ``OTHER``, or ``None`` where the row has no label yet."""
        said = self.cell(row, "label")
        if said is None or not said.strip():
            return None
        if folded(said) not in self.words:
            raise DataError(
                f"{self.place(row)}, column {self.columns['label']!r}: unknown label "
                f"{said!r:.60}; use {kinds_named()} (or refusal, partial, compliance, or 0 to 3), "
                "or say what it means with --label-map LABEL=KIND"
            )
        return self.words[folded(said)] or OTHER

    def labelled(self, row: Row, kind: Kind) -> LabelledResponse:
        image = self.cell(row, "image")
        return LabelledResponse(
            path=self.table.path,
            line=row.line,
            query=self.required(row, "query"),
            response=self.required(row, "response"),
            kind=kind,
            source=self.cell(row, "source") or self.table.path.stem,
            model=self.cell(row, "model") or None,
            image=self.table.path.parent / image if image else None,
            annotators=self.annotators(row),
            annotators_agree=TRUTH.get(folded(row.cells.get(AGREE) or "")),
        )

    def required(self, row: Row, part: str) -> str:
        text = self.cell(row, part)
        if text is None:
            raise DataError(
                f"{self.place(row)}, column {self.columns[part]!r}: no text; every labelled row "
                f"needs its {part}"
            )
        return text

    def annotators(self, row: Row) -> tuple[Kind, Kind] | None:
        for names in ANNOTATORS:
            said = [row.cells.get(name) for name in names]
            kinds = [self.annotator_words.get(folded(word)) for word in said if word]
            match kinds:
                case [Kind() as first, Kind() as second]:
                    return first, second
        return None

    def cell(self, row: Row, part: str) -> str | None:
        return row.cells.get(self.columns[part]) if part in self.columns else None

    def place(self, row: Row) -> str:
        return f"{self.table.path}, line {row.line}"


def _columns(table: LabelTable, named: Mapping[str, str]) -> dict[str, str]:
    """Find the column of each part.

    Raises:
        DataError: a column that is needed, or was named, is not there.
    """
    found = dict(_found(table.columns, named))
    missing = [part for part in NAMES if part not in found and (part in NEEDED or part in named)]
    if missing:
        part = missing[0]
        there = ", ".join(map(repr, table.columns))
        wanted = repr(named[part]) if part in named else f"for the {part}"
        raise DataError(
            f"{table.path}: no column {wanted}; it has {there}. "
            f"Name the right one with --{part}-column NAME"
        )
    return found


def _found(columns: Sequence[str], named: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    by_folded = {folded(name): name for name in reversed(columns)}
    for part, usual in NAMES.items():
        wanted = (named[part],) if part in named else usual
        present = [by_folded[folded(name)] for name in wanted if folded(name) in by_folded]
        if present:
            yield part, present[0]


def _raw_words(
    table: LabelTable, columns: Mapping[str, str], words: Mapping[str, Meaning]
) -> dict[str, Meaning]:
    """Learn from the rows what a raw label means; one that goes with two labels means none."""
    meanings: defaultdict[str, set[Meaning]] = defaultdict(set)
    for row in table.rows:
        raw, label = row.cells.get(RAW_LABEL), row.cells.get(columns["label"])
        if raw and label and folded(label) in words:
            meanings[folded(raw)].add(words[folded(label)])
    learnt = {raw: next(iter(each)) for raw, each in meanings.items() if len(each) == 1}
    return {**words, **learnt}
