import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.local.digest import COUNTED, checkpoint_sha256, file_sha256

FILES = (
    "model.safetensors",
    "config.json",
    "chat_template.jinja",
    "tokenizer.model",
    "merges.txt",
    "qwen.tiktoken",
    "modeling.py",
    "additional_chat_templates/tool.jinja",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = tmp_path / "checkpoint"
    for name in FILES:
        (written / name).parent.mkdir(parents=True, exist_ok=True)
        (written / name).write_bytes(name.encode() * 100)
    return written


@pytest.mark.parametrize("name", FILES)
def test_any_byte_of_what_makes_up_a_model_changes_its_digest(folder: Path, name: str) -> None:
    before = checkpoint_sha256([folder])
    content = bytearray((folder / name).read_bytes())
    seen = {before}
    for place in (0, len(content) // 2, len(content) - 1):
        content[place] ^= 1
        (folder / name).write_bytes(content)
        seen.add(checkpoint_sha256([folder]))
        content[place] ^= 1
    assert len(seen) == 4
    (folder / name).write_bytes(content)
    assert checkpoint_sha256([folder]) == before


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_or_has_another_name_changes_it(folder: Path, name: str) -> None:
    before = checkpoint_sha256([folder])
    (folder / name).rename((folder / name).with_name("other" + Path(name).suffix))
    renamed = checkpoint_sha256([folder])
    (folder / name).with_name("other" + Path(name).suffix).unlink()
    assert len({before, renamed, checkpoint_sha256([folder])}) == 3


def test_what_no_answer_depends_on_does_not_change_it(folder: Path) -> None:
    before = checkpoint_sha256([folder])
    for name in ("README.md", ".gitattributes", "picture.png", "pytorch_model.bin", "LICENSE"):
        (folder / name).write_bytes(b"anything")
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    assert checkpoint_sha256([folder]) == before


def test_a_copy_elsewhere_and_links_to_it_are_the_same_model(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "under another name")
    links = tmp_path / "links"
    links.mkdir()
    for child in folder.iterdir():
        if child.is_file():
            (links / child.name).symlink_to(child)
    shutil.copytree(folder / "additional_chat_templates", links / "additional_chat_templates")
    assert len({checkpoint_sha256([each]) for each in (folder, copy, links)}) == 1


def test_a_base_and_what_goes_over_it_are_told_apart(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"other")
    digests = {
        checkpoint_sha256(folders)
        for folders in ([folder], [other], [folder, other], [other, folder])
    }
    assert len(digests) == 4


@given(content=st.binary(max_size=64))
def test_the_digest_of_a_file_is_that_of_its_bytes_whatever_it_is_called(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("named")
    # A name of 64 hexadecimal digits is believed only of the target of a link.
    (folder / ("ab" * 32)).write_bytes(content)
    (folder / "plain").write_bytes(content)
    assert file_sha256(folder / ("ab" * 32)) == file_sha256(folder / "plain")


def test_everything_that_transformers_writes_of_a_model_is_counted(
    tiny: Callable[[str], Path],
) -> None:
    assert {file.suffix for file in tiny("llava").iterdir()} <= COUNTED


def test_a_file_that_is_gone_meanwhile_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        file_sha256(tmp_path / "gone")


def test_a_file_by_itself_is_its_bytes_and_not_its_name_or_what_lies_beside_it(
    folder: Path, tmp_path: Path
) -> None:
    file = folder / "model.gguf"
    file.write_bytes(b"weights")
    before = checkpoint_sha256([file])
    (folder / "config.json").write_bytes(b"other")
    renamed = shutil.copyfile(file, tmp_path / "renamed.gguf")
    assert checkpoint_sha256([file]) == checkpoint_sha256([renamed]) == before
    file.write_bytes(b"weightz")
    assert checkpoint_sha256([file]) != before
