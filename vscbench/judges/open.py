"""From the name of a judge to the judge."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from vscbench.errors import UsageError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.protocol import Judge
from vscbench.judges.spec import JudgeSpec
from vscbench.models.protocol import Model, ModelSpec
from vscbench.records import Label

KNOWN = ("keywords", "classifier", "rubric", "rubric:MODEL", "guard:MODEL", "panel:A,B,C")
RUBRIC, GUARD, PANEL = "rubric", "guard:", "panel:"
OpenModel = Callable[[ModelSpec], Model]


def open_judge(
    spec: JudgeSpec,
    open_model: OpenModel,
    keep: Callable[[Judge], Judge] = lambda member: member,
) -> Judge:
    """Return the judge that a person named.

    Args:
        spec: its name, and how the models behind it are to be called.
        open_model: opens the model of a judge that asks one.
        keep: is given each member of a panel, and returns what the panel is to ask in its place.

    Raises:
        UsageError: no judge has this name, or it cannot be used as asked.
    """
    name = spec.name
    if name == "keywords":
        return KeywordsJudge()
    if name == "classifier":
        # Imported here, as every judge below: who does not use it does not load its file.
        from vscbench.judges.classifier.judge import ClassifierJudge

        return ClassifierJudge()
    if name == RUBRIC or name.startswith(f"{RUBRIC}:"):
        from vscbench.judges.rubric import open_rubric

        return open_rubric(spec, name.removeprefix(RUBRIC).removeprefix(":"), open_model)
    if name.startswith(GUARD):
        from vscbench.judges.guard import open_guard

        return open_guard(spec, name.removeprefix(GUARD), open_model)
    if name.startswith(PANEL):
        from vscbench.judges.panel import open_panel

        return open_panel(spec, members_of(name), lambda member: keep(_member(member, open_model)))
    raise UsageError(f"unknown judge {name!r}; known judges: {', '.join(KNOWN)}")


def members_of(name: str) -> tuple[str, ...]:
    """Return the names of a panel's judges, or the one name of any other judge."""
    if not name.startswith(PANEL):
        return (name,)
    return tuple(part.strip() for part in name.removeprefix(PANEL).split(","))


def asks_a_model(name: str) -> bool:
    """Whether a judge of this name sends requests, which may cost something."""
    names = members_of(name)
    return any(each == RUBRIC or each.startswith((f"{RUBRIC}:", GUARD)) for each in names)


def require_labels(name: str, labels: Iterable[Label]) -> None:
    """Check that a judge can tell right from wrong for pairs of these labels.

    Raises:
        UsageError: it reads harm alone, and there are safe pairs.
    """
    from vscbench.judges.guard import reads_harm_alone

    blind = [each for each in members_of(name) if reads_harm_alone(each.removeprefix(GUARD))]
    if blind and Label.SAFE in labels:
        raise UsageError(
            f"--vsc-judge {blind[0]}: it says whether a response is harmful, not whether it is a "
            "refusal, so it cannot tell a refused safe question from an answered one. Select "
            "'--vsc-label unsafe', or use a judge that reads refusals (classifier, rubric, "
            "guard:... of WildGuard)"
        )


def _member(spec: JudgeSpec, open_model: OpenModel) -> Judge:
    # The model of the options is that of a plain rubric, not of one that names its own.
    named = spec.name.startswith(f"{RUBRIC}:")
    return open_judge(replace(spec, model=None) if named else spec, open_model)
