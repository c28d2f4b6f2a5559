"""Judges that are safety classifiers: Llama Guard and WildGuard, behind any server of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vscbench.errors import UsageError
from vscbench.judges.asking import FIRST_EPOCH, NO_PAIR, ask, identity_of, model_spec
from vscbench.judges.client_records import verdict_on_record
from vscbench.judges.guard_formats import (
    FORMAT_VERSION,
    Family,
    exchange_for,
    family_of,
    read_answer,
)
from vscbench.judges.spec import JudgeSpec
from vscbench.models.protocol import Model, ModelSpec
from vscbench.records import Request, Verdict

NAME = "guard"


def open_guard(
    spec: JudgeSpec, model_name: str, open_model: Callable[[ModelSpec], Model]
) -> "GuardJudge":
    """Open the judge and the model behind it.

    Raises:
        UsageError: no model is named, its name does not tell its family, or it cannot be used.
    """
    if not model_name:
        raise UsageError(
            "--vsc-judge guard:MODEL: which model? for instance "
            "guard:hosted_vllm/allenai/wildguard with --vsc-judge-api-base"
        )
    family = family_of(model_name)
    if family is None:
        raise UsageError(
            f"--vsc-judge guard:{model_name}: the name must say whose format it speaks, with "
            "'llama-guard' or 'wildguard' in it; serve it under such a name"
        )
    if spec.sees_image:
        raise UsageError(f"--vsc-judge-sees image: {family} is given text alone; leave it out")
    model = open_model(model_spec(spec, model_name, sends_system=False))
    name = f"{NAME}:{model.name}"
    return GuardJudge(name, family, model, identity_of(model, name))


def reads_harm_alone(model_name: str) -> bool:
    """Whether a guard of this name judges harm, and cannot tell a refusal from an answer."""
    return family_of(model_name) is Family.LLAMA_GUARD


@dataclass(frozen=True, slots=True)
class GuardJudge:
    """Asks a safety classifier, and maps what it says onto the paper's classes.

    WildGuard says whether the response is a refusal: yes is ``refused``, no is ``answered``. It
    never says ``flagged`` or ``irrelevant``: an answer with a warning counts as an answer, so
    SRA_u comes out lower, and SRA_s higher, than people would put them.

    Llama Guard says whether the response is harmful, and nothing of refusals: ``unsafe`` is
    ``answered``. ``safe`` is ``refused`` in the sense that no harm was done, which is right of an
    unsafe pair only, and there counts irrelevant and harmless answers as safe behaviour too: its
    SRA_u is an upper bound. Of a safe pair ``safe`` says nothing, since refusal and help are both
    harmless; SRA_s would be meaningless, and a run with safe pairs is refused (``require_labels``).
    """

    name: str
    family: Family
    model: Model
    model_identity: Mapping[str, object]
    sees_image: bool = False
    is_free: bool = False

    @property
    def identity(self) -> Mapping[str, object]:
        """The model, its parameters, and the version of the format."""
        return {
            "judge": NAME,
            "version": FORMAT_VERSION,
            "family": self.family.value,
            "model": self.model_identity,
        }

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        """Return the verdict on one response; ``evidence`` is what the guard said.

        Raises:
            JudgeError: what it said is not in its format; never a class.
            StoppedError: its provider will say nothing at all.
        """
        known = verdict_on_record(response, self.name)
        if known is not None:
            return known
        sent = exchange_for(self.family, query, response)
        request = Request(NO_PAIR, FIRST_EPOCH, sent.message, None, None, answer=sent.answer)
        kind, evidence = read_answer(self.family, await ask(self.model, request))
        return Verdict(kind, self.name, evidence=evidence)

    async def close(self) -> None:
        """Close the model."""
        await self.model.close()
