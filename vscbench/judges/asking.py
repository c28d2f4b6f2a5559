"""How a judge asks its model: what comes back is text to be read, or no verdict."""

from vscbench.errors import DataError, JudgeError, TargetError, UsageError
from vscbench.judges.spec import JudgeSpec
from vscbench.models.protocol import Model, ModelSpec
from vscbench.records import Finish, Request, Response

# A request to a judge belongs to no pair; nothing of it is stored but the verdict.
NO_PAIR = "judge"
FIRST_EPOCH = 1


async def ask(model: Model, prompt: Request) -> str:
    """Return what the judge's model wrote.

    Raises:
        JudgeError: it wrote nothing, not to the end, or its provider blocked the question.
        StoppedError: its provider will not answer any other question either.
    """
    try:
        response = await model.respond(prompt)
    except (TargetError, DataError) as error:
        raise JudgeError(f"the judge's model {model.name} did not answer: {error}") from None
    return _text_of(response)


def _text_of(response: Response) -> str:
    if response.finish is Finish.BLOCKED:
        reason = f" ({response.reason})" if response.reason else ""
        raise JudgeError(f"the judge's provider blocked the question put to it{reason}")
    if response.finish is Finish.LENGTH:
        raise JudgeError("the judge's answer was cut off by its limit of tokens")
    if not response.text.strip() and response.reasoning is not None:
        raise JudgeError("the judge's answer is reasoning without a final answer")
    if not response.text.strip():
        raise JudgeError("the judge's answer is empty")
    return response.text


def model_spec(
    spec: JudgeSpec,
    model: str,
    answer_schema: dict[str, object] | None = None,
    *,
    sends_system: bool = True,
) -> ModelSpec:
    """Say how the model behind a judge is to be opened.

    Args:
        spec: the judge, as the person named it.
        model: the model's name, as for ``--model``.
        answer_schema: the JSON Schema that its answers shall keep to, where it can be held to one.
        sends_system: whether what it is asked has a system prompt.
    """
    return ModelSpec(
        name=model,
        api_base=spec.api_base,
        params=spec.params,
        sends_images=spec.sees_image,
        sends_system=sends_system,
        timeout_s=spec.timeout_s,
        needs_key=spec.needs_key,
        answer_schema=answer_schema,
        block_words=spec.block_words,
    )


def identity_of(model: Model, judge: str) -> dict[str, object]:
    """Return everything of a judge's model that can change a verdict.

    Raises:
        UsageError: the model's answers cannot be told from another's, so no verdict can be kept.
    """
    if model.identity is None:
        raise UsageError(
            f"--vsc-judge {judge}: {model.name} only repeats what was recorded and cannot "
            "judge; name a model that answers (any litellm id, such as openai/gpt-4o)"
        )
    return dict(model.identity)
