"""How well a judge agrees with people: every figure of an audit, each with its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vscbench.calibration.agreement import (
    JUDGED,
    PEOPLE,
    accuracy,
    binary_tables,
    classes_used,
    cohen_kappa,
    errors_as_missed,
    errors_as_wrong_side,
    f1_scores,
    four_class_tables,
    macro_f1,
    macro_f1_of_all_but_last,
    precisions,
    recalls,
    shares_of_rows,
    tables_by_cluster,
    without_errors,
)
from vscbench.calibration.cluster_bootstrap import (
    RESAMPLES,
    estimate,
    resampled_sums,
)
from vscbench.calibration.estimate import LEAST_CLUSTERS, Estimate
from vscbench.records import CLASSES, Kind

if TYPE_CHECKING:
    from vscbench.calibration.agreement import Numbers, Table

TWO_SIDES: Final = 2
Statistic = Callable[["Table"], "Numbers"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One response, read twice; ``judge`` is ``judge-error`` where there was no verdict.

    ``cluster`` names what it is not independent of.
    """

    people: Kind
    judge: Kind
    cluster: str


@dataclass(frozen=True, slots=True)
class BinaryAgreement:
    """Safe behaviour (refused, flagged, blocked) against the rest; F1 is of safe behaviour."""

    kappa: Estimate
    accuracy: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """One of the four classes: how many people and the judge found, and how well they agree."""

    people: int
    judge: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class FourClassAgreement:
    """The paper's four classes; a block counts as refused."""

    kappa: Estimate
    accuracy: Estimate
    macro_f1: Estimate
    per_class: Mapping[Kind, ClassAgreement]


@dataclass(frozen=True, slots=True)
class ErrorsAsWrong:
    """Agreement where a response without a verdict counts as judged wrongly.

    On the wrong side of two; among four, as its class missed and none found in its place. Which
    of three wrong classes it would be is not known, so there is no kappa of four.
    """

    binary_kappa: Estimate
    binary_accuracy: Estimate
    four_class_accuracy: Estimate
    four_class_macro_f1: Estimate


@dataclass(frozen=True, slots=True)
class Cell:
    """How many responses people called one thing and the judge another; its share of the row."""

    n: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge against people. Errors are in no figure but ``errors_as_wrong`` and ``confusion``.

    ``confusion`` has a row for each thing that people say (``PEOPLE``) and in it a cell for each
    that a judge does (``JUDGED``). Kappa and F1 are not defined where people use one class only.
    """

    n: int
    clusters: int
    errors: int
    binary: BinaryAgreement
    four_class: FourClassAgreement
    errors_as_wrong: ErrorsAsWrong
    confusion: Mapping[Kind, Mapping[Kind, Cell]]

    @property
    def coverage(self) -> float | None:
        """The share of responses with a verdict."""
        return (self.n - self.errors) / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class _Samples:
    """A table and the tables of its replicates, folded alike."""

    table: "Table"
    replicates: "Table | None"

    def folded(self, fold: Callable[["Table"], "Table"]) -> "_Samples":
        replicates = None if self.replicates is None else fold(self.replicates)
        return _Samples(fold(self.table), replicates)

    def estimate(self, statistic: Statistic) -> Estimate:
        """Compute one number a table, with its interval."""
        return self.estimates(lambda tables: statistic(tables)[..., None])[0]

    def estimates(self, statistic: Statistic) -> list[Estimate]:
        """Compute several numbers a table, with their intervals."""
        values = statistic(self.table)
        draws = None if self.replicates is None else statistic(self.replicates)
        return [
            estimate(float(value), None if draws is None else draws[:, place])
            for place, value in enumerate(values)
        ]


def judge_agreement(
    readings: Sequence[Reading], resamples: int = RESAMPLES, seed: int = 0
) -> Agreement:
    """Compare a judge with people, response by response.

    Args:
        readings: the responses, in any order.
        resamples: replicates of the cluster bootstrap behind every interval; 0 for no intervals.
        seed: of the bootstrap. Equal readings and seeds give equal intervals.
    """
    counted = tables_by_cluster(
        (reading.cluster, reading.people, reading.judge, 1.0) for reading in readings
    )
    enough = resamples and len(counted) >= LEAST_CLUSTERS
    samples = _Samples(
        counted.sum(axis=0), resampled_sums(counted, resamples, seed) if enough else None
    )
    return Agreement(
        n=len(readings),
        clusters=len(counted),
        errors=sum(reading.judge is Kind.JUDGE_ERROR for reading in readings),
        binary=_binary(samples.folded(binary_tables)),
        four_class=_four_class(samples.folded(four_class_tables)),
        errors_as_wrong=_errors_as_wrong(samples),
        confusion=_confusion(samples),
    )


def _binary(tables: _Samples) -> BinaryAgreement:
    judged = tables.folded(without_errors)
    return BinaryAgreement(
        kappa=judged.estimate(_where_two_sides(cohen_kappa)),
        accuracy=judged.estimate(accuracy),
        f1=judged.estimate(_where_two_sides(lambda each: f1_scores(each)[..., 0])),
    )


def _four_class(tables: _Samples) -> FourClassAgreement:
    judged = tables.folded(without_errors)
    figures = zip(
        judged.table.sum(axis=-1),
        judged.table.sum(axis=-2),
        judged.estimates(precisions),
        judged.estimates(recalls),
        judged.estimates(f1_scores),
        strict=True,
    )
    return FourClassAgreement(
        kappa=judged.estimate(_where_two_sides(cohen_kappa)),
        accuracy=judged.estimate(accuracy),
        macro_f1=judged.estimate(_where_two_sides(macro_f1)),
        per_class={
            kind: ClassAgreement(int(people), int(judge), *scores)
            for kind, (people, judge, *scores) in zip(CLASSES, figures, strict=True)
        },
    )


def _errors_as_wrong(samples: _Samples) -> ErrorsAsWrong:
    binary = samples.folded(binary_tables).folded(errors_as_wrong_side)
    four_class = samples.folded(four_class_tables).folded(errors_as_missed)
    return ErrorsAsWrong(
        binary_kappa=binary.estimate(_where_two_sides(cohen_kappa)),
        binary_accuracy=binary.estimate(accuracy),
        four_class_accuracy=four_class.estimate(accuracy),
        four_class_macro_f1=four_class.estimate(_where_two_sides(macro_f1_of_all_but_last)),
    )


def _confusion(samples: _Samples) -> dict[Kind, dict[Kind, Cell]]:
    shares = iter(samples.estimates(shares_of_rows))
    return {
        people: {
            judged: Cell(int(samples.table[row, column]), next(shares))
            for column, judged in enumerate(JUDGED)
        }
        for row, people in enumerate(PEOPLE)
    }


def _where_two_sides(statistic: Statistic) -> Statistic:
    """Leave a number undefined where people use one class: there is nothing to tell apart."""
    import numpy

    def defined(tables: "Table") -> "Numbers":
        numbers: Numbers = numpy.where(
            classes_used(tables) >= TWO_SIDES, statistic(tables), numpy.nan
        )
        return numbers

    return defined
