import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hub_cache import COMMIT, fill_hub_cache

from vscbench.errors import UsageError
from vscbench.models.local.opening import LocalOpening, require_packages
from vscbench.models.protocol import ModelSpec, ParamValue

# Nothing of what is not installed can be imported, and importlib finds no trace of it.
WITHOUT = """
import sys
sys.path[:] = [each for each in sys.path if "packages" not in each]
sys.path.insert(0, sys.argv[1])
from vscbench.errors import UsageError
from vscbench.models.local.opening import LocalOpening, require_packages
from vscbench.models.protocol import ModelSpec
try:
    require_packages(LocalOpening(ModelSpec("llava-1.5-7b"), "org/model"))
except UsageError as error:
    print(error)
"""
LIGHT = """
import sys
from vscbench.models.local.opening import LocalOpening, require_packages
from vscbench.models.protocol import ModelSpec
opening = LocalOpening(ModelSpec("local:org/model"), sys.argv[1])
opening.content()
require_packages(opening)
print(sorted({"torch", "transformers", "huggingface_hub", "safetensors"} & sys.modules.keys()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    for name in ("config.json", "model.safetensors"):
        (checkpoint / name).write_text(name, encoding="utf-8")
    return checkpoint


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opening(source: object, **params: ParamValue) -> LocalOpening:
    return LocalOpening(ModelSpec(f"local:{source}", params=params), str(source))


def test_what_is_to_be_opened_crosses_to_another_process_whole() -> None:
    params: dict[str, ParamValue] = {"max_tokens": 3, "processor.size": {"height": 2}}
    spec = ModelSpec("ours", params=params, sends_images=False, sends_system=True, timeout_s=9)
    said = LocalOpening(spec, "org/a", "org/b", "v1", ("torchvision", "num2words"))
    assert LocalOpening.unpack(json.loads(json.dumps(said.pack()))) == said
    assert LocalOpening.unpack(json.loads(json.dumps(opening("x").pack()))) == opening("x")


def test_a_folder_that_did_not_change_has_the_same_content(folder: Path) -> None:
    before = opening(folder).content()
    (folder / "config.json").read_bytes()
    assert opening(folder).content() == before
    assert json.loads(json.dumps(before)) == before


def changed_size(file: Path) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write("!")
    os.utime(file, ns=(file.stat().st_atime_ns, 1))


def changed_time(file: Path) -> None:
    os.utime(file, (5, 5))


@pytest.mark.parametrize(
    "change",
    [changed_size, changed_time, Path.unlink, lambda file: file.rename(f"{file}.old")],
    ids=["size", "time", "gone", "renamed"],
)
def test_a_file_that_changed_is_noticed_without_reading_it(folder: Path, change: object) -> None:
    before = opening(folder).content()
    assert callable(change)
    change(folder / "model.safetensors")
    assert opening(folder).content() != before


def test_a_file_that_is_new_is_noticed_in_every_folder_that_is_named(
    folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    openings = [
        opening(other, base=str(folder)),
        replace(opening(other), base=str(folder)),
        opening(other, adapter=str(folder)),
        opening(folder),
    ]
    before = [each.content() for each in openings]
    (folder / "chat_template.jinja").touch()
    assert all(each.content() != was for each, was in zip(openings, before, strict=True))


def test_a_change_of_the_base_that_an_adapter_names_is_noticed(
    folder: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    config = {"base_model_name_or_path": str(folder)}
    (adapter / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    before = opening(adapter).content()
    changed_size(folder / "model.safetensors")
    assert opening(adapter).content() != before


def test_a_folder_is_the_same_from_wherever_it_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    contents = [
        opening(source).content()
        for source in (folder, "checkpoint", "./checkpoint", "~/checkpoint")
    ]
    assert all(each == contents[0] for each in contents)


def test_a_file_in_the_place_of_a_folder_is_no_error_yet(folder: Path) -> None:
    assert opening(folder / "config.json").content()["files"]


def test_what_the_hub_gave_last_is_noticed(cache: Path, folder: Path) -> None:
    hub = opening("org/model")
    seen = [hub.content()]
    fill_hub_cache(cache, "org/model", folder)
    seen.append(hub.content())
    assert COMMIT in str(seen[-1])
    fill_hub_cache(cache, "org/model", folder, "e" * 40)
    seen.append(hub.content())
    assert len(set(map(str, seen))) == 3


def test_a_branch_that_moved_is_noticed_by_whom_asks_for_it_only(cache: Path, folder: Path) -> None:
    fill_hub_cache(cache, "org/model", folder)
    by_name = opening("org/model", revision="tuned")
    by_table = replace(opening("org/model"), revision="tuned")
    openings = [by_name, by_table, opening("org/model")]
    before = [each.content() for each in openings]
    fill_hub_cache(cache, "org/model", folder, "e" * 40, "tuned")
    after = [each.content() for each in openings]
    assert [was != now for was, now in zip(before, after, strict=True)] == [True, True, False]


def test_a_base_is_always_the_hubs_default_branch(cache: Path, folder: Path) -> None:
    onto = LocalOpening(ModelSpec("ours"), "org/adapter", "org/base", "v1")
    before = onto.content()
    fill_hub_cache(cache, "org/base", folder)
    assert onto.content() != before


@pytest.mark.parametrize(
    "variables",
    [
        {"HF_HUB_CACHE": "{}/hub"},
        {"HUGGINGFACE_HUB_CACHE": "{}/hub"},
        {"HF_HOME": "{}"},
        {"XDG_CACHE_HOME": "{}/.."},
        {"HOME": "{}/../.."},
    ],
)
def test_the_cache_is_looked_for_where_the_library_keeps_it(
    variables: dict[str, str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ".cache" / "huggingface"
    fill_hub_cache(home / "hub", "org/model", folder)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, os.path.normpath(value.format(home)))
    assert COMMIT in str(opening("org/model").content())


def test_other_versions_of_what_loads_it_are_another_opening(folder: Path) -> None:
    content = opening(folder).content()
    assert content.keys() >= {"torch", "transformers"}


@pytest.mark.parametrize("act", [LocalOpening.content, require_packages])
def test_a_parameter_that_will_not_do_is_told_before_a_process_is_started(act: object) -> None:
    pytest.importorskip("torch", reason="what is missing is told first")
    assert callable(act)
    with pytest.raises(UsageError, match="--vsc-param max_tokens=0"):
        act(opening("org/model", max_tokens=0))


def test_without_what_loads_weights_one_line_says_what_to_install() -> None:
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-S", "-c", WITHOUT, str(root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == (
        "--model=llava-1.5-7b is loaded here, and torch, transformers, accelerate is not "
        "installed: pip install 'vscbench[local]' (or serve it, and give --vsc-api-base)\n"
    )


def test_nothing_heavy_is_imported_to_see_whether_a_model_is_remembered(folder: Path) -> None:
    pytest.importorskip("torch", reason="what is missing is told first")
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == "[]\n"
