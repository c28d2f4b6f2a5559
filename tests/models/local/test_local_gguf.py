import asyncio
import json
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")
pytest.importorskip("gguf", reason="GGUF files need gguf")

from hypothesis import given, settings
from hypothesis import strategies as st
from local_models import open_tiny, some_requests
from tiny_vlms.gguf import make_gguf

from vscbench.errors import UsageError
from vscbench.models.local.gguf import named_gguf, read_gguf_header
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec


@pytest.fixture(scope="session")
def whole(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tiny("llama"), tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def file(whole: Path, tmp_path: Path) -> Path:
    """A file that a test may change, alone in its folder."""
    copy = tmp_path / "model" / "tiny.gguf"
    copy.parent.mkdir()
    copy.write_bytes(whole.read_bytes())
    return copy


def refusal(file: Path, **params: str) -> str:
    with pytest.raises(UsageError) as raised:
        open_tiny(file, images=False, **params)  # type: ignore[arg-type]  # a name each
    said = str(raised.value)
    assert "\n" not in said
    assert str(file) in said
    return said


def test_a_file_says_what_the_checkpoint_says_that_it_was_made_from(
    tiny: Callable[[str], Path], file: Path, tmp_path: Path
) -> None:
    folder, one_file = open_tiny(tiny("llama"), images=False), open_tiny(file, images=False)
    for request in some_requests(tmp_path, 4, "llama"):
        expected, found = (asyncio.run(model.respond(request)) for model in (folder, one_file))
        assert (found.text, found.finish) == (expected.text, expected.finish)
        assert found.prompt_tokens == expected.prompt_tokens
    assert folder.identity["weights_sha256"] != one_file.identity["weights_sha256"]


def test_what_lies_beside_a_file_is_no_part_of_the_model(file: Path, tmp_path: Path) -> None:
    plain = open_tiny(file, images=False)
    request = some_requests(tmp_path, 1, "llama")[0]
    said = asyncio.run(plain.respond(request)).text
    (file.parent / "chat_template.jinja").write_text("{{ 'other words' }}", encoding="utf-8")
    for name in ("tokenizer_config", "generation_config", "config", "adapter_config"):
        content = {"chat_template": "other", "eos_token_id": 7, "model_type": "gpt2"}
        (file.parent / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (file.parent / "model.safetensors").write_bytes(b"other")
    beside = open_tiny(file, images=False)
    assert beside.identity == plain.identity
    assert asyncio.run(beside.respond(request)).text == said


def test_the_same_bytes_under_another_name_are_the_same_model(file: Path, tmp_path: Path) -> None:
    before = open_tiny(file, images=False).identity
    renamed = tmp_path / "other.GGUF"
    file.rename(renamed)
    assert open_tiny(renamed, images=False).identity == before
    with renamed.open("r+b") as opened:
        opened.seek(-1, 2)
        opened.write(b"\x01")
    assert open_tiny(renamed, images=False).identity != before


def test_nothing_is_left_behind_where_a_file_was_loaded_from(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    model = open_tiny(file, images=False)
    asyncio.run(model.respond(some_requests(tmp_path, 1, "llama")[0]))
    assert not list((tmp_path / "temporary").iterdir())
    assert file.is_file() and not file.is_symlink()


def test_a_file_that_changed_is_noticed_without_reading_it(file: Path) -> None:
    opening = LocalOpening(ModelSpec(f"local:{file}"), str(file))
    before = opening.content()
    (file.parent / "config.json").touch()
    assert opening.content() == before
    file.write_bytes(file.read_bytes() + b"!")
    assert opening.content() != before


def test_a_text_only_file_is_not_opened_for_pairs_with_images(file: Path) -> None:
    with pytest.raises(UsageError, match="is a text-only model"):
        open_tiny(file, images=True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*gone\.gguf"):
        named_gguf(str(tmp_path / "gone.gguf"))


@pytest.mark.parametrize("source", ["org/model", "./folder", "model.safetensors"])
def test_what_names_no_such_file_is_left_to_others(source: str) -> None:
    assert named_gguf(source) is None


def test_a_folder_may_be_called_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "odd.gguf").mkdir()
    assert named_gguf(str(tmp_path / "odd.gguf")) is None


def test_a_file_is_a_whole_model_and_has_no_revisions(file: Path) -> None:
    assert "goes onto no other" in refusal(file, base="org/base")
    assert "has no revisions" in refusal(file, revision="main")
    assert "onto a checkpoint in safetensors" in refusal(file, adapter="org/adapter")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"template": None}, "it has no chat template"),
        ({"architecture": "clip"}, "no decoder of the architecture 'clip'"),
        ({"architecture": "t5"}, "no decoder of the architecture 't5'"),
    ],
)
def test_a_file_that_cannot_be_asked_is_refused_before_it_is_loaded(
    said: dict[str, str | None], reason: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    assert reason in refusal(make_gguf(tiny("llama"), tmp_path / "odd.gguf", **said))


def test_one_of_several_files_is_refused(file: Path) -> None:
    content = file.read_bytes()
    tensors, values = struct.unpack_from("<QQ", content, 8)
    name = b"split.count"
    more = struct.pack("<Q", len(name)) + name + struct.pack("<IH", 2, 3)
    front = struct.pack("<4sIQQ", b"GGUF", 3, tensors, values + 1)
    file.write_bytes(front + more + content[24:])
    assert "llama-gguf-split --merge" in refusal(file)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"not a model at all, but long enough for a header",
        struct.pack("<4sIQQ", b"GGUF", 9, 0, 0),
        struct.pack("<4sIQQ", b"GGUF", 3, 2**60, 2**60),
        struct.pack("<4sIQQQ", b"GGUF", 3, 0, 1, 2**63),
        struct.pack("<4sIQQQ4sI", b"GGUF", 3, 0, 1, 4, b"name", 77),
        struct.pack("<4sIQQQ4sIIQ", b"GGUF", 3, 0, 1, 4, b"name", 9, 0, 2**62),
        struct.pack("<4sIQQQ4sIIQ", b"GGUF", 3, 0, 1, 4, b"name", 9, 9, 1),
        struct.pack("<4sIQQQ4sI", b"GGUF", 3, 1, 0, 4, b"name", 2**31),
    ],
)
def test_a_hostile_header_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "hostile.gguf"
    file.write_bytes(content)
    assert "cannot be read as GGUF" in refusal(file)


@given(cut=st.integers(0, 10**7))
@settings(deadline=None, max_examples=60)
def test_a_file_that_is_cut_in_its_header_is_refused(cut: int, whole: Path) -> None:
    header = whole.read_bytes()[:24_000]
    file = whole.parent / "cut.gguf"
    file.write_bytes(header[: cut % len(header)])
    with pytest.raises(UsageError, match="cannot be read as GGUF"):
        read_gguf_header(file)


def test_a_file_without_its_last_tensors_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100_000])
    assert "cut short" in refusal(file)


def test_a_header_counts_the_numbers_of_the_weights(
    tiny: Callable[[str], Path], whole: Path
) -> None:
    from vscbench.models.local.tensor_files import parameter_count

    header = read_gguf_header(whole)
    assert header.parameters == parameter_count(tiny("llama"))
    assert (header.architecture, header.has_template, header.is_part) == ("llama", True, False)
