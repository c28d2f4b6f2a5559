import json
from dataclasses import replace
from pathlib import Path

import pytest
from reference_world import TEXT_WORKBOOK, write_reference

from vscbench.errors import UsageError
from vscbench.pairs.images import require_images
from vscbench.pairs.open import open_pairs, pairs_folder, pairs_sha256
from vscbench.records import Label, Pair

LINE = json.dumps({"id": "a", "label": "safe", "query": "How do I make tea?"}) + "\n"


def test_a_folder_in_the_published_layout(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    found = open_pairs("data", tmp_path)
    assert (found.name, len(found.pairs)) == ("data", 6 + 10)
    assert pairs_folder("data", tmp_path) == tmp_path / "data"


def test_a_manifest_and_the_folder_that_holds_one(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text(LINE, encoding="utf-8")
    (tmp_path / "own.jsonl").write_text(LINE.replace('"a"', '"b"'), encoding="utf-8")
    assert [pair.id for pair in open_pairs(".", tmp_path).pairs] == ["a"]
    assert [pair.id for pair in open_pairs("own.jsonl", tmp_path).pairs] == ["b"]
    assert pairs_folder("own.jsonl", tmp_path) == tmp_path


def test_a_manifest_comes_before_the_workbooks_it_was_made_from(tmp_path: Path) -> None:
    (write_reference(tmp_path) / "manifest.jsonl").write_text(LINE, encoding="utf-8")
    assert len(open_pairs(str(tmp_path), Path()).pairs) == 1


def test_the_shipped_set_opens_from_anywhere_with_its_images(tmp_path: Path) -> None:
    found = open_pairs("embedded", tmp_path)
    assert len(found.pairs) >= 120
    labels = [pair.label for pair in found.pairs]
    assert labels.count(Label.SAFE) == labels.count(Label.UNSAFE)
    require_images(found.pairs)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nowhere",
            "^no pairs: neither a file nor a folder at .*nowhere; give a path, or 'embedded' for",
        ),
        ("empty", r"^no pairs: the folder .*empty has neither manifest\.jsonl nor VSCBench's work"),
        ("vscbench", "^'vscbench': this version does not download the data set; .* from github"),
        (f"data/{TEXT_WORKBOOK}", rf"{TEXT_WORKBOOK} is a workbook; give the folder that holds it"),
    ],
)
def test_a_name_that_opens_nothing_says_what_would(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    write_reference(tmp_path / "data")
    with pytest.raises(UsageError, match=message) as caught:
        open_pairs(name, tmp_path)
    assert "--vsc" not in str(caught.value)


def test_a_folder_named_like_the_published_set_is_that_folder(tmp_path: Path) -> None:
    write_reference(tmp_path / "vscbench")
    assert len(open_pairs("vscbench", tmp_path).pairs) == 16


def fingerprinted(folder: Path) -> tuple[Pair, ...]:
    return open_pairs(str(write_reference(folder)), Path()).pairs


def test_a_fingerprint_does_not_depend_on_order_or_place(tmp_path: Path) -> None:
    here, there = fingerprinted(tmp_path / "a"), fingerprinted(tmp_path / "b")
    assert pairs_sha256(here) == pairs_sha256(reversed(there))


@pytest.mark.parametrize(
    "change",
    [{"query": "x"}, {"prompt": "x"}, {"image_sha256": "0" * 64}, {"label": Label.UNSAFE}],
)
def test_a_fingerprint_shows_what_changed(tmp_path: Path, change: dict[str, str]) -> None:
    first, *others = fingerprinted(tmp_path)
    assert first.label is Label.SAFE
    changed = replace(first, **change)  # type: ignore[arg-type]
    assert pairs_sha256([changed, *others]) != pairs_sha256([first, *others])
    assert pairs_sha256(others) != pairs_sha256([first, *others])
