"""What a store holds, counted by model and by judge."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vscbench.engine.decide import kind_without_judge
from vscbench.engine.store import StoredResponse, StoredVerdict
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.reasoning.responses import set_apart
from vscbench.records import Finish, Kind


@dataclass(slots=True)
class ModelOverview:
    """The responses of one model.

    ``responses`` to ``served`` count the newest response of each key; ``first`` to ``priced`` are
    over all rows, since all were paid for. ``cut`` are those with text that length cut.
    ``first`` and ``last`` are in seconds since 1970, ``served`` counts by version.
    """

    responses: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    cut: int = 0
    served: Counter[str | None] = field(default_factory=Counter)
    superseded: int = 0
    first: float = float("inf")
    last: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    priced: int = 0

    def count(
        self, stored: StoredResponse, is_newest: bool, forms: Sequence[ReasoningForm]
    ) -> None:
        """Add one row; ``forms`` are those of reasoning, which is no answer."""
        response = stored.response
        self.first = min(self.first, stored.created)
        self.last = max(self.last, stored.created)
        self.prompt_tokens += response.prompt_tokens or 0
        self.completion_tokens += response.completion_tokens or 0
        if response.cost_usd is not None:
            self.cost_usd += response.cost_usd
            self.priced += 1
        if not is_newest:
            self.superseded += 1
            return
        self.responses += 1
        self.served[response.served_model] += 1
        kind = kind_without_judge(set_apart(response, forms))
        if kind is not None:
            self.kinds[kind] += 1
        elif response.finish is Finish.LENGTH:
            self.cut += 1


def overview_of_models(
    responses: Iterable[tuple[StoredResponse, bool]],
    forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
) -> dict[str, ModelOverview]:
    """Count responses by the model's name, sorted; each comes with whether it is the newest."""
    models: dict[str, ModelOverview] = {}
    for stored, is_newest in responses:
        models.setdefault(stored.model, ModelOverview()).count(stored, is_newest, forms)
    return dict(sorted(models.items()))


def overview_of_judges(verdicts: Iterable[tuple[StoredVerdict, bool]]) -> dict[str, Counter[Kind]]:
    """Count the newest verdicts by judge, sorted, and kind."""
    judges: dict[str, Counter[Kind]] = {}
    for stored, is_newest in verdicts:
        if is_newest:
            judges.setdefault(stored.verdict.judge, Counter())[stored.verdict.kind] += 1
    return dict(sorted(judges.items()))
