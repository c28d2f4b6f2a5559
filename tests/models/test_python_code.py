import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vscbench.models.python_code import code_sha256


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of two modules, imported; forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "shop_app"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "words.py").write_text("GREETING = 'Sure.'\n", encoding="utf-8")
    (package / "chat.py").write_text(
        "from shop_app.words import GREETING\ndef answer(text, images): return GREETING\n",
        encoding="utf-8",
    )
    importlib.import_module("shop_app.chat")
    yield package
    for name in [name for name in sys.modules if name.startswith("shop_app")]:
        del sys.modules[name]


def digest() -> str:
    return code_sha256("shop_app.chat:answer")


def test_the_same_code_has_the_same_digest(application: Path) -> None:
    assert digest() == digest()


@pytest.mark.parametrize("module", ["chat.py", "words.py", "__init__.py"])
def test_a_change_in_any_imported_module_is_another_digest(application: Path, module: str) -> None:
    before = digest()
    with (application / module).open("a", encoding="utf-8") as file:
        file.write("# another word\n")
    assert digest() != before


def test_a_file_that_was_never_imported_changes_nothing(application: Path) -> None:
    before = digest()
    (application / "unused.py").write_text("1\n", encoding="utf-8")
    assert digest() == before


def test_a_module_written_in_c_has_a_digest_too() -> None:
    assert len(code_sha256("math:sqrt")) == 64
