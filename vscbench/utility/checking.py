"""Verifying a set of questions before a run: counts, images, and questions that come twice."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from vscbench.pairs.check import Finding, image_findings
from vscbench.pairs.clusters import normalised
from vscbench.utility.questions import Question, as_pair


@dataclass(frozen=True, slots=True)
class SkillCount:
    """How many questions a skill has, how many with an image, and how many with choices."""

    skill: str
    questions: int
    with_image: int
    with_choices: int


def count_skills(questions: Sequence[Question]) -> list[SkillCount]:
    """Count questions by skill, in order of their names."""
    return [
        SkillCount(
            skill=skill,
            questions=number,
            with_image=sum(each.skill == skill and each.image is not None for each in questions),
            with_choices=sum(each.skill == skill and bool(each.choices) for each in questions),
        )
        for skill, number in sorted(Counter(each.skill for each in questions).items())
    ]


def bad_images(questions: Sequence[Question]) -> list[Finding]:
    """Open every image and list those that are missing, unreadable or changed."""
    return image_findings(map(as_pair, questions))


def duplicates(questions: Sequence[Question]) -> list[tuple[str, ...]]:
    """List the ids of questions that ask the same of the same image, sorted."""
    asked: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in questions:
        image = each.image_sha256 or (str(each.image) if each.image else "")
        words = normalised(each.question)
        asked[(words, image, *sorted(map(normalised, each.choices)))].append(each.id)
    return sorted(tuple(sorted(ids)) for ids in asked.values() if len(ids) > 1)
