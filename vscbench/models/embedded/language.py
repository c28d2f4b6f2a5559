"""The voice of the embedded model: SmolLM2-135M-Instruct on llama.cpp, in this process."""

import secrets
from pathlib import Path

from vscbench.errors import TargetError, UsageError
from vscbench.models.embedded.prompt import Message
from vscbench.records import Cause, Finish, Response

SERVED_MODEL = "SmolLM2-135M-Instruct.Q4_1"
CONTEXT_TOKENS = 2048
# llama.cpp's words for the ends that it has.
ENDINGS = {"stop": Finish.STOP, "length": Finish.LENGTH}


class LanguageModel:
    """One sequence at a time on one thread: equal text alone, in parallel and on any cores.

    Slots that share a thread were no faster (80 tokens/s in all, against 160 for two of these
    on two cores), and threads that share a sequence sum in another order on another machine.
    """

    def __init__(self, weights: Path) -> None:
        # A hundred megabytes of shared library that only this model pays.
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(weights)
        params.n_ctx = CONTEXT_TOKENS
        params.n_parallel = 1
        params.cpuparams.n_threads = 1
        params.cpuparams_batch.n_threads = 1
        params.n_gpu_layers = 0
        params.no_kv_offload = True
        params.no_op_offload = True
        params.verbosity = -1
        params.warmup = False
        # The library also listens on a loopback port: behind a key that nobody is told.
        params.api_keys = [secrets.token_hex()]
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise UsageError(
                f"--model=embedded: llama.cpp cannot load {weights}: {error} It needs about "
                "200 MB of free memory"
            ) from error

    def answer(self, messages: list[Message], max_tokens: int) -> Response:
        """Continue a chat greedily by at most ``max_tokens`` tokens; blocks, without the GIL.

        Raises:
            TargetError: the prompt is longer than the context, or the library failed.
        """
        request = {
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "seed": 0,
            # What an earlier request left in the cache would change how this one is summed.
            "cache_prompt": False,
        }
        try:
            answered = self._server.handle_chat_completions(request)
        except (RuntimeError, ValueError) as error:
            raise TargetError(f"the language model failed: {error}") from error
        if "error" in answered:
            raise TargetError(f"the language model failed: {answered['error']['message']}")
        choice, usage = answered["choices"][0], answered["usage"]
        ending = str(choice["finish_reason"])
        if ending not in ENDINGS:
            message = f"the language model broke its answer off: it ended with '{ending}'"
            raise TargetError(message, Cause.SERVER_ERROR)
        return Response(
            text=choice["message"]["content"],
            finish=ENDINGS[ending],
            served_model=SERVED_MODEL,
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            cost_usd=0.0,
            ending=ending,
        )
