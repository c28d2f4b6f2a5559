"""litellm, imported late and kept quiet: no telemetry, callbacks, prints or look-ups."""

import asyncio
import contextlib
import inspect
import logging
import os
import warnings
from types import ModuleType
from typing import Any

from vscbench.models.litellm_raw import tap_litellm

# Read by litellm at its import or at the first call; without them it fetches lists from GitHub,
# and reads any .env file above its own folder into the environment.
OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",
    # Nothing is logged, so no image needs to be searched and shortened for a log.
    "MAX_BASE64_LENGTH_FOR_LOGGING": "0",
    # The way litellm sends to every other provider: OpenAI's own client walks through each request
    # for a third of its cost.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
}
QUIET: dict[str, object] = {
    "telemetry": False,
    "set_verbose": False,
    "suppress_debug_info": True,
    "log_raw_request_response": False,
    "disable_hf_tokenizer_download": True,
    # A request is sent as it is printed, once: retries and dropped parameters are for us to decide.
    "drop_params": False,
    "modify_params": False,
    "num_retries": None,
    "cache": None,
}
CALLBACKS = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "service_callback",
    "_async_input_callback",
    "_async_success_callback",
    "_async_failure_callback",
)
# Other tools' names for the file of a CA; litellm itself reads SSL_CERT_FILE and SSL_VERIFY.
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CLOSE_S = 2.0  # an older worker may miss that it was told to stop
LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


def load_litellm() -> ModuleType:
    """Import litellm (seconds, 160 MB) and switch off what no one asked for."""
    os.environ.update(OFFLINE)
    with warnings.catch_warnings():
        # litellm builds its types at first use, with warnings that a strict test run (-W error)
        # would turn into failed requests: one answer is made here, where they are ignored.
        warnings.simplefilter("ignore")
        import litellm

        litellm.ModelResponse(choices=[{"message": {"role": "assistant", "content": ""}}])

    for name, value in QUIET.items():
        setattr(litellm, name, value)
    for name in CALLBACKS:
        setattr(litellm, name, [])
    for name in LOGGERS:
        # Faults are raised as well as logged; the log would hold prompts and, at worst, keys.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    certificates = _certificates()
    if certificates:
        litellm.ssl_verify = certificates
    tap_litellm()
    return litellm


def _certificates() -> str | None:
    if "SSL_CERT_FILE" in os.environ:
        return None
    named = (os.environ.get(name, "") for name in CERTIFICATES)
    return next((path for path in named if os.path.isfile(path)), None)


def leave_unlogged() -> None:
    """Spare this task's calls, and those of tasks it starts, what litellm prepares for loggers.

    There are none. litellm has no setting for it: this is how it calls itself without logging
    twice, and where a version knows no such thing the calls only cost a little more.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from litellm._internal_context import is_internal_call

        is_internal_call.set(True)


async def close_litellm(litellm: ModuleType) -> None:
    """Close the clients that litellm opened and end its background worker.

    Awaited on the loop that asked, so that the interpreter ends without a warning of litellm's.
    """
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    await asyncio.sleep(0)  # lets what the last answer left behind reach the worker's queue
    worker: Any = GLOBAL_LOGGING_WORKER
    with contextlib.suppress(TimeoutError, RuntimeError):  # or a worker left by another loop
        async with asyncio.timeout(CLOSE_S):
            worker.start()
            await worker.flush()
            # gathered, because an older stop() lets its worker's cancellation out
            await asyncio.gather(worker.stop(), return_exceptions=True)
    cache = litellm.in_memory_llm_clients_cache
    for client in list(cache.cache_dict.values()):
        await _close_client(client)
    await litellm.close_litellm_async_clients()
    cache.flush_cache()


async def _close_client(client: object) -> None:
    """Close a cached client of whatever library; older litellm leaves OpenAI's open."""
    close = getattr(client, "aclose", None) or getattr(client, "close", None)
    with contextlib.suppress(Exception):  # a run that is over is not spoilt by a connection
        closing = close() if callable(close) else None
        if inspect.isawaitable(closing):
            await closing
