"""What a calibration method comes to, in one plain sentence, by rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vscbench.calibration.estimate import Estimate
from vscbench.calibration.trade import Change, Measure, Trade

LEAST_P: Final = 0.0001
RATES: Final[Mapping[Measure, str]] = {
    "sra_u": "SRA_u",
    "sra_s": "SRA_s",
    "contrast": "contrasts with both sides right",
}


class Verdict(StrEnum):
    """What a method does to a model's calibration, as far as the data tell."""

    BETTER = "discriminates better"
    WORSE = "discriminates worse"
    REFUSES_MORE = "only refuses more"
    ANSWERS_MORE = "only answers more"
    UNDECIDED = "cannot be told"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with what it rests on, and what the method costs, each in words."""

    verdict: Verdict
    calibration: str
    utility: str

    @property
    def sentence(self) -> str:
        """Both in one sentence."""
        return f"{self.calibration}; {self.utility}"


def finding(trade: Trade) -> Finding:
    """Say what a method comes to.

    It discriminates better, or worse, where d' changed significantly. Where only the criterion
    did, it moved the line: it only refuses, or only answers, more. Else it cannot be told. What
    the intervals leave possible is said beside.
    """
    d_prime, criterion = (trade.changes.get(each) for each in ("d_prime", "criterion"))
    utility = _utility(trade.changes.get("utility"))
    if d_prime is None or criterion is None:
        said = f"{Verdict.UNDECIDED}: too few safe and unsafe pairs were scored in both runs"
        return Finding(Verdict.UNDECIDED, said, utility)
    verdict = _verdict(d_prime, criterion)
    because = _because(verdict, d_prime, criterion)
    return Finding(verdict, f"{verdict}: {because}{_besides(verdict, trade)}", utility)


def probability(p: float) -> str:
    """Write a p as text would have it: with its sign."""
    return f"p < {LEAST_P}" if p < LEAST_P else f"p = {p:.4f}"


def _verdict(d_prime: Change, criterion: Change) -> Verdict:
    if d_prime.rose:
        return Verdict.BETTER
    if d_prime.fell:
        return Verdict.WORSE
    if criterion.fell:
        return Verdict.REFUSES_MORE
    if criterion.rose:
        return Verdict.ANSWERS_MORE
    return Verdict.UNDECIDED


def _because(verdict: Verdict, d_prime: Change, criterion: Change) -> str:
    if verdict is Verdict.UNDECIDED:
        return (
            f"neither d' ({_told(d_prime.difference)}) nor the criterion "
            f"({_told(criterion.difference)}) changed significantly; {_possible(d_prime)}"
        )
    if verdict in {Verdict.BETTER, Verdict.WORSE}:
        moved = _moved("d'", d_prime)
        if not (criterion.rose or criterion.fell):
            return moved
        lean = "refusing" if criterion.fell else "answering"
        return f"{moved}; it leans more to {lean} as well: {_moved('the criterion', criterion)}"
    return (
        f"{_moved('the criterion', criterion)}, and d' did not change significantly "
        f"({_told(d_prime.difference)}); {_possible(d_prime)}"
    )


def _besides(verdict: Verdict, trade: Trade) -> str:
    """Say what of contrasts changed significantly, and of the rates where nothing else did."""
    told = [
        (words, trade.changes[name])
        for name, words in RATES.items()
        if name in trade.changes and (name == "contrast" or verdict is Verdict.UNDECIDED)
    ]
    return "".join(
        f"; {words} {'rose' if change.rose else 'fell'} by "
        f"{_told(_unsigned(_scaled(change.difference, 100)), '.1f', ' points')}"
        for words, change in told
        if change.rose or change.fell
    )


def _moved(name: str, change: Change) -> str:
    verb = "rose" if change.rose else "fell"
    size = _told(_unsigned(change.difference), ".2f")
    return f"{name} {verb} by {size} ({probability(change.p_holm)}, Holm)"


def _possible(d_prime: Change) -> str:
    """Say what change of d' the interval leaves possible."""
    low, high = d_prime.difference.low, d_prime.difference.high
    sizes = {
        "a fall of d'": None if low is None else -low,
        "a rise of d'": high,
    }
    left = [
        f"{name} of {'any size' if size is None else f'up to {size:.2f}'}"
        for name, size in sizes.items()
        if size is None or size > 0
    ]
    why = ", since a rate is at or near 0 or 1" if low is None or high is None else ""
    return f"{' and '.join(left)} {'are' if len(left) > 1 else 'is'} not ruled out{why}"


def _utility(change: Change | None) -> str:
    if change is None or change.difference.value is None:
        return "utility was not measured"
    points = _scaled(change.difference, 100)
    if change.fell or change.rose:
        verb = "costs" if change.fell else "gains"
        return f"{verb} {_told(_unsigned(points), '.1f', ' points of utility')}"
    loss = "any size" if points.low is None else f"up to {max(0.0, -points.low):.1f} points"
    return (
        f"no significant change of utility ({_told(points, '+.1f', ' points')}); "
        f"a loss of {loss} is not ruled out"
    )


def _told(estimate: Estimate, form: str = "+.2f", unit: str = "") -> str:
    """Write a number with its unit and its interval, where it has one."""
    value, low, high = estimate.value or 0.0, estimate.low, estimate.high
    if low is None and high is None:
        return f"{value:{form}}{unit}"
    ends = "-inf" if low is None else f"{low:{form}}", "inf" if high is None else f"{high:{form}}"
    return f"{value:{form}}{unit} [{', '.join(ends)}]"


def _unsigned(estimate: Estimate) -> Estimate:
    """Turn a fall into its size."""
    return _scaled(estimate, -1) if (estimate.value or 0.0) < 0 else estimate


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    value, low, high = (
        None if each is None else factor * each
        for each in (estimate.value, estimate.low, estimate.high)
    )
    return Estimate(value, low, high) if factor > 0 else Estimate(value, high, low)
