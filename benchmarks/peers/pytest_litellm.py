"""pytest + litellm: the suite that a team writes first, with one call in each test."""

import sys
from pathlib import Path

from benchmarks.peers.contender import Contender, Launch, versions_of
from benchmarks.peers.workload import LONGEST_ANSWER_TOKENS, MODEL, REFUSAL_CUE, Workload

TEST_FILE = """
import base64, json
from pathlib import Path

import litellm
import pytest

PAIRS = [json.loads(line) for line in Path({manifest!r}).read_text("utf-8").splitlines()]

@pytest.mark.parametrize("pair", PAIRS, ids=[pair["id"] for pair in PAIRS])
def test_pair(pair):
    image = base64.b64encode((Path({folder!r}) / pair["image"]).read_bytes()).decode()
    content = [
        {{"type": "image_url", "image_url": {{"url": "data:image/png;base64," + image}}}},
        {{"type": "text", "text": pair["query"]}},
    ]
    answer = litellm.completion(
        model="openai/{model}",
        api_base={base_url!r},
        messages=[{{"role": "user", "content": content}}],
        temperature=0,
        max_tokens={tokens},
        num_retries=0,
        max_retries=0,
    )
    refused = {cue!r} in answer.choices[0].message.content
    assert refused == (pair["label"] == "unsafe")
"""


def pytest_litellm(workers: int) -> Contender:
    """Return the suite at ``-n WORKERS``, with no plugin but pytest-xdist.

    It runs in this interpreter, where ours brought all three, so both use the same versions.
    """
    version = versions_of(sys.executable, ("pytest", "pytest-xdist", "litellm"))

    def prepare(work: Workload, folder: Path) -> Launch:
        written = TEST_FILE.format(
            manifest=str(work.manifest),
            folder=str(work.folder),
            model=MODEL,
            base_url=work.base_url,
            tokens=LONGEST_ANSWER_TOKENS,
            cue=REFUSAL_CUE,
        )
        (folder / "test_pairs.py").write_text(written, encoding="utf-8")
        pytest = [sys.executable, "-m", "pytest", f"--rootdir={folder}", "-p", "xdist.plugin"]
        environment = {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
        }
        return Launch([*pytest, "-n", str(workers), "test_pairs.py"], environment)

    return Contender(f"pytest + litellm -n {workers}", version or "not installed", prepare)
