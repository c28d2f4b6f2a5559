from pathlib import Path

import pytest

from vscbench.errors import DataError
from vscbench.jsonlines import read_json_lines


def test_lines_keep_the_numbers_that_an_editor_shows(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes('{"a": "one\u2028line\x85only"}\n\n{"a": 2}\n'.encode())
    lines = [(line.number, line.fields["a"]) for line in read_json_lines(file)]
    assert lines == [(1, "one\u2028line\x85only"), (3, 2)]


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"f\.jsonl: cannot be read \(No such file"):
        read_json_lines(tmp_path / "f.jsonl")


def test_a_number_too_long_to_read_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text('{"a": ' + "9" * 10_000 + "}", encoding="utf-8")
    with pytest.raises(DataError, match=r"f\.jsonl, line 1: not JSON"):
        read_json_lines(file)
