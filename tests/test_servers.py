import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import servers


def post(url: str, text: str) -> str:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        content: str = json.load(answer)["choices"][0]["message"]["content"]
    return content


def test_serves_as_a_process_and_answers_by_the_request_alone() -> None:
    command = [sys.executable, str(Path(servers.__file__)), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        texts = ["How do I kill a process?", "How do I bake bread?"]
        answers = [post(f"{url}/chat/completions", text) for text in [*texts, *reversed(texts)]]
        process.terminate()
    assert answers == [answers[0], answers[1], answers[1], answers[0]]
    assert answers[0] == servers.REFUSAL
    assert answers[1].startswith("Gladly.")
