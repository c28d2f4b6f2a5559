import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = (
    "PIL",
    "jinja2",
    "litellm",
    "matplotlib",
    "numpy",
    "onnxruntime",
    "openpyxl",
    "pandas",
    "python_calamine",
    "rapidocr",
    "scipy",
    "torch",
    "transformers",
    "xllamacpp",
)
LIGHT = (
    "vscbench",
    "vscbench.cli",
    "vscbench.pairs.open",
    "vscbench.pairs.images",
    "vscbench.pairs.selection",
    "vscbench.plugin",
    "vscbench.plugin.options",
    "vscbench.records",
)
ROOT = Path(__file__).resolve().parents[1]
LOADED = f"import json, sys; print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
COLLECT = """
import pytest
status = pytest.main(["-p", "vscbench.plugin", "-p", "no:cacheprovider", "--collect-only", "-q"])
assert status == 0
"""


def loaded_after(code: str, folder: Path) -> list[str]:
    """Name the heavy libraries that a fresh interpreter holds once it has run the code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"],
        capture_output=True,
        check=True,
        cwd=folder,
        encoding="utf-8",
        env=environment,
    )
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


def test_importing_loads_no_heavy_library(tmp_path: Path) -> None:
    assert loaded_after(f"import {', '.join(LIGHT)}", tmp_path) == []


def test_collecting_other_peoples_tests_loads_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "test_ordinary.py").write_text("def test_one(): pass\n", encoding="utf-8")
    assert loaded_after(COLLECT, tmp_path) == []


def test_a_library_that_is_loaded_would_be_seen(tmp_path: Path) -> None:
    assert loaded_after("import PIL", tmp_path) == ["PIL"]
