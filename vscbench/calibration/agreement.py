"""Agreement of two readers of the same responses, from the table of what each called them.

A table has a row for each class of the first reader (people) and a column for each class of the
second (a judge); an entry counts responses. Every function takes one table, or many stacked along
leading axes, and returns as many numbers: NaN where a number is not defined.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from vscbench.records import CLASSES, Kind

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Table = NDArray[numpy.float64]
    Numbers = NDArray[numpy.float64]

# What people can call a response, and what a judge can make of it.
PEOPLE: Final = (*CLASSES, Kind.BLOCKED)
JUDGED: Final = (*CLASSES, Kind.BLOCKED, Kind.JUDGE_ERROR)
# A cluster, what people said, what the judge said, and how many responses that stands for.
Weighted = tuple[str, Kind, Kind, float]


def tables_by_cluster(weighted: Iterable[Weighted]) -> "Table":
    """Count responses in a table for each cluster, of shape (clusters, people, judged)."""
    import numpy

    # By name, so that the order of the responses changes no interval.
    ordered = sorted(weighted)
    number = {name: place for place, name in enumerate(dict.fromkeys(each[0] for each in ordered))}
    tables = numpy.zeros((len(number), len(PEOPLE), len(JUDGED)))
    for cluster, said, judged, weight in ordered:
        tables[number[cluster], PEOPLE.index(said), JUDGED.index(judged)] += weight
    return tables


def binary_tables(tables: "Table") -> "Table":
    """Fold tables of ``PEOPLE`` by ``JUDGED`` to two sides, safe behaviour first, and errors.

    Returns:
        Tables of 2 rows and 3 columns; the last column holds the judge's errors.
    """

    def side(kind: Kind) -> int:
        return 0 if kind.is_safe_behaviour else 1

    return _folded(tables, [side(kind) for kind in PEOPLE], [side(kind) for kind in JUDGED[:-1]])


def four_class_tables(tables: "Table") -> "Table":
    """Fold tables of ``PEOPLE`` by ``JUDGED`` to the paper's four classes, and errors.

    A block is none of the four: it counts as refused, as it does in a run's rates by default.

    Returns:
        Tables of 4 rows and 5 columns; the last column holds the judge's errors.
    """
    places = [*range(len(CLASSES)), CLASSES.index(Kind.REFUSED)]
    return _folded(tables, places, places)


def without_errors(tables: "Table") -> "Table":
    """Leave the responses out that the judge gave no verdict on."""
    return tables[..., :-1]


def errors_as_wrong_side(tables: "Table") -> "Table":
    """Fold the errors of a table of two sides to the side that people did not choose.

    As a class of their own they would agree beyond chance where a judge fails on one side only.
    """
    sides, errors = tables[..., :-1], tables[..., -1]
    wrong = sides.copy()
    wrong[..., 0, 1] += errors[..., 0]
    wrong[..., 1, 0] += errors[..., 1]
    return wrong


def errors_as_missed(tables: "Table") -> "Table":
    """Make an error a last class, which no person uses, so that people's class is missed."""
    import numpy

    unused = numpy.zeros((*tables.shape[:-2], 1, tables.shape[-1]))
    return numpy.concatenate([tables, unused], axis=-2)


def cohen_kappa(tables: "Table") -> "Numbers":
    """Compute Cohen's kappa: agreement beyond what the two readers' shares give by chance.

    Cohen 1960, A coefficient of agreement for nominal scales,
    https://doi.org/10.1177/001316446002000104. Not defined where both call all the same.
    """
    total = tables.sum(axis=(-2, -1))
    by_chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1)
    # In whole numbers until the division, so that it is exact.
    return _ratio(total * _agreed(tables) - by_chance, total**2 - by_chance)


def accuracy(tables: "Table") -> "Numbers":
    """Compute the share of responses that both call the same."""
    return _ratio(_agreed(tables), tables.sum(axis=(-2, -1)))


def recalls(tables: "Table") -> "Numbers":
    """Compute for each class the share of people's responses that the judge finds."""
    return _ratio(_hits(tables), tables.sum(axis=-1))


def precisions(tables: "Table") -> "Numbers":
    """Compute for each class the share of the judge's responses that people call so too."""
    return _ratio(_hits(tables), tables.sum(axis=-2))


def f1_scores(tables: "Table") -> "Numbers":
    """Compute for each class the harmonic mean of precision and recall.

    As van Rijsbergen's F at equal weights, 2 TP / (2 TP + FP + FN); 0 for a class that only one
    reader uses, not defined for one that neither does.
    """
    return _ratio(2 * _hits(tables), tables.sum(axis=-1) + tables.sum(axis=-2))


def macro_f1(tables: "Table") -> "Numbers":
    """Compute the mean of the F1 scores of the classes that either reader uses."""
    return _mean_of_defined(f1_scores(tables))


def macro_f1_of_all_but_last(tables: "Table") -> "Numbers":
    """Compute macro F1 where the last class is that of errors, which is no class to find."""
    return _mean_of_defined(f1_scores(tables)[..., :-1])


def shares_of_rows(tables: "Table") -> "Numbers":
    """Compute each entry's share of its row, row after row in one line."""
    shares: Numbers = _ratio(tables, tables.sum(axis=-1, keepdims=True))
    return shares.reshape(*tables.shape[:-2], -1)


def classes_used(tables: "Table") -> "Numbers":
    """Count the classes that people use."""
    used: Numbers = (tables.sum(axis=-1) > 0).sum(axis=-1)
    return used


def _folded(tables: "Table", rows: Sequence[int], columns: Sequence[int]) -> "Table":
    """Add up rows, and columns, that go to the same place; a last column stays apart."""
    import numpy

    to_rows = numpy.eye(max(rows) + 1)[:, rows]
    to_columns = numpy.eye(max(columns) + 2)[[*columns, -1]]
    folded: Table = to_rows @ tables @ to_columns
    return folded


def _mean_of_defined(scores: "Numbers") -> "Numbers":
    import numpy

    defined = ~numpy.isnan(scores)
    return _ratio(numpy.where(defined, scores, 0.0).sum(axis=-1), defined.sum(axis=-1))


def _hits(tables: "Table") -> "Numbers":
    import numpy

    hits: Numbers = numpy.diagonal(tables, axis1=-2, axis2=-1)
    return hits


def _agreed(tables: "Table") -> "Numbers":
    agreed: Numbers = _hits(tables).sum(axis=-1)
    return agreed


def _ratio(above: Any, below: Any) -> "Numbers":  # noqa: ANN401 - arrays and numpy's own scalars
    """Divide, with NaN where there is nothing to divide by."""
    import numpy

    shape = numpy.broadcast_shapes(numpy.shape(above), numpy.shape(below))
    nothing = numpy.full(shape, numpy.nan)
    ratio: Numbers = numpy.divide(above, below, out=nothing, where=numpy.asarray(below) != 0)
    return ratio
