import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hub_cache import COMMIT, fill_hub_cache
from hub_server import hub_server

from vscbench.errors import UsageError
from vscbench.models.local.digest import checkpoint_sha256
from vscbench.models.local.hub import fetch

pytest.importorskip("huggingface_hub", reason="reads the hub's cache")

# Where the cache is, and whether the hub may be asked, is read when the library is imported.
FETCHING = """
import json, sys
from vscbench.errors import VscbenchError
from vscbench.models.local.hub import fetch
for source, revision in json.loads(sys.argv[1]):
    try:
        folder, commit = fetch(source, revision)
        print(json.dumps([str(folder), commit]))
    except VscbenchError as error:
        print(json.dumps([type(error).__name__, str(error)]))
"""
OPENING = """
import json, sys
from vscbench.errors import UsageError
from vscbench.models.local.model import open_checkpoint
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
for source in sys.argv[1:]:
    spec = ModelSpec("local:" + source, params={"device": "cpu"})
    try:
        print(json.dumps(dict(open_checkpoint(LocalOpening(spec, source)).params)))
    except UsageError as error:
        print(json.dumps(str(error)))
"""


def offline(cache: Path, code: str, *arguments: str) -> list[object]:
    """Run code where the hub is this cache; return what each line of its output says."""
    return ran(code, arguments, {"HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"})


def ran(code: str, arguments: Sequence[str], variables: Mapping[str, str]) -> list[object]:
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", **variables}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def fetched(cache: Path, *asked: Sequence[str | None], hub: str | None = None) -> list[list[str]]:
    """Return the folder and commit of each source, or the class and words of the error."""
    if hub is None:
        said = offline(cache, FETCHING, json.dumps(asked))
    else:
        online = {"HF_ENDPOINT": hub, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "0"}
        said = ran(FETCHING, [json.dumps(asked)], online)
    return [list(map(str, each)) for each in said if isinstance(each, list)]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llava"}', encoding="utf-8")
    (folder / "model.safetensors").write_bytes(bytes(1000))
    return folder


def test_a_folder_is_taken_as_it_is_wherever_it_is_named_from(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkpoint.parent)
    monkeypatch.setenv("HOME", str(checkpoint.parent))
    monkeypatch.setenv("USERPROFILE", str(checkpoint.parent))
    for source in (str(checkpoint), "plain", "./plain", "~/plain"):
        assert fetch(source, None) == (checkpoint.resolve(), None)


def test_a_file_is_no_checkpoint(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json: a folder is needed, or a GGUF file"):
        fetch(str(checkpoint / "config.json"), None)


@pytest.mark.parametrize(
    "source", ["/nowhere/model", "./model", "../model", "~/model", "a b", "C:\\model", "a/b/c"]
)
def test_what_is_no_folder_and_no_hub_id_is_looked_for_nowhere_else(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"there is no folder .* hub id it is not"):
        fetch(source, None)


@pytest.mark.parametrize("source", ["org/a..b", "org/a--b", "-org/a"])
def test_what_the_hub_does_not_allow_as_a_name_is_not_asked_of_it(source: str) -> None:
    with pytest.raises(UsageError, match="hub id it is not"):
        fetch(source, None)


def test_a_hub_id_is_opened_from_the_cache_with_its_commit(
    checkpoint: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    older = "f" * 40
    first = fill_hub_cache(cache, "org/model", checkpoint)
    (checkpoint / "model.safetensors").write_bytes(bytes(2000))
    second = fill_hub_cache(cache, "org/model", checkpoint, older, "v1")
    assert fetched(cache, ["org/model", None], ["org/model", "v1"], ["org/model", older]) == [
        [str(first), COMMIT],
        [str(second), older],
        [str(second), older],
    ]


def test_without_a_network_what_is_not_in_the_cache_says_so_and_what_to_do(
    checkpoint: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    fill_hub_cache(cache, "org/model", checkpoint)
    (kind, unknown), (_, revision) = fetched(cache, ["org/other", None], ["org/model", "v9"])
    assert kind == "UsageError"
    assert unknown == (
        "--model=local:org/other: no folder here has this name, org/other is not whole in the "
        f"hub's cache ({cache}), and HF_HUB_OFFLINE is set, so the hub is not asked; fetch it "
        "where there is a network, with 'hf download org/other', or name its folder"
    )
    assert "org/model at revision v9 is not whole in the hub's cache" in revision


def test_what_is_fetched_is_the_model_without_pickles_and_is_there_when_the_hub_is_not(
    checkpoint: Path, tmp_path: Path
) -> None:
    for name in ("pytorch_model.bin", "README.md", "model.onnx"):
        (checkpoint / name).write_bytes(b"not wanted")
    (checkpoint / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    cache = tmp_path / "cache"
    with hub_server("org/model", checkpoint) as hub:
        online = fetched(cache, ["org/model", None], ["org/model", COMMIT], hub=hub.url)
        address = hub.url
        assert sorted(hub.sent) == ["chat_template.jinja", "config.json", "model.safetensors"]
    snapshot = cache / "models--org--model" / "snapshots" / COMMIT
    assert online == [[str(snapshot), COMMIT]] * 2
    assert fetched(cache, ["org/model", None], ["org/model", COMMIT], hub=address) == online
    assert checkpoint_sha256([snapshot]) == checkpoint_sha256([checkpoint])


def test_what_the_hub_does_not_give_is_told_with_what_to_do(
    checkpoint: Path, tmp_path: Path
) -> None:
    asked = (["gated/model", None], ["none/model", None], ["org/model", "v7"])
    with hub_server("org/model", checkpoint) as hub:
        gated, unknown, revision = (said for _, said in fetched(tmp_path, *asked, hub=hub.url))
        address = hub.url
    assert f"licence is to be accepted on {address}/gated/model first" in gated
    assert "HF_TOKEN" in gated
    assert "neither a folder here nor a repository of the hub" in unknown
    assert "the hub has no revision v7 of it" in revision
    ((_, down),) = fetched(tmp_path, ["org/other", None], hub=address)
    assert "org/other is not whole in the hub's cache" in down
    assert "and it could not be fetched (" in down


def test_large_files_of_the_cache_are_known_by_their_names_and_give_the_same_digest(
    checkpoint: Path, tmp_path: Path
) -> None:
    snapshot = fill_hub_cache(tmp_path / "cache", "org/model", checkpoint)
    assert checkpoint_sha256([snapshot]) == checkpoint_sha256([checkpoint])
    # Nothing reads the content of what lies under its own digest.
    (snapshot / "model.safetensors").resolve().write_bytes(b"")
    assert checkpoint_sha256([snapshot]) == checkpoint_sha256([checkpoint])
    # Git's names of small files are digests of something else.
    (snapshot / "config.json").resolve().write_bytes(b"")
    assert checkpoint_sha256([snapshot]) != checkpoint_sha256([checkpoint])


def test_a_model_of_the_hub_is_recorded_with_its_commit_and_one_fetched_in_part_is_refused(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    fill_hub_cache(cache, "org/tiny-llava", tiny("llava"))
    part = fill_hub_cache(cache, "org/part", tiny("llava"))
    (part / "model.safetensors").unlink()
    said, lacking = offline(cache, OPENING, "org/tiny-llava", "org/part")
    assert isinstance(said, dict)
    assert said["revision"] == COMMIT
    assert said["weights_sha256"] == checkpoint_sha256([tiny("llava")])
    assert lacking == f"{part} has no weights: no *.safetensors file is there; download it again"
