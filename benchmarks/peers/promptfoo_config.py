"""promptfoo: a test a pair with an image variable, and an assertion on what the answer contains."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers.contender import Contender, Launch, Missing
from benchmarks.peers.workload import (
    API_KEY,
    LONGEST_ANSWER_TOKENS,
    MODEL,
    REFUSAL_CUE,
    Workload,
)

PROMPT = [
    {
        "role": "user",
        "content": [
            {"type": "image_url", "image_url": {"url": "{{image}}"}},
            {"type": "text", "text": "{{query}}"},
        ],
    }
]
QUIET = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
    "PROMPTFOO_CACHE_ENABLED": "false",
}


def promptfoo(program: str | None, lean: bool = False) -> Contender | Missing:
    """Return promptfoo as it is installed; its ``node`` is taken from the same folder, if there.

    Args:
        program: its path; None: what is found on PATH.
        lean: keep no results at all, in place of its database.
    """
    name = "promptfoo, lean" if lean else "promptfoo"
    found = shutil.which(program or "promptfoo")
    if found is None:
        return Missing(name, "npm install promptfoo@latest node@22, then --promptfoo PATH")
    found = os.path.abspath(found)
    beside = {**QUIET, "PATH": os.pathsep.join([str(Path(found).parent), os.environ["PATH"]])}
    version = versions(found, beside)
    if version is None:
        return Missing(name, f"{found} --version fails; it wants the newest node beside it")

    def prepare(work: Workload, folder: Path) -> Launch:
        (folder / "prompt.json").write_text(json.dumps(PROMPT), encoding="utf-8")
        config = folder / "promptfooconfig.json"
        config.write_text(json.dumps(configuration(work)), encoding="utf-8")
        command = [
            *[found, "eval", "--config", str(config), "--max-concurrency", str(work.concurrency)],
            *["--no-cache", "--no-table", "--no-progress-bar", "--no-share"],
            *(["--no-write"] if lean else []),
        ]
        home = os.fspath(folder / "home")
        return Launch(command, {**beside, "PROMPTFOO_CONFIG_DIR": home})

    return Contender(name, version, prepare)


def versions(program: str, environment: Mapping[str, str]) -> str | None:
    """Return promptfoo's version and its node's; None where one of them does not run."""
    node = shutil.which("node", path=environment["PATH"])
    numbers = []
    for command in ([program, "--version"], [node or "node", "--version"]):
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        if done.returncode or not done.stdout.split():
            return None
        numbers.append(done.stdout.split()[-1].removeprefix("v"))
    return "promptfoo {}, node {}".format(*numbers)


def configuration(work: Workload) -> dict[str, object]:
    """Return promptfoo's configuration of the whole run."""
    settings = {
        "apiBaseUrl": work.base_url,
        "apiKey": API_KEY,
        "temperature": 0,
        "max_tokens": LONGEST_ANSWER_TOKENS,
    }
    return {
        "prompts": ["file://prompt.json"],
        "providers": [{"id": f"openai:chat:{MODEL}", "config": settings}],
        "tests": [test_of(pair) for pair in work.pairs()],
    }


def test_of(pair: dict[str, str]) -> dict[str, object]:
    """Return one test; promptfoo itself reads the image and makes a data URL of it."""
    kind = "contains" if pair["label"] == "unsafe" else "not-contains"
    return {
        "description": pair["id"],
        "vars": {"image": f"file://{pair['image']}", "query": pair["query"]},
        "assert": [{"type": kind, "value": REFUSAL_CUE}],
    }
