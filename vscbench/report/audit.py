"""An audit: how well a judge agrees with people, as the content of ``--json``'s file."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vscbench.calibration.estimate import LEVEL, Estimate
from vscbench.calibration.judge_agreement import Agreement, Reading, judge_agreement
from vscbench.errors import JudgeError
from vscbench.judges.labels import LabelFile, LabelledResponse
from vscbench.records import Kind, Verdict

SCHEMA: Final = 1
DIGITS: Final = 6
QUOTED: Final = 1000
MOST_CAUSES: Final = 5
Fields = dict[str, Any]
Said = Verdict | JudgeError


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are computed: replicates of the cluster bootstrap, and its seed."""

    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled response and what the judge made of it."""

    labelled: LabelledResponse
    said: Said

    @property
    def kind(self) -> Kind:
        """The verdict's kind, or ``judge-error``."""
        return self.said.kind if isinstance(self.said, Verdict) else Kind.JUDGE_ERROR

    @property
    def probability(self) -> float | None:
        """The judge's probability, where it gives one."""
        return self.said.probability if isinstance(self.said, Verdict) else None

    @property
    def reading(self) -> Reading:
        """What agreement is computed from."""
        return Reading(self.labelled.kind, self.kind, self.labelled.cluster)


def audit(
    judge: str,
    files: Sequence[LabelFile],
    said: Sequence[Said],
    how: Resampling,
    worst: int,
) -> Fields:
    """Compare a judge with people.

    Args:
        judge: its name.
        files: the labelled responses.
        said: the judge's verdict on each response of the files, in their order, or its error.
        how: how intervals are computed.
        worst: how many disagreements to list.

    Returns:
        The content of the audit's file; its JSON Schema is ``audit.schema.json``. Numbers are
        null where they are not defined.
    """
    responses = [response for file in files for response in file.responses]
    judged = [Judged(*each) for each in zip(responses, said, strict=True)]
    overall = _agreement(judged, how)
    return {
        "schema": SCHEMA,
        "judge": judge,
        "files": [_file_fields(file) for file in files],
        "intervals": {
            "method": "percentile cluster bootstrap, a cluster is a prompt within its source",
            "level": LEVEL,
            "resamples": how.resamples,
            "seed": how.seed,
        },
        "n": overall.n,
        "errors": overall.errors,
        "coverage": _rounded(overall.coverage),
        "error_causes": _error_causes(judged),
        "overall": agreement_fields(overall),
        "by": {
            "source": _by(judged, lambda each: each.source, how),
            "model": _by(judged, lambda each: each.model, how),
            "label": _by(judged, lambda each: each.kind.value, how),
        },
        "human": _human(responses, how),
        "worst": [_disagreement_fields(each) for each in worst_disagreements(judged, worst)],
    }


def agreement_fields(agreement: Agreement) -> Fields:
    """Lay out one comparison as it stands in the file."""
    binary, four_class = agreement.binary, agreement.four_class
    wrong = agreement.errors_as_wrong
    return {
        "n": agreement.n,
        "clusters": agreement.clusters,
        "errors": agreement.errors,
        "coverage": _rounded(agreement.coverage),
        "binary": _estimates(kappa=binary.kappa, accuracy=binary.accuracy, f1=binary.f1),
        "four_class": {
            **_estimates(
                kappa=four_class.kappa,
                accuracy=four_class.accuracy,
                macro_f1=four_class.macro_f1,
            ),
            "per_class": {
                kind.value: {
                    "people": each.people,
                    "judge": each.judge,
                    **_estimates(precision=each.precision, recall=each.recall, f1=each.f1),
                }
                for kind, each in four_class.per_class.items()
            },
            "confusion": {
                people.value: {
                    judge.value: {"n": cell.n, **_estimate(cell.share)}
                    for judge, cell in row.items()
                }
                for people, row in agreement.confusion.items()
            },
        },
        "errors_as_wrong": {
            "binary": _estimates(kappa=wrong.binary_kappa, accuracy=wrong.binary_accuracy),
            "four_class": _estimates(
                accuracy=wrong.four_class_accuracy, macro_f1=wrong.four_class_macro_f1
            ),
        },
    }


def worst_disagreements(judged: Sequence[Judged], most: int) -> list[Judged]:
    """Choose the disagreements that weigh most.

    First those over safe behaviour, then those of the highest probability. Where the judge gives
    none, the order is by a digest of the text: arbitrary, but the same each time.
    """
    differing = (each for each in judged if _differs(each))
    return sorted(differing, key=_weight)[:most]


def _differs(each: Judged) -> bool:
    if each.kind is Kind.JUDGE_ERROR:
        return False
    # A block is none of the four classes, and counts as refused among them.
    blocks = {Kind.BLOCKED: Kind.REFUSED}
    people, judge = each.labelled.kind, each.kind
    return blocks.get(people, people) is not blocks.get(judge, judge)


def _weight(each: Judged) -> tuple[bool, float, str]:
    same_side = each.kind.is_safe_behaviour == each.labelled.kind.is_safe_behaviour
    words = f"{each.labelled.query}\n{each.labelled.response}".encode("utf-8", "surrogatepass")
    return same_side, -(each.probability or 0.0), hashlib.sha256(words).hexdigest()


def _agreement(judged: Sequence[Judged], how: Resampling) -> Agreement:
    return judge_agreement([each.reading for each in judged], how.resamples, how.seed)


def _by(
    judged: Sequence[Judged],
    name: Callable[[LabelledResponse], str | None],
    how: Resampling,
) -> Fields:
    """Compare within each group; a response without the name is in none."""
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        group = name(each.labelled)
        if group is not None:
            groups[group].append(each)
    return {group: agreement_fields(_agreement(groups[group], how)) for group in sorted(groups)}


def _human(responses: Sequence[LabelledResponse], how: Resampling) -> Fields:
    """Compare two annotators with each other, in each source where that is known."""
    sources: defaultdict[str, list[LabelledResponse]] = defaultdict(list)
    for response in responses:
        if response.annotators is not None or response.annotators_agree is not None:
            sources[response.source].append(response)
    return {source: _two_people(sources[source], how) for source in sorted(sources)}


def _two_people(responses: Sequence[LabelledResponse], how: Resampling) -> Fields:
    """Say how well two annotators agree, as far as the file tells.

    ``same_label`` is of the labels as they chose them, which may be finer than our classes.
    """
    both = [
        Reading(*response.annotators, response.cluster)
        for response in responses
        if response.annotators is not None
    ]
    told = [
        response.annotators_agree for response in responses if response.annotators_agree is not None
    ]
    agreement = judge_agreement(both, how.resamples, how.seed) if both else None
    binary = agreement and _estimates(
        kappa=agreement.binary.kappa, accuracy=agreement.binary.accuracy
    )
    four_class = agreement and _estimates(
        kappa=agreement.four_class.kappa, accuracy=agreement.four_class.accuracy
    )
    return {
        "n": len(both),
        "same_label": _rounded(sum(told) / len(told)) if told else None,
        "same_label_n": len(told),
        "binary": binary,
        "four_class": four_class,
    }


def _file_fields(file: LabelFile) -> Fields:
    return {
        "file": str(file.path),
        "labelled": len(file.responses),
        "other": file.other,
        "unlabelled": file.unlabelled,
    }


def _error_causes(judged: Sequence[Judged]) -> Fields:
    """Count the judge's errors by their message, the most common first."""
    causes = Counter(
        str(each.said)[:QUOTED] for each in judged if isinstance(each.said, JudgeError)
    )
    return dict(sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))[:MOST_CAUSES])


def _disagreement_fields(each: Judged) -> Fields:
    return {
        "file": str(each.labelled.path),
        "line": each.labelled.line,
        "source": each.labelled.source,
        "model": each.labelled.model,
        "people": each.labelled.kind.value,
        "judge": each.kind.value,
        "probability": _rounded(each.probability),
        "evidence": list(each.said.evidence) if isinstance(each.said, Verdict) else [],
        "query": each.labelled.query[:QUOTED],
        "response": each.labelled.response[:QUOTED],
    }


def _estimates(**figures: Estimate) -> Fields:
    return {name: _estimate(figure) for name, figure in figures.items()}


def _estimate(figure: Estimate) -> Mapping[str, float | None]:
    return {
        "value": _rounded(figure.value),
        "low": _rounded(figure.low),
        "high": _rounded(figure.high),
    }


def _rounded(number: float | None) -> float | None:
    # The last digits of a float can depend on the machine.
    return None if number is None else round(number, DIGITS)
