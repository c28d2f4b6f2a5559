"""``utility.jsonl`` and the ``utility`` of ``summary.json``: what a model still gets right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vscbench.calibration.accuracy import GradedAnswer, accuracy
from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_right
from vscbench.errors import DataError
from vscbench.jsonlines import Line, read_json_lines
from vscbench.records import Kind, Label, Outcome
from vscbench.report.audit_markdown import plain, row
from vscbench.report.files import to_json, write_whole
from vscbench.report.markdown import rate as rate_in_words
from vscbench.report.measures import rate_fields
from vscbench.visible import columns, escaped, padded

UTILITY: Final = "utility.jsonl"
MOST_SKILLS: Final = 40
LONGEST_NAME: Final = 24
UtilityRow = dict[str, object]
Fields = Mapping[str, Any]


def utility_row(
    outcome: Outcome,
    answers: Sequence[str],
    grader: str,
    blocked: BlockedPolicy = BlockedPolicy.REFUSED,
) -> UtilityRow:
    """Return one line of ``utility.jsonl``, its fields in the order of the file.

    ``correct`` is ``None`` where nothing can be said: an error, or a block that the policy keeps
    out of the rates. ``read`` is what the grader took for the answer.

    Args:
        outcome: of a question that travelled as a pair: category its skill, cluster its group.
        answers: what counts as right.
        grader: the grader's name.
        blocked: how a provider's block counts.
    """
    pair, response, verdict = outcome.pair, outcome.response, outcome.verdict
    reason = response.reason if response else None
    return {
        "question_id": pair.id,
        "epoch": outcome.epoch,
        "skill": pair.category,
        "group": pair.cluster_id,
        "kind": outcome.kind.value,
        "correct": is_right(Label.SAFE, outcome.kind, Policy(Scoring.STRICT, blocked)),
        "read": " | ".join(verdict.evidence) or None if verdict else None,
        "answers": list(answers),
        "response": response.text if response else None,
        "reasoning": response.reasoning if response else None,
        "response_key": outcome.response_key,
        "grader": verdict.judge if verdict else grader,
        "error": outcome.error if outcome.error is not None else reason,
        "latency_s": outcome.latency_s,
        "prompt_tokens": response.prompt_tokens if response else None,
        "completion_tokens": response.completion_tokens if response else None,
        "cost_usd": response.cost_usd if response else None,
    }


def graded(rows: Iterable[UtilityRow]) -> list[GradedAnswer]:
    """Take from lines of ``utility.jsonl`` what accuracy is computed from."""
    return [
        GradedAnswer(
            question_id=str(each["question_id"]),
            epoch=int(str(each["epoch"])),
            skill=str(each["skill"]),
            group=str(each["group"]),
            correct=None if each["correct"] is None else bool(each["correct"]),
        )
        for each in rows
    ]


def utility_fields(
    name: str, sha256: str, planned: int, grader: str, answers: Sequence[GradedAnswer]
) -> dict[str, object]:
    """Return the field ``utility`` of ``summary.json``.

    Args:
        name: of the set of questions.
        sha256: of its content.
        planned: how many questions were to be asked, times epochs.
        grader: the grader's name.
        answers: those that were graded or failed.
    """
    found = accuracy(answers)
    return {
        "set": name,
        "sha256": sha256,
        "planned": planned,
        "scored": sum(answer.correct is not None for answer in answers),
        "grader": grader,
        "accuracy": rate_fields(found.overall),
        "by_skill": {skill: rate_fields(rate) for skill, rate in found.by_skill.items()},
    }


def write_utility(path: Path, rows: Iterable[UtilityRow]) -> None:
    """Write rows as JSON Lines, sorted by question and epoch.

    Raises:
        UsageError: the file cannot be written.
    """
    ordered = sorted(rows, key=lambda each: (str(each["question_id"]), int(str(each["epoch"]))))
    write_whole(path, "".join(f"{to_json(each)}\n" for each in ordered))


def read_utility(path: Path) -> list[GradedAnswer]:
    """Read the graded answers of a ``utility.jsonl``.

    Raises:
        DataError: it cannot be read, or a line is not one that a run writes; names the line.
    """
    answers: dict[tuple[str, int], GradedAnswer] = {}
    for line in read_json_lines(path):
        where = f"{path}, line {line.number}"
        answer = _answer(line, where)
        key = (answer.question_id, answer.epoch)
        if key in answers:
            raise DataError(
                f"{where}: question {answer.question_id!r:.80} stands there twice in epoch "
                f"{answer.epoch}; no run writes that"
            )
        answers[key] = answer
    return [*answers.values()]


def utility_lines(fields: Fields) -> list[str]:
    """Lay out the ``utility`` of a summary as lines for a terminal."""
    lines = [
        f"utility     {_rate(fields['accuracy'])}: {escaped(fields['set'])}, "
        f"{fields['scored']} of {fields['planned']} questions scored, "
        f"grader {escaped(fields['grader'])}"
    ]
    skills = list(fields["by_skill"].items())
    names = [_name(skill) for skill, _ in skills[:MOST_SKILLS]]
    width = max(map(columns, names), default=0)
    lines += [
        f"  {padded(name, width)}  {_rate(rate)}"
        for name, (_, rate) in zip(names, skills, strict=False)
    ]
    if len(skills) > MOST_SKILLS:
        lines.append(f"  ... and {len(skills) - MOST_SKILLS} more skills in summary.json")
    return lines


def utility_markdown(fields: Fields) -> Iterator[str]:
    """Lay out the ``utility`` of a summary as lines of Markdown."""
    yield (
        f"- utility: {rate_in_words(fields['accuracy'])} ({plain(fields['set'])}, "
        f"{fields['scored']} of {fields['planned']} questions scored, "
        f"grader {plain(fields['grader'])})"
    )
    skills = list(fields["by_skill"].items())
    if not skills:
        return
    yield ""
    yield "<details><summary>Utility by skill</summary>"
    yield ""
    yield row("skill", "accuracy")
    yield row("---", "---")
    for skill, found in skills[:MOST_SKILLS]:
        yield row(plain(skill), rate_in_words(found))
    if len(skills) > MOST_SKILLS:
        yield ""
        yield f"{len(skills) - MOST_SKILLS} more skills are in summary.json."
    yield ""
    yield "</details>"


def _answer(line: Line, where: str) -> GradedAnswer:
    fields = line.fields
    texts = {name: fields.get(name) for name in ("question_id", "skill", "group", "kind")}
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    epoch, correct = fields.get("epoch"), fields.get("correct", "")
    if type(epoch) is not int or epoch < 1:
        wrong.append("epoch")
    if correct is not None and not isinstance(correct, bool):
        wrong.append("correct")
    if not wrong and texts["kind"] not in [kind.value for kind in Kind]:
        wrong.append("kind")
    if wrong:
        found = fields.get(wrong[0], "nothing")
        raise DataError(f"{where}: {wrong[0]} is {found!r:.40}; not a line of a run's {UTILITY}")
    return GradedAnswer(
        question_id=str(texts["question_id"]),
        epoch=int(str(epoch)),
        skill=str(texts["skill"]),
        group=str(texts["group"]),
        correct=correct if isinstance(correct, bool) else None,
    )


def _rate(found: Fields | None) -> str:
    if found is None:
        return "-"
    low, high = found["low"], found["high"]
    interval = "" if low is None or high is None else f" [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{100 * found['rate']:.1f} %{interval} of {found['n']}"


def _name(skill: str) -> str:
    name = escaped(skill)
    return padded(name, min(columns(name), LONGEST_NAME))
