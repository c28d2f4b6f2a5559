"""Outcomes by the name of their group."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from vscbench.records import Outcome


def grouped(
    outcomes: Iterable[Outcome], key: Callable[[Outcome], str | None]
) -> dict[str, list[Outcome]]:
    """Group outcomes by name, names sorted; where ``key`` gives ``None``, one is left out."""
    groups: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        name = key(outcome)
        if name is not None:
            groups[name].append(outcome)
    return {name: groups[name] for name in sorted(groups)}
