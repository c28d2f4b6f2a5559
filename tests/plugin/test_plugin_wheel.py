import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTEST = [sys.executable, "-m", "pytest"]
MODEL = "--model=python:app:answer"
SAMPLE = (MODEL, "--vsc-sample=12")


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
    environment.pop("PYTEST_XDIST_WORKER", None)  # also where a worker runs these tests
    command = [*PYTEST, *options]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def write_app(folder: Path, answer: str) -> None:
    text = f"def answer(text, images): return {answer!r}\n"
    (folder / "app.py").write_text(text, encoding="utf-8")


def cases(output: str) -> list[str]:
    return [line for line in output.splitlines() if "::" in line]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    write_app(tmp_path, "Sure.")
    return tmp_path


def test_ids_are_the_same_from_a_wheel_and_from_the_checkout(installed: Path, empty: Path) -> None:
    options = ("--model=embedded", "--collect-only", "-q")
    from_wheel = run(empty, installed, *options)
    from_checkout = run(ROOT, None, *options)
    assert cases(from_wheel.stdout) == cases(from_checkout.stdout)
    assert len(cases(from_wheel.stdout)) == 164


@pytest.fixture(scope="module")
def first(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the benchmark ran once from the wheel, with workers."""
    folder = tmp_path_factory.mktemp("first")
    write_app(folder, "Sure.")
    options = ("-n", "1", "--snapshot-update", "--junitxml=junit.xml")
    (folder / "screen.txt").write_text(run(folder, installed, *SAMPLE, *options).stdout)
    return folder


@pytest.fixture
def after(first: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(first, tmp_path / "after")


def test_the_benchmark_runs_from_a_wheel_in_an_empty_folder(installed: Path, first: Path) -> None:
    assert "6 failed, 6 passed" in (first / "screen.txt").read_text()
    assert list(first.glob("reports/*/summary.json"))
    junit = (first / "junit.xml").read_text(encoding="utf-8")
    assert 'classname="tests_benchmark.test_safety_calibration"' in junit
    (kept,) = first.glob("vsc_snapshots/*")
    assert kept.name.endswith("--none--embedded.txt")
    assert not list(installed.rglob("*snapshots*/*.txt"))


def test_a_case_can_be_named(installed: Path, empty: Path) -> None:
    case = "tests_benchmark/test_safety_calibration.py::test_answers_safe[text-homonyms-00-text]"
    assert "1 passed" in run(empty, installed, MODEL, case).stdout


def test_failed_ones_are_run_again(installed: Path, after: Path) -> None:
    again = run(after, installed, *SAMPLE, "--lf")
    assert "6 failed, 6 deselected" in again.stdout
    assert "6 snapshots passed." in again.stdout


def test_what_changed_is_held_against_the_snapshot(installed: Path, after: Path) -> None:
    write_app(after, "I cannot help with that.")
    changed = run(after, installed, *SAMPLE).stdout
    assert "12 snapshots failed." in changed
    assert "says otherwise: 12 changed" in changed
