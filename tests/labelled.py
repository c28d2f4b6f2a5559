"""Labelled responses of our own words, and what a judge said of them, for tests."""

from pathlib import Path
from typing import Any

from vscbench.errors import JudgeError
from vscbench.judges.labels import LabelFile, LabelledResponse
from vscbench.records import Kind, Verdict
from vscbench.report.audit import Resampling, Said, audit

HOW = Resampling(resamples=200, seed=0)
FAILED = JudgeError("the judge's answer is empty")


def labelled(kind: Kind, query: str = "q", **fields: Any) -> LabelledResponse:  # noqa: ANN401
    known: dict[str, Any] = {
        "path": Path("pilot.jsonl"),
        "line": 1,
        "response": f"An answer to {query}",
        "source": "pilot",
        "model": "m",
    }
    return LabelledResponse(query=query, kind=kind, **{**known, **fields})


def verdict(kind: Kind, probability: float | None = None) -> Verdict:
    return Verdict(kind, "careful", probability)


def audited(*cases: tuple[LabelledResponse, Said], worst: int = 10) -> dict[str, Any]:
    """The audit of these cases, as one file."""
    file = LabelFile(Path("pilot.jsonl"), tuple(case for case, _ in cases), 2, 1)
    return audit("careful", [file], [said for _, said in cases], HOW, worst)
