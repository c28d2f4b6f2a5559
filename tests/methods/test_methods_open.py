import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from vscbench.errors import TargetError, UsageError
from vscbench.methods.open import method_names, open_method, read_method
from vscbench.methods.protocol import MethodSpec
from vscbench.records import Request, Response

PACKAGE = """
from vscbench.errors import TargetError, UsageError
from vscbench.methods.unchanged import Unchanged

def whisper(spec):
    if spec.params:
        raise UsageError("--vsc-method-param: whisper has no parameters")
    return Unchanged(name="whisper", key="1")

def clumsy(spec):
    class Clumsy(Unchanged):
        def prepare(self, request):
            raise KeyError("volume")
        def read(self, response):
            raise ValueError("too loud")
    return Clumsy(name="clumsy", key="1")

def broken(spec):
    raise KeyError("volume")
"""


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings methods of its own."""
    (tmp_path / "whispering.py").write_text(PACKAGE, encoding="utf-8")
    info = tmp_path / "whispering-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: whispering\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[vscbench.methods]\nwhisper = whispering:whisper\nbroken = whispering:broken\n"
        "clumsy = whispering:clumsy\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert any(each.name == "whisper" for each in entry_points(group="vscbench.methods"))


def test_no_method_changes_nothing() -> None:
    method = open_method(MethodSpec("none"))
    request = Request("p", 1, "What?", None, None)
    assert method.prepare(request) is request
    assert method.read(Response("said")) == Response("said")
    assert (method.key, method.params) == ("none", {})


@pytest.mark.parametrize("name", ["safety-prompt", "few-shot", "chain-of-thought"])
def test_a_method_is_opened_by_its_name(name: str) -> None:
    method = open_method(MethodSpec(name))
    assert method.name == name
    assert method.key.startswith(f"{name}:")
    assert not method.revises_activations


def test_a_name_may_bring_a_file_behind_a_colon() -> None:
    spec = read_method("safety-prompt:C:/texts/ours.txt", {"place": "user"}, Path("base"))
    assert (spec.name, spec.source) == ("safety-prompt", "C:/texts/ours.txt")
    assert read_method("few-shot", {}, Path()).source is None


@pytest.mark.usefixtures("other_package")
def test_an_installed_package_brings_methods_of_its_own() -> None:
    assert "whisper" in method_names()
    assert open_method(MethodSpec("whisper")).key == "whisper 1"
    with pytest.raises(UsageError, match="whisper has no parameters"):
        open_method(MethodSpec("whisper", params={"a": 1}))
    with pytest.raises(UsageError, match=r"whispering:broken failed, KeyError: 'volume'"):
        open_method(MethodSpec("broken"))


def test_a_mistyped_name_is_told_what_comes_close() -> None:
    with pytest.raises(UsageError, match=r"did you mean safety-prompt.*known: none, safety-prompt"):
        open_method(MethodSpec("safty-prompt"))
    with pytest.raises(UsageError, match="changes nothing"):
        open_method(MethodSpec("none", params={"alpha": 1}))


@pytest.mark.usefixtures("other_package")
def test_what_goes_wrong_in_a_method_of_others_is_one_line() -> None:
    method = open_method(MethodSpec("clumsy"))
    with pytest.raises(UsageError, match=r"whispering:clumsy failed, KeyError: 'volume'"):
        method.prepare(Request("p", 1, "What?", None, None))
    with pytest.raises(TargetError, match="could not read the response, ValueError: too loud"):
        method.read(Response("said"))
