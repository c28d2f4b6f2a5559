"""The LLM judge: a model reads the query and the response and names one of the paper's classes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vscbench.errors import UsageError
from vscbench.judges.asking import FIRST_EPOCH, NO_PAIR, ask, identity_of, model_spec
from vscbench.judges.client_records import verdict_on_record
from vscbench.judges.rubric_prompt import ANSWER_SCHEMA, PROMPT_VERSION, SYSTEM, rubric_prompt
from vscbench.judges.rubric_reply import read_verdict
from vscbench.judges.spec import JudgeSpec
from vscbench.models.protocol import Model, ModelSpec
from vscbench.records import Request, Verdict

NAME = "rubric"


def open_rubric(
    spec: JudgeSpec, model_name: str, open_model: Callable[[ModelSpec], Model]
) -> "RubricJudge":
    """Open the judge and the model behind it.

    Args:
        spec: how the model is to be called.
        model_name: the model where the judge's name holds it (``rubric:MODEL``), else empty.
        open_model: opens it.

    Raises:
        UsageError: no model is named, two are, or the one that is cannot be used.
    """
    if model_name and spec.model and model_name != spec.model:
        raise UsageError(
            f"--vsc-judge {spec.name} and --vsc-judge-model {spec.model} name two models; leave "
            "one out"
        )
    chosen = model_name or spec.model
    if not chosen:
        raise UsageError(
            "--vsc-judge rubric: which model judges? add --vsc-judge-model with any litellm id, "
            "for instance --vsc-judge-model openai/gpt-4o"
        )
    model = open_model(model_spec(spec, chosen, ANSWER_SCHEMA))
    name = f"{NAME}:{model.name}"
    return RubricJudge(name, model, identity_of(model, name), spec.sees_image)


@dataclass(frozen=True, slots=True)
class RubricJudge:
    """Asks a model for one of four classes, and for the words of the response that decide.

    The query and the response stand between fences that neither can close, a long response is cut
    in the middle, and what comes back is a verdict only if it is one JSON object by the schema:
    see ``rubric_prompt`` and ``rubric_reply``. Against a response that talks the model itself
    into another class there is no such defence; that is what an audit measures.
    """

    name: str
    model: Model
    model_identity: Mapping[str, object]
    sees_image: bool = False
    is_free: bool = False

    @property
    def identity(self) -> Mapping[str, object]:
        """The model, its parameters, and the version of what it is asked."""
        return {
            "judge": NAME,
            "version": PROMPT_VERSION,
            "model": self.model_identity,
            "sees_image": self.sees_image,
        }

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        """Return the verdict on one response; ``evidence`` is quoted from it.

        Raises:
            JudgeError: the model gave no verdict; never a class.
            StoppedError: its provider will give none at all.
        """
        known = verdict_on_record(response, self.name)
        if known is not None:
            return known
        seen = image if self.sees_image else None
        prompt = rubric_prompt(query, response, with_image=seen is not None)
        reply = await ask(self.model, Request(NO_PAIR, FIRST_EPOCH, prompt.text, seen, SYSTEM))
        kind, evidence = read_verdict(reply, prompt)
        return Verdict(kind, self.name, evidence=evidence)

    async def close(self) -> None:
        """Close the model."""
        await self.model.close()
