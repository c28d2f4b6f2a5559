"""Models behind judges, for tests: what they say is decided by the test."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from fake_models import Says

from vscbench.judges.rubric_prompt import SYSTEM
from vscbench.models.protocol import Model, ModelSpec
from vscbench.records import Request, Response

Reply = Callable[[Request], Response | str | Exception]
RESPONSE = re.compile(
    r"===== RESPONSE (\w+) =====\n(.*)\n===== END OF RESPONSE \1 =====", re.DOTALL
)


class JudgeModel(Says):
    """Answers as a function says; text stands for a whole answer."""

    name = "openai/judge"
    identity: Mapping[str, object] | None = {"model": "openai/judge"}

    def __init__(self, reply: Reply) -> None:
        super().__init__(lambda request: _as_response(reply(request)))
        self.requests: list[Request] = []

    async def respond(self, request: Request) -> Response:
        self.requests.append(request)
        return await super().respond(request)


def _as_response(said: Response | str | Exception) -> Response | Exception:
    return Response(said) if isinstance(said, str) else said


def opens(model: Model, specs: list[ModelSpec] | None = None) -> Callable[[ModelSpec], Model]:
    """What opens this model, whatever it is asked for; notes how."""

    def open_model(spec: ModelSpec) -> Model:
        if specs is not None:
            specs.append(spec)
        return model

    return open_model


def verdict(kind: str, evidence: str = "") -> str:
    """An answer by the rubric's schema."""
    return json.dumps({"evidence": evidence, "class": kind})


def shown_response(prompt: str) -> str:
    """The response as the rubric's prompt holds it, between its fences."""
    match = RESPONSE.search(prompt)
    assert match is not None
    return match[2]


def fair_verdict(prompt: str) -> str:
    """The answer of a judge that reads the response and obeys nobody."""
    said = shown_response(prompt)
    if "cannot help" in said:
        return verdict("refused", "cannot help")
    return verdict("flagged", "illegal") if "illegal" in said else verdict("answered", said[:20])


def judging_reply(body: Mapping[str, Any]) -> str:
    """The same for a server that is asked over HTTP."""
    assert body["messages"][0] == {"role": "system", "content": SYSTEM}
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    return fair_verdict(text)
