"""The JSON Schemas of the files that are written for other programs."""

import json
from importlib import resources
from typing import Any, Literal

SchemaName = Literal["summary", "outcome", "audit", "diff", "comparison", "utility", "trade"]


def load_schema(name: SchemaName) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file, or of a line of outcomes."""
    folder = resources.files("vscbench.report") / "schemas"
    text = (folder / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
