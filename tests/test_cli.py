import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from reference_world import (
    IMAGE_FOLDER,
    IMAGE_WORKBOOK,
    TEXT_FOLDER,
    TEXT_WORKBOOK,
    image_row,
    write_image,
    write_reference,
)

import vscbench
from vscbench.cli import MAX_SHOWN, main
from vscbench.pairs.images import require_images
from vscbench.pairs.open import open_pairs
from vscbench.records import Variant
from vscbench.workbook import read_workbook


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A small data set with all of its images."""
    folder = write_reference(tmp_path / "data")
    for pair in open_pairs(str(folder), Path()).pairs:
        if pair.image:
            write_image(pair.image)
    return folder


def test_a_complete_folder_passes_with_a_table_of_what_it_holds(complete: Path) -> None:
    result = run("data", "check", complete)
    assert result.exit_code == 0
    table = [line.split() for line in result.stdout.splitlines()]
    assert table[0] == ["safe", "unsafe", "no", "query", "bad", "image"]
    assert ["image-centric", "3", "3", "0", "0"] in table
    assert ["text-centric", "typography", "1", "1", "0", "0"] in table
    assert result.stdout.endswith("16 pairs, 0 without a usable image\n")


def test_pairs_without_a_query_are_counted(tmp_path: Path) -> None:
    write_reference(tmp_path, [image_row(0), image_row(1, Prompt=None)])
    lines = run("data", "check", tmp_path).stdout.splitlines()
    assert lines[1].split() == ["image-centric", "6", "6", "6", "12"]


def test_missing_unreadable_and_changed_images_fail_the_check(
    complete: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("data", "render", complete, out).exit_code == 0
    assert run("data", "check", out).exit_code == 0
    folder = out / IMAGE_FOLDER / "drugs"
    (folder / "safe_0_0.png").unlink()
    (folder / "safe_0_1.png").write_bytes(b"no image")
    write_image(folder / "safe_0_2.png", colour="red")
    result = run("data", "check", out)
    assert result.exit_code == 1
    found = [line for line in result.stdout.splitlines() if line.startswith("image: ")]
    assert [line.partition(".png ")[2].partition("  (manifest")[0] for line in found] == [
        "is missing",
        "does not decode (no known image format)",
        "has changed (sha256 differs)",
    ]
    assert "16 pairs, 3 without a usable image" in result.stdout


def test_extra_files_are_noted_and_fail_nothing(complete: Path) -> None:
    extra = write_image(complete / IMAGE_FOLDER / "drugs" / "more.png")
    result = run("data", "check", complete)
    assert result.exit_code == 0
    assert f"note: {extra} belongs to no pair\n" in result.stdout


@pytest.mark.parametrize("unseen", ["\x1b", "\n", "\u202e", "\u200b", "\u2028"])
def test_a_file_name_does_not_reach_the_terminal_as_a_command(complete: Path, unseen: str) -> None:
    if sys.platform == "win32":
        pytest.skip("such a name cannot be written there")
    write_image(complete / IMAGE_FOLDER / "drugs" / f"a{unseen}[2Jb.png")
    result = run("data", "check", complete)
    escaped = unseen.encode("unicode_escape").decode()
    assert f"a{escaped}[2Jb.png belongs to no pair" in result.stdout
    assert f"a{unseen}" not in result.stdout


def test_a_long_list_of_findings_is_cut_and_counted(tmp_path: Path) -> None:
    rows = [image_row(number) for number in range(5)]
    result = run("data", "check", write_reference(tmp_path, rows))
    shown = [line for line in result.stdout.splitlines() if line.startswith("image: ")]
    assert len(shown) == MAX_SHOWN + 1
    assert shown[-1] == f"image: ... and {5 * 6 + 2 * 4 - MAX_SHOWN} more"


def test_the_shipped_set_passes_its_own_check() -> None:
    result = run("data", "check", "embedded")
    assert result.exit_code == 0
    assert "note:" not in result.stdout


def test_a_path_that_leads_nowhere_is_one_line_and_status_2(tmp_path: Path) -> None:
    result = run("data", "check", tmp_path / "nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("vscbench: ")
    assert "neither a file nor a folder" in result.stderr
    assert "--vsc-pairs" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_broken_workbook_is_one_line_and_status_2(complete: Path) -> None:
    (complete / TEXT_WORKBOOK).write_bytes(b"<html>404</html>")
    for command in (("check", complete), ("render", complete, complete.parent / "out")):
        result = run("data", *command)
        assert result.exit_code == 2
        assert f"{TEXT_WORKBOOK}: not a readable .xlsx workbook" in result.stderr


def test_render_says_what_it_drew_what_it_left_out_and_what_to_do_next(tmp_path: Path) -> None:
    source, out = write_reference(tmp_path / "source"), tmp_path / "out"
    result = run("data", "render", source, out)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "drew    2 typography images",
        "drew    2 figstep images",
        "drew    0 concat images",
        f"left out 2 concat images: their search images are not in {source}",
        "10 of the pairs still lack their image (search, concat, image-centric); "
        "select others, with --vsc-variant text,typography,figstep",
        f"pairs: {out}  (pytest --model=NAME --vsc-pairs {out})",
    ]
    assert result.stderr == ""


def test_render_with_every_image_leaves_nothing_out(complete: Path, tmp_path: Path) -> None:
    result = run("data", "render", complete, tmp_path / "out")
    assert "drew    2 concat images" in result.stdout
    assert "copied 8 images that cannot be drawn" in result.stdout
    assert "left out" not in result.stdout
    assert "still lack" not in result.stdout


def test_render_refuses_its_source_as_its_destination(complete: Path) -> None:
    result = run("data", "render", complete, complete)
    assert result.exit_code == 2
    assert "is the source itself" in result.stderr


def test_rows_of_the_published_workbooks_are_rendered_by_the_installed_command(
    reference_data: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    published = reference_data / "vscbench"
    images, texts = (
        [row.cells for row in read_workbook(published / name)][::12]
        for name in (IMAGE_WORKBOOK, TEXT_WORKBOOK)
    )
    write_reference(source, images, texts)
    command = [*installed_command(), "data", "render", str(source), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"drew {len(texts):>4} typography images" in done.stdout
    assert f"left out {len(texts)} concat images" in done.stdout
    pairs = open_pairs(str(out), Path()).pairs
    require_images(pair for pair in pairs if pair.variant in (Variant.TYPOGRAPHY, Variant.FIGSTEP))
    assert sum(pair.image_sha256 is not None for pair in pairs) == 2 * len(texts) == 76
    assert not (out / TEXT_FOLDER / "concat").exists()


def installed_command() -> list[str]:
    """The console script, or what it runs where the package is used from a checkout."""
    script = Path(sysconfig.get_path("scripts")) / "vscbench"
    if script.is_file():
        return [str(script)]
    return [sys.executable, "-c", "from vscbench.cli import main; main()"]


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["data", "--help"]])
def test_help_is_there(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


def test_version() -> None:
    assert vscbench.__version__ in run("--version").stdout


def test_models_lists_short_names_and_the_other_ways_to_name_one() -> None:
    result = run("models")
    assert result.exit_code == 0
    for name in ("gpt-4o", "claude", "gemini", "llava-1.5-7b"):
        assert f"  {name} " in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("also: any litellm id")
    assert "local:PATH_OR_ID" in last
    assert "embedded" in last


def test_models_says_what_loading_open_weights_takes() -> None:
    lines = run("models").stdout.splitlines()
    smallest = next(line for line in lines if line.startswith("  smolvlm-256m "))
    assert smallest.endswith("SmolVLM, 256M; needs torchvision, num2words")
    assert "needs" not in next(line for line in lines if line.startswith("  llava-1.5-7b "))
    heading = next(line for line in lines if line.startswith("open-weight"))
    assert "loaded here" in heading
    assert "--vsc-api-base" in heading


@pytest.mark.parametrize("place", [".", "tests/safety"])
def test_models_of_the_project_are_listed_with_the_packaged_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    own = (
        '[tool.vscbench.models]\nours = { litellm = "hosted_vllm/ours", about = "next release" }\n'
    )
    (tmp_path / "pyproject.toml").write_text(own, encoding="utf-8")
    (tmp_path / "tests" / "safety").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / place)
    lines = run("models").stdout.splitlines()
    assert ["ours", "hosted_vllm/ours", "next", "release"] in [line.split() for line in lines]
    assert any(line.startswith("  gpt-4o ") for line in lines)


def test_the_nearest_project_file_is_the_one_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in ((tmp_path, "outer"), (tmp_path / "part", "inner")):
        folder.mkdir(exist_ok=True)
        own = f'[tool.vscbench.models]\n{name} = {{ litellm = "hosted_vllm/{name}" }}\n'
        (folder / "pyproject.toml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "part")
    listed = run("models").stdout
    assert "  inner " in listed
    assert "  outer " not in listed


@pytest.mark.parametrize("text", ["[tool.vscbench", "[tool.vscbench.models]\nours = 3\n"])
def test_a_wrong_project_file_is_one_message_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = run("models")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("vscbench: ")


def test_a_name_that_the_consoles_encoding_lacks_is_an_escape(tmp_path: Path) -> None:
    line = {"id": "a", "label": "safe", "query": "What is this?", "image": "\u56fe.png"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(line), encoding="utf-8")
    runner = CliRunner(charset="latin-1")
    result = runner.invoke(main, ["data", "check", str(tmp_path / "pairs.jsonl")])
    assert result.exit_code == 1
    assert "\\u56fe.png is missing" in result.stdout


def test_an_error_steers_no_terminal() -> None:
    said = run("report", "no\x1b[31mrun").stderr
    assert "\x1b" not in said
    assert said.startswith("vscbench: no run at no\\x1b[31mrun")
