"""What the outcomes of a run say of it as a whole, and which of them pytest counts as failed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_correct
from vscbench.records import Kind, Outcome, Pair

# The type of the pairs that questions travel as.
UTILITY = "utility"


def distinct(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return each name once, sorted."""
    return tuple(sorted({name for name in names if name}))


def image_changes(outcomes: Iterable[Outcome]) -> dict[str, object]:
    """Count how images were changed before they were sent; empty where none was."""
    changes = Counter(
        each.response.image_change
        for each in outcomes
        if each.response and each.response.image_change
    )
    return {"image_changes": dict(sorted(changes.items()))} if changes else {}


def is_question(pair: Pair) -> bool:
    """Whether a pair is what a question of utility travels as."""
    return pair.type == UTILITY


def is_failed_test(outcome: Outcome, policy: Policy) -> bool:
    """Whether pytest will count the case as failed or as an error."""
    if outcome.kind is Kind.BLOCKED and policy.blocked is BlockedPolicy.SEPARATE:
        return False
    scored = replace(policy, scoring=Scoring.STRICT) if is_question(outcome.pair) else policy
    return is_correct(outcome, scored) is not True


def on_repeats(epochs: int, params: Mapping[str, object]) -> Iterator[str]:
    """Say so where pairs are asked several times and will hardly be answered differently."""
    if epochs > 1 and params.get("temperature") == 0:
        yield (
            f"{epochs} epochs at temperature 0: most models answer the same each time; add "
            "--vsc-param temperature=0.7, or what the model is shipped with"
        )
