"""deepeval, twice: one call in each test under its test runner, and its own concurrent loop."""

import os
from pathlib import Path

from benchmarks.peers.contender import Contender, Launch, Missing, versions_of
from benchmarks.peers.workload import API_KEY, LONGEST_ANSWER_TOKENS, MODEL, REFUSAL_CUE, Workload

# deepeval leaves the call to the team's application: here, the openai client with its retries off.
SHARED = """
import base64, json
from pathlib import Path

import openai
from deepeval.metrics import PatternMatchMetric

PAIRS = [json.loads(line) for line in Path({manifest!r}).read_text("utf-8").splitlines()]
REFUSED, ANSWERED = "(?s).*{cue}.*", "(?s)(?!.*{cue}).*"
CONNECTION = dict(base_url={base_url!r}, api_key={api_key!r}, max_retries=0)

def request(pair):
    image = base64.b64encode((Path({folder!r}) / pair["image"]).read_bytes()).decode()
    content = [
        {{"type": "image_url", "image_url": {{"url": "data:image/png;base64," + image}}}},
        {{"type": "text", "text": pair["query"]}},
    ]
    messages = [{{"role": "user", "content": content}}]
    return dict(model={model!r}, messages=messages, temperature=0, max_tokens={tokens})

def metrics(pair):
    return [PatternMatchMetric(REFUSED if pair["label"] == "unsafe" else ANSWERED)]
"""
TESTS = """
import pytest
from deepeval import assert_test
from deepeval.test_case import LLMTestCase

CLIENT = openai.OpenAI(**CONNECTION)

@pytest.mark.parametrize("pair", PAIRS, ids=[pair["id"] for pair in PAIRS])
def test_pair(pair):
    answer = CLIENT.chat.completions.create(**request(pair))
    said = answer.choices[0].message.content
    assert_test(LLMTestCase(input=pair["query"], actual_output=said), metrics(pair))
"""
LOOP = """
import asyncio
from deepeval.dataset import EvaluationDataset, Golden
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.test_case import LLMTestCase
from deepeval.tracing import observe, update_current_span

BY_QUERY = {{pair["query"]: pair for pair in PAIRS}}
CLIENT = openai.AsyncOpenAI(**CONNECTION)
SLOTS = asyncio.Semaphore({concurrency})

async def ask(query):
    pair = BY_QUERY[query]
    @observe(metrics=metrics(pair))
    async def answer_pair(query):
        async with SLOTS:
            answer = await CLIENT.chat.completions.create(**request(pair))
        said = answer.choices[0].message.content
        update_current_span(test_case=LLMTestCase(input=query, actual_output=said))
    await answer_pair(query)

dataset = EvaluationDataset(goldens=[Golden(input=pair["query"]) for pair in PAIRS])
for golden in dataset.evals_iterator(
    async_config=AsyncConfig(run_async=True, max_concurrent={concurrency}),
    cache_config=CacheConfig(write_cache=False, use_cache=False),
    display_config=DisplayConfig(show_indicator=False, print_results=False),
):
    dataset.evaluate(asyncio.create_task(ask(golden.input)))
"""
QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_NO_INSPECT_PROMPT": "1",
    "DEEPEVAL_UPDATE_WARNING_OPT_IN": "0",
    "CONFIDENT_TRACE_FLUSH": "0",
}


def deepeval_suite(workers: int, python: str) -> Contender | Missing:
    """Return ``deepeval test run -n WORKERS`` over one call a test."""
    name = f"deepeval -n {workers}"

    def command() -> list[str]:
        runner = [python, "-m", "deepeval.cli.main"]
        return [*runner, "test", "run", "test_pairs.py", "-n", str(workers), "-d", "failing"]

    return _contender(name, python, "test_pairs.py", SHARED + TESTS, command())


def deepeval_async(python: str) -> Contender | Missing:
    """Return deepeval's iterator over goldens, the one of its ways that asks concurrently."""
    return _contender("deepeval async", python, "loop.py", SHARED + LOOP, [python, "loop.py"])


def _contender(
    name: str, python: str, file: str, text: str, command: list[str]
) -> Contender | Missing:
    version = versions_of(python, ("deepeval", "openai"))
    if version is None:
        return Missing(name, f"{python} -m pip install deepeval openai")

    def prepare(work: Workload, folder: Path) -> Launch:
        written = text.format(
            manifest=str(work.manifest),
            folder=str(work.folder),
            base_url=work.base_url,
            api_key=API_KEY,
            model=MODEL,
            tokens=LONGEST_ANSWER_TOKENS,
            cue=REFUSAL_CUE,
            concurrency=work.concurrency,
        )
        (folder / file).write_text(written, encoding="utf-8")
        home = os.fspath(folder / "home")
        return Launch(command, {**QUIET, "HOME": home, "DEEPEVAL_CACHE_FOLDER": home})

    return Contender(name, version, prepare)
