"""The JSON Schemas of the files a run writes."""

import json
from importlib import resources
from typing import Any, Literal


def load_schema(name: Literal["summary", "outcome"]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``summary.json`` or of a line of outcomes."""
    folder = resources.files("vscbench.report") / "schemas"
    text = (folder / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
