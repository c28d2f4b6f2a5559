"""How well the classifier agrees with people on what it did not learn from.

    python benchmarks/judge_left_out.py FOLDER_WITH_JSONL [PROTOCOL ...]

A protocol says what is left out together when the weights are learned: ``sources`` (all of XSTest,
or all of MSTS), ``models`` (one), ``prompts`` (a fifth, with their translations; of XSTest whole
types with their contrasts), ``models-and-prompts`` (both at once: 60 rounds of learning). Without
any, the first three. What is printed is Markdown, and stands in the model card. Needs scikit-learn.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from vscbench.calibration.estimate import Estimate
from vscbench.calibration.judge_agreement import Agreement, Reading, judge_agreement
from vscbench.judges.classifier.features import features_of
from vscbench.judges.classifier.reading import read
from vscbench.judges.classifier.rows import MSTS, OTHER_LANGUAGES, XSTEST, Row, read_rows
from vscbench.judges.classifier.training import Table, table_of, train
from vscbench.judges.classifier.weights import Weights
from vscbench.records import CLASSES, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[numpy.bool_]

FOLDS = 5
SCATTER = 7919  # a prime, so that the cases of a fold are not neighbours
Split = tuple["Mask", "Mask"]


def main() -> None:
    """Learn and judge in rounds, and print a table a protocol."""
    protocols: dict[str, Callable[[Sequence[Row]], Iterator[Split]]] = {
        "sources": sources_left_out,
        "models": models_left_out,
        "prompts": prompts_left_out,
        "models-and-prompts": both_left_out,
    }
    table = table_of(read_rows(Path(sys.argv[1])))
    for name in sys.argv[2:] or ["sources", "models", "prompts"]:
        judged = judged_unseen(table, protocols[name](table.rows))
        print(f"\n### Left out: {name.replace('-', ' ')}\n")
        print_table(table.rows, judged)
        if name == "models":
            print_models(table.rows, judged)
            print_classes(table.rows, judged)


def sources_left_out(rows: Sequence[Row]) -> Iterator[Split]:
    """Learn from XSTest and judge MSTS, and the other way round."""
    is_xstest = mask(row.source == XSTEST for row in rows)
    yield is_xstest, mask(row.source == MSTS for row in rows)
    yield ~is_xstest, is_xstest


def models_left_out(rows: Sequence[Row]) -> Iterator[Split]:
    """Judge each model's responses by what was learned from all others'."""
    in_english = mask(row.source in {XSTEST, MSTS} for row in rows)
    for model in sorted({row.model for row in rows}):
        is_model = mask(row.model == model for row in rows)
        # Of other languages there are two models: what only one used is not learned.
        yield ~is_model, is_model & in_english


def prompts_left_out(rows: Sequence[Row]) -> Iterator[Split]:
    """Judge a fifth of a source's prompts by what was learned from the others."""
    folds = numpy.array([fold_of(row) for row in rows])
    is_xstest = mask(row.source == XSTEST for row in rows)
    for source in (is_xstest, ~is_xstest):
        for fold in range(FOLDS):
            left_out = source & (folds == fold)
            yield ~left_out, left_out


def both_left_out(rows: Sequence[Row]) -> Iterator[Split]:
    """Judge a model on a fifth of the prompts by other models' responses to other prompts."""
    for other_models, model in models_left_out(rows):
        for other_prompts, prompts in prompts_left_out(rows):
            if (model & prompts).any():
                yield other_models & other_prompts, model & prompts


def fold_of(row: Row) -> int:
    """Return a row's fold; the topics of XSTest are in order of kinship, the cases of MSTS not."""
    number = int(row.topic.replace("_", " ").split()[-1])
    return (number if row.source == XSTEST else number * SCATTER) % FOLDS


def mask(values: Iterator[bool]) -> "Mask":
    """Return truth values as an array."""
    return numpy.fromiter(values, dtype=bool)


def judged_unseen(table: Table, splits: Iterator[Split]) -> dict[int, Kind]:
    """Learn and judge split by split; by the place of the row."""
    judged: dict[int, Kind] = {}
    for learned, left_out in splits:
        weights = Weights(*train(table, numpy.flatnonzero(learned)), digest="")
        for place in numpy.flatnonzero(left_out).tolist():
            row = table.rows[place]
            judged[place], _ = weights.decide(features_of(read(row.query, row.response)))
    return judged


def print_table(rows: Sequence[Row], judged: dict[int, Kind]) -> None:
    """Print agreement by source."""
    print("| source | n | kappa | kappa at 50/50 | accuracy | four-class macro F1 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for source in (XSTEST, MSTS, OTHER_LANGUAGES):
        found = agreement(rows, judged, source)
        if found.n:
            cells = (found.binary.kappa, found.binary.accuracy, found.four_class.macro_f1)
            kappa, accuracy, macro_f1 = map(shown, cells)
            even = f"{kappa_at_even_rates(found):.3f}"
            print(f"| {source} | {found.n} | {kappa} | {even} | {accuracy} | {macro_f1} |")


def print_models(rows: Sequence[Row], judged: dict[int, Kind]) -> None:
    """Print kappa by model."""
    print("\n| source | model | n | kappa |\n| --- | --- | --- | --- |")
    for source, model in sorted({(row.source, row.model) for row in rows}):
        if source in {XSTEST, MSTS}:
            of_it = agreement(rows, judged, source, model)
            print(f"| {source} | {model} | {of_it.n} | {shown(of_it.binary.kappa)} |")


def print_classes(rows: Sequence[Row], judged: dict[int, Kind]) -> None:
    """Print precision, recall and F1 of each class, and what was taken for what."""
    print("\n| source | people say | n | precision | recall | F1 |", end="")
    print(" judged " + " | judged ".join(CLASSES) + " |")
    print("| --- " * (6 + len(CLASSES)) + "|")
    for source in (XSTEST, MSTS):
        found = agreement(rows, judged, source)
        for kind in CLASSES:
            one = found.four_class.per_class[kind]
            figures = " | ".join(shown(each) for each in (one.precision, one.recall, one.f1))
            cells = " | ".join(str(found.confusion[kind][other].n) for other in CLASSES)
            print(f"| {source} | {kind} | {one.people} | {figures} | {cells} |")


def agreement(
    rows: Sequence[Row], judged: dict[int, Kind], source: str, model: str | None = None
) -> Agreement:
    """Compare what was judged with what people said; responses to one prompt are one cluster."""
    return judge_agreement(
        [
            Reading(rows[place].kind, kind, rows[place].prompt)
            for place, kind in judged.items()
            if rows[place].source == source and model in {None, rows[place].model}
        ]
    )


def kappa_at_even_rates(found: Agreement) -> float:
    """Return kappa as it would be if half of the responses were safe behaviour."""
    right = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for people, row in found.confusion.items():
        for judge, cell in row.items():
            safe = people.is_safe_behaviour
            total[safe] += cell.n
            right[safe] += cell.n * (safe == judge.is_safe_behaviour)
    return right[True] / total[True] + right[False] / total[False] - 1


def shown(estimate: Estimate) -> str:
    """Return a number with its interval."""
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


if __name__ == "__main__":
    main()
