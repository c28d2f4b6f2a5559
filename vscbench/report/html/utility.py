"""What a model still gets right: the part of the page on utility."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vscbench.report.html.headline import Measure, measure
from vscbench.report.html.words import count

MOST_SKILLS: Final = 200


@dataclass(frozen=True, slots=True)
class Utility:
    """Accuracy on a set of questions, overall and by skill; ``left_out`` skills are not listed."""

    about: str
    overall: Measure
    skills: tuple[Measure, ...]
    left_out: int


def utility(summary: Mapping[str, Any]) -> Utility | None:
    """Return what the summary says of utility, or ``None`` where none was measured."""
    said = summary.get("utility")
    if not said:
        return None
    skills = sorted(said["by_skill"].items())
    return Utility(
        about=(
            f"{count(said['scored'])} of {count(said['planned'])} questions of {said['set']} "
            f"graded, by {said['grader']}; errors are in no rate."
        ),
        overall=measure("Utility", "questions answered rightly", said["accuracy"]),
        skills=tuple(measure(name, "", rate) for name, rate in skills[:MOST_SKILLS]),
        left_out=max(0, len(skills) - MOST_SKILLS),
    )
