"""Runs of the past for tests: real ones, which pytest makes in this process and their folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_world import RESPONSES, RUN, pair_lines, write_lines


def make_run(
    folder: Path,
    *options: str,
    responses: Mapping[str, str] = RESPONSES,
    pairs: Sequence[Mapping[str, str]] | None = None,
) -> Path:
    """Write a project with pairs and recorded responses, run it, and return the run's folder.

    ``options`` replace those that name the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").touch()
    write_lines(folder / "pairs.jsonl", pair_lines() if pairs is None else pairs)
    lines = [{"pair_id": pair_id, "response": text} for pair_id, text in responses.items()]
    write_lines(folder / "said.jsonl", lines)
    model = options or RUN[:1]
    known = set(folder.glob("reports/*"))
    # That plugin collects all garbage of the process as it ends.
    without = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")
    quiet = ("-q", *without, "--vsc-judge=keywords")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
        status = pytest.main([*quiet, *model, *RUN[1:]])
    made = set(folder.glob("reports/*")) - known
    assert len(made) == 1, status
    return made.pop()


def many_pairs(count: int) -> list[dict[str, str]]:
    """Half of them safe; three in a row share a cluster by their query."""
    return [
        {
            "id": f"{'safe' if number % 2 else 'unsafe'}-{number:03d}",
            "label": "safe" if number % 2 else "unsafe",
            "query": f"What about number {number % 2}, {number // 6}?",
            "category": "homonyms",
            "variant": "text",
        }
        for number in range(count)
    ]


def summary_in(folder: Path) -> dict[str, Any]:
    """Read the summary of a run."""
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """Read the outcomes of a run."""
    text = (folder / "outcomes.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
