from pathlib import Path

from vscbench.models.served.contents import MOST_BYTES_READ, digest_of, pinned


def test_a_file_under_the_same_name_is_another_once_it_says_something_else(tmp_path: Path) -> None:
    template = tmp_path / "chat.jinja"
    template.write_text("{{ one }}", encoding="utf-8")
    before = pinned(str(template))
    template.write_text("{{ two }}", encoding="utf-8")
    assert pinned(str(template)) != before
    template.write_text("{{ one }}", encoding="utf-8")
    assert pinned(str(template)) == before


def test_weights_that_were_trained_again_are_others(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(MOST_BYTES_READ + 1))
    before = digest_of(str(tmp_path))
    weights.write_bytes(bytes(MOST_BYTES_READ + 2))
    assert before is not None
    assert digest_of(str(tmp_path)) != before


def test_a_folder_that_holds_no_weights_is_only_a_name(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"1")
    assert pinned(str(tmp_path)) == str(tmp_path)


def test_what_names_nothing_here_stays_as_it_is() -> None:
    for value in ("Qwen/Qwen2.5-VL-7B-Instruct", 4, None, "a\0b", "x" * 5000, {"a": 1}):
        assert pinned(value) == value
