"""Stored responses as lines that ``--model=recorded:FILE`` reads."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from vscbench.engine.decide import kind_without_judge
from vscbench.engine.store import StoredResponse
from vscbench.errors import UsageError
from vscbench.records import Finish
from vscbench.visible import visible

LONGEST_NAME = 200
Case = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Export:
    """The newest response of each pair and epoch, sorted by these.

    ``contested`` counts the cases that answers to more than one request compete for: the same
    pair with other parameters, another system prompt or another set of pairs.
    """

    model: str
    responses: Sequence[StoredResponse]
    contested: int


def choose_responses(
    responses: Iterable[StoredResponse], model: str | None, served: Collection[str] = ()
) -> Export:
    """Take the newest response of each pair and epoch, of one model.

    Args:
        responses: all rows, oldest first.
        model: the model's name; ``None`` where the store holds one model only.
        served: the versions to take; empty where all are of one version.

    Raises:
        UsageError: there is nothing of that name, or a model or version must be chosen.
    """
    rows = list(responses)
    name = _one_model({row.model for row in rows}, model)
    mine = [row for row in rows if row.model == name]
    wanted = [row for row in mine if not served or row.response.served_model in served]
    if not wanted:
        raise UsageError(f"--served {', '.join(served)}: {_versions(mine)}")
    newest: dict[Case, StoredResponse] = {}
    keys: dict[Case, set[str]] = {}
    for row in wanted:
        case = (row.pair_id, row.epoch)
        newest[case] = row
        keys.setdefault(case, set()).add(row.key)
    chosen = [newest[case] for case in sorted(newest)]
    if not served and len(_named_versions(chosen)) > 1:
        raise UsageError(
            f"{_versions(chosen)}; a file of them would mix these: choose with --served VERSION "
            "(once for each that belongs in it)"
        )
    return Export(name, chosen, sum(len(each) > 1 for each in keys.values()))


def export_line(stored: StoredResponse) -> dict[str, object]:
    """Return one line of an export; its fields are named as in ``outcomes.jsonl``."""
    response = stored.response
    kind = kind_without_judge(response)
    return {
        "pair_id": stored.pair_id,
        "epoch": stored.epoch,
        "kind": None if kind is None else kind.value,
        "truncated": response.finish is Finish.LENGTH,
        "response": response.text,
        "reasoning": response.reasoning,
        "response_key": stored.key,
        "latency_s": stored.latency_s,
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "cost_usd": response.cost_usd,
        "served_model": response.served_model,
        "error": response.reason,
        "ending": response.ending,
        "model": stored.model,
    }


def _one_model(models: Collection[str], model: str | None) -> str:
    if not models:
        raise UsageError("the store holds no response")
    if model is None and len(models) > 1:
        raise UsageError(
            f"the store holds responses of {_listed(models)}; choose one with --model NAME"
        )
    if model is not None and model not in models:
        raise UsageError(unknown_model(model, models))
    return next(iter(models)) if model is None else model


def unknown_model(model: str, models: Collection[str]) -> str:
    """Say that a store holds nothing of a model, and of which it does."""
    return f"--model {model}: the store holds responses of {_listed(models) or 'no model'} only"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(shown_name, sorted(names)))


def _named_versions(rows: Iterable[StoredResponse]) -> Counter[str]:
    return Counter(row.response.served_model for row in rows if row.response.served_model)


def _versions(rows: Iterable[StoredResponse]) -> str:
    counts = sorted(_named_versions(rows).items())
    listed = ", ".join(f"{shown_name(name)} ({count})" for name, count in counts)
    return f"the responses came from the versions {listed or '(none is named)'}"


def shown_name(name: str) -> str:
    """Return a name on one line, as a terminal may show it."""
    return visible(name.replace("\n", "\\n"), LONGEST_NAME)
