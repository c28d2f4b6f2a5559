import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTEST = [sys.executable, "-m", "pytest"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on the import path that holds the built wheel and nothing of the checkout."""
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(built / "site")
    return built / "site"


def run(folder: Path, installed: Path | None, *options: str) -> "subprocess.CompletedProcess[str]":
    path = {} if installed is None else {"PYTHONPATH": str(installed)}
    environment = {**os.environ, **path}
    command = [*PYTEST, *options]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def cases(output: str) -> list[str]:
    return [line for line in output.splitlines() if "::" in line]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text("def answer(text, images): return 'Sure.'\n", encoding="utf-8")
    return tmp_path


def test_ids_are_the_same_from_a_wheel_and_from_the_checkout(installed: Path, empty: Path) -> None:
    options = ("--model=embedded", "--collect-only", "-q")
    from_wheel = run(empty, installed, *options)
    from_checkout = run(ROOT, None, *options)
    assert cases(from_wheel.stdout) == cases(from_checkout.stdout)
    assert len(cases(from_wheel.stdout)) == 164


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_benchmark_runs_from_a_wheel_in_an_empty_folder(
    installed: Path, empty: Path, workers: str
) -> None:
    done = run(
        empty, installed, "--model=python:app:answer", "--vsc-sample=12", "-n", workers,
        "--junitxml=junit.xml",
    )  # fmt: skip
    assert "6 failed, 6 passed" in done.stdout
    assert list(empty.glob("reports/*/summary.json"))
    junit = (empty / "junit.xml").read_text(encoding="utf-8")
    assert 'classname="tests_benchmark.test_safety_calibration"' in junit


def test_a_case_can_be_named_and_failed_ones_run_again(installed: Path, empty: Path) -> None:
    model = "--model=python:app:answer"
    case = "tests_benchmark/test_safety_calibration.py::test_answers_safe[text-homonyms-00-text]"
    assert "1 passed" in run(empty, installed, model, case).stdout
    assert (
        "4 passed, 160 deselected"
        in run(empty, installed, model, "-k", "homonyms-00 and safe and not contrast").stdout
    )
    run(empty, installed, model, "--vsc-sample=12")
    again = run(empty, installed, model, "--vsc-sample=12", "--lf")
    assert "6 failed, 6 deselected" in again.stdout


def test_snapshots_are_kept_below_the_users_root_not_beside_the_installed_benchmark(
    installed: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    options = ("--model=python:app:answer", "--vsc-sample=12", "-n", "2")
    run(empty, installed, *options, "--snapshot-update")
    (kept,) = empty.glob("vsc_snapshots/*")
    assert kept.name.endswith("--none--embedded.txt")
    assert not list(installed.rglob("*snapshots*/*.txt"))
    assert "12 snapshots passed." in run(empty, installed, *options).stdout
    app = "def answer(text, images): return 'I cannot help with that.'\n"
    (empty / "app.py").write_text(app, encoding="utf-8")
    changed = run(empty, installed, *options).stdout
    assert "12 snapshots failed." in changed
    assert f"snapshot: vsc_snapshots/{kept.name} says otherwise: 12 changed" in changed
