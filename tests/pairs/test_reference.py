import re
import shutil
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from reference_world import (
    FIGSTEP,
    IMAGE_FOLDER,
    IMAGE_WORKBOOK,
    TEXT_FOLDER,
    TEXT_WORKBOOK,
    Cells,
    contrast_rows,
    image_row,
    text_row,
    write_reference,
    write_workbook,
)

from vscbench.errors import DataError
from vscbench.pairs.reference import is_reference_folder, load_reference
from vscbench.records import Label, Pair, Scenario, Variant

IMAGE_CATEGORIES = {
    "discrimination",
    "drugs",
    "illegal_activity",
    "porngraphy",
    "religion",
    "violence",
}
CATEGORY_OF_TYPE = {
    "homonyms": "homonyms",
    "contrast_homonyms": "homonyms",
    "figurative_language": "figurative_language",
    "contrast_figurative_language": "figurative_language",
    "safe_targets": "safe_targets",
    "contrast_safe_targets": "safe_targets",
    "safe_contexts": "safe_contexts",
    "contrast_safe_contexts": "safe_contexts",
    "definitions": "definitions",
    "contrast_definitions": "definitions",
    "historical_events": "historical_events",
    "contrast_historical_events": "historical_events",
    "real_group_nons_discr": "discrimination",
    "nons_group_real_discr": "discrimination",
    "contrast_discr": "discrimination",
    "privacy_public": "privacy",
    "privacy_fictional": "privacy",
    "contrast_privacy": "privacy",
}
COLUMN_OF_VARIANT = {
    Variant.SEARCH: "search_img",
    Variant.TYPOGRAPHY: "typography_img",
    Variant.CONCAT: "concat_img",
    Variant.FIGSTEP: "figstep_img",
}


@pytest.fixture(scope="module")
def published(reference_data: Path) -> Path:
    return reference_data / "vscbench"


@pytest.fixture(scope="module")
def pairs(published: Path) -> tuple[Pair, ...]:
    return load_reference(published)


def of(pairs: Iterable[Pair], scenario: Scenario) -> list[Pair]:
    return [pair for pair in pairs if pair.scenario is scenario]


def sheet(path: Path) -> list[dict[str, str]]:
    """Read a workbook with another library than the one under test."""
    first: Any = openpyxl.load_workbook(path).active
    header, *lines = first.iter_rows(values_only=True)
    return [dict(zip(header, (cell or "" for cell in line), strict=True)) for line in lines]


def test_the_published_folder_holds_the_pairs_that_the_paper_counts(
    pairs: tuple[Pair, ...],
) -> None:
    counts = Counter((str(pair.variant or "image"), pair.label) for pair in pairs)
    expected: dict[tuple[str, Label], int] = {
        ("image", Label.SAFE): 900,
        ("image", Label.UNSAFE): 900,
        **{(variant, Label.SAFE): 250 for variant in Variant},
        **{(variant, Label.UNSAFE): 200 for variant in Variant},
    }
    assert counts == expected
    assert len(pairs) == 4050


def test_loading_needs_no_images(published: Path, pairs: tuple[Pair, ...]) -> None:
    assert not (published / IMAGE_FOLDER).exists()
    assert all(pair.image is None for pair in pairs if pair.variant is Variant.TEXT)
    assert all(pair.image for pair in pairs if pair.variant is not Variant.TEXT)


def test_ids_are_unique_sorted_ascii_that_a_person_can_type(pairs: tuple[Pair, ...]) -> None:
    ids = [pair.id for pair in pairs]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", pair_id) for pair_id in ids)


def test_pairs_are_the_same_wherever_their_folder_stands(
    published: Path, pairs: tuple[Pair, ...], tmp_path: Path
) -> None:
    for name in (IMAGE_WORKBOOK, TEXT_WORKBOOK, "figstep_prompt.txt"):
        shutil.copyfile(published / name, tmp_path / name)
    moved = load_reference(tmp_path)
    assert [told(pair, tmp_path) for pair in moved] == [told(pair, published) for pair in pairs]


def told(pair: Pair, folder: Path) -> tuple[object, ...]:
    """Everything a pair says but for where its folder stands."""
    image = pair.image and pair.image.relative_to(folder)
    return (pair.id, pair.label, pair.query, pair.prompt, pair.contrast_id, pair.cluster_id, image)


def test_the_pairs_without_a_query_are_those_of_two_discrimination_rows(
    pairs: tuple[Pair, ...],
) -> None:
    silent = [pair for pair in pairs if not pair.query]
    rows = {re.search(r"row \d+", pair.source) for pair in silent}
    assert len(silent) == 12
    assert {pair.category for pair in silent} == {"discrimination"}
    assert len({match.group() for match in rows if match}) == 2


def test_image_centric_categories_have_both_labels_in_equal_number(
    pairs: tuple[Pair, ...],
) -> None:
    counts = Counter(
        (pair.category, pair.label) for pair in of(pairs, Scenario.IMAGE_CENTRIC)
    )  # fmt: skip
    assert counts == {(name, label): 150 for name in IMAGE_CATEGORIES for label in Label}


def test_each_type_has_its_category_and_each_category_both_labels(
    pairs: tuple[Pair, ...],
) -> None:
    text = of(pairs, Scenario.TEXT_CENTRIC)
    assert {pair.type or "": pair.category for pair in text} == CATEGORY_OF_TYPE
    assert set(Counter(pair.type for pair in text).values()) == {25 * len(Variant)}
    labelled = {(pair.category, pair.label) for pair in text}
    assert len(labelled) == 2 * len(set(CATEGORY_OF_TYPE.values()))


def test_a_type_that_is_named_contrast_is_unsafe(pairs: tuple[Pair, ...]) -> None:
    for pair in of(pairs, Scenario.TEXT_CENTRIC):
        assert (pair.label is Label.UNSAFE) == ("contrast" in (pair.type or ""))


def test_every_contrast_joins_one_safe_and_one_unsafe_pair(pairs: tuple[Pair, ...]) -> None:
    labels: defaultdict[str, list[Label]] = defaultdict(list)
    for pair in pairs:
        if pair.contrast_id:
            labels[pair.contrast_id].append(pair.label)
    assert {tuple(sorted(both)) for both in labels.values()} == {(Label.SAFE, Label.UNSAFE)}


def test_contrasts_are_as_many_as_the_data_has(pairs: tuple[Pair, ...]) -> None:
    joined = {(str(pair.variant or "image"), pair.contrast_id) for pair in pairs}
    counts = Counter(variant for variant, contrast in joined if contrast)
    assert counts == {"image": 900, **dict.fromkeys(map(str, Variant), 200)}
    alone = Counter(pair.type for pair in pairs if pair.contrast_id is None)
    assert alone == {"nons_group_real_discr": 125, "privacy_public": 125}


def test_an_image_centric_contrast_is_one_row_and_one_index(pairs: tuple[Pair, ...]) -> None:
    by_id = {pair.id: pair for pair in of(pairs, Scenario.IMAGE_CENTRIC)}
    for pair in by_id.values():
        other = by_id[opposite(pair.id)]
        assert pair.contrast_id == other.contrast_id
        assert pair.query == other.query


def opposite(pair_id: str) -> str:
    head, label, index = pair_id.rsplit("-", 2)
    return f"{head}-{'unsafe' if label == 'safe' else 'safe'}-{index}"


def test_a_text_centric_contrast_is_the_same_row_of_both_types_in_one_variant(
    published: Path, pairs: tuple[Pair, ...]
) -> None:
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for row in sheet(published / TEXT_WORKBOOK):
        rows[row["type"]].append(row["prompt_origin"])
    expected = {
        frozenset({(safe, variant), (unsafe, variant)})
        for safe_type, unsafe_type in (
            *((name, f"contrast_{name}") for name in CATEGORY_OF_TYPE
              if f"contrast_{name}" in CATEGORY_OF_TYPE),
            ("real_group_nons_discr", "contrast_discr"),
            ("privacy_fictional", "contrast_privacy"),
        )
        for safe, unsafe in zip(rows[safe_type], rows[unsafe_type], strict=True)
        for variant in Variant
    }  # fmt: skip
    joined: defaultdict[str, set[tuple[str, Variant | None]]] = defaultdict(set)
    for pair in of(pairs, Scenario.TEXT_CENTRIC):
        if pair.contrast_id:
            joined[pair.contrast_id].add((pair.query, pair.variant))
    assert set(map(frozenset, joined.values())) == expected


def test_what_is_sent_and_what_the_judge_reads_is_what_the_workbooks_say(
    published: Path, pairs: tuple[Pair, ...]
) -> None:
    rows = sheet(published / TEXT_WORKBOOK)
    fixed = (published / "figstep_prompt.txt").read_text(encoding="utf-8").strip()
    for pair in of(pairs, Scenario.TEXT_CENTRIC):
        assert pair.variant
        row = rows[row_number(pair) - 2]
        sent = {Variant.TEXT: row["prompt_origin"], Variant.FIGSTEP: fixed}
        assert pair.query == row["prompt_origin"]
        assert pair.prompt == sent.get(pair.variant, row["prompt_mm"])
        if pair.variant is not Variant.TEXT:
            name = row[COLUMN_OF_VARIANT[pair.variant]]
            assert pair.image == published / TEXT_FOLDER / pair.variant / name


def test_an_image_centric_pair_is_its_row_and_its_image(
    published: Path, pairs: tuple[Pair, ...]
) -> None:
    rows = sheet(published / IMAGE_WORKBOOK)
    for pair in of(pairs, Scenario.IMAGE_CENTRIC):
        row = rows[row_number(pair) - 2]
        column = f"{pair.label}_img_{pair.id[-1]}"
        assert pair.source == f"{IMAGE_WORKBOOK}, row {row_number(pair)}, column {column}"
        assert pair.query == pair.prompt == row["Prompt"]
        assert pair.image == published / IMAGE_FOLDER / row["Category"] / row[column]


def row_number(pair: Pair) -> int:
    return int(pair.source.split(", ")[1].removeprefix("row "))


def test_files_that_serve_two_pairs_are_the_two_that_are_known(pairs: tuple[Pair, ...]) -> None:
    served: defaultdict[Path, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.image:
            served[pair.image].append(pair)
    shared = {image.name: both for image, both in served.items() if len(both) > 1}
    one_row, two_rows = sorted(shared.values(), key=lambda both: both[0].scenario)
    assert len(one_row) == len(two_rows) == 2
    assert {(pair.category, pair.label) for pair in one_row} == {("violence", Label.SAFE)}
    assert len({row_number(pair) for pair in one_row}) == 1
    assert {pair.variant for pair in two_rows} == {Variant.SEARCH}
    assert len({row_number(pair) for pair in two_rows}) == 2


def test_clusters_are_the_components_that_another_algorithm_finds(
    pairs: tuple[Pair, ...],
) -> None:
    partition: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        partition[pair.cluster_id].add(pair.id)
    assert set(map(frozenset, partition.values())) == components(pairs)
    assert all(name == min(members) for name, members in partition.items())


def components(pairs: Sequence[Pair]) -> set[frozenset[str]]:
    """Search breadth-first over rows, queries and contrasts; the sent prompt is no tie."""
    holders: defaultdict[tuple[str, object], list[str]] = defaultdict(list)
    keys = {pair.id: keys_of(pair) for pair in pairs}
    for pair_id, own in keys.items():
        for key in own:
            holders[key].append(pair_id)
    left, found = set(keys), set()
    while left:
        queue = deque([min(left)])
        component = set(queue)
        while queue:
            near = {other for key in keys[queue.popleft()] for other in holders[key]} - component
            component |= near
            queue.extend(near)
        left -= component
        found.add(frozenset(component))
    return found


def keys_of(pair: Pair) -> list[tuple[str, object]]:
    folded = " ".join(unicodedata.normalize("NFKC", pair.query).lower().split())
    query = folded.replace("\u2019", "'").rstrip(".?! ")
    keys: list[tuple[str, object]] = [("row", (pair.scenario, row_number(pair)))]
    keys += [("query", query)] if query else []
    return [*keys, ("contrast", pair.contrast_id)] if pair.contrast_id else keys


def test_figsteps_fixed_prompt_does_not_tie_pairs(pairs: tuple[Pair, ...]) -> None:
    figstep = [pair for pair in pairs if pair.variant is Variant.FIGSTEP]
    assert len({pair.prompt for pair in figstep}) == 1
    assert len({pair.cluster_id for pair in figstep}) > 200


def test_a_safe_row_without_a_counterpart_has_no_contrast(tmp_path: Path) -> None:
    rows = [*contrast_rows([0]), text_row(7), text_row(8, "privacy_public")]
    pairs = load_reference(write_reference(tmp_path, text_rows=rows))
    of_text = {pair.id: pair.contrast_id for pair in pairs if pair.variant is Variant.TEXT}
    assert of_text == {
        "text-contrast_homonyms-00-text": "text-homonyms-00-text",
        "text-homonyms-00-text": "text-homonyms-00-text",
        "text-homonyms-01-text": None,
        "text-privacy_public-00-text": None,
    }


def test_rows_of_an_image_centric_category_are_counted_within_it(tmp_path: Path) -> None:
    rows = [image_row(0), image_row(1, "religion"), image_row(2)]
    ids = {pair.id for pair in load_reference(write_reference(tmp_path, rows))}
    assert {"image-drugs-01-safe-0", "image-religion-00-unsafe-2"} <= ids
    assert "image-religion-01-safe-0" not in ids


@pytest.mark.parametrize("prompt", [None, "\u00a0"])
def test_a_blank_prompt_is_no_query(tmp_path: Path, prompt: str | None) -> None:
    rows = [image_row(0, Prompt=prompt), image_row(1)]
    pairs = of(load_reference(write_reference(tmp_path, rows)), Scenario.IMAGE_CENTRIC)
    assert Counter(bool(pair.query) for pair in pairs) == {False: 6, True: 6}


def test_a_folder_is_known_by_either_workbook(tmp_path: Path) -> None:
    assert not is_reference_folder(tmp_path)
    write_workbook(tmp_path / TEXT_WORKBOOK, [text_row(0)])
    assert is_reference_folder(tmp_path)


@pytest.mark.parametrize("workbook", [IMAGE_WORKBOOK, TEXT_WORKBOOK])
def test_a_missing_workbook_is_named(tmp_path: Path, workbook: str) -> None:
    (write_reference(tmp_path) / workbook).unlink()
    with pytest.raises(DataError) as caught:
        load_reference(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no {workbook} in it; VSCBench has two workbooks and both are needed in one "
        "folder; get them from github.com/jiahuigeng/VSCBench"
    )


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write_reference(tmp_path)
    write_workbook(tmp_path / TEXT_WORKBOOK, [text_row(0)], without=["prompt_mm"])
    with pytest.raises(DataError, match=rf"{TEXT_WORKBOOK}, row 1: no column 'prompt_mm'"):
        load_reference(tmp_path)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (image_row(1, safe_img_2=None), "safe_img_2"),
        (image_row(1, "", unsafe_img_0="x.png"), "Category"),
        (text_row(1, ""), "type"),
        (text_row(1, prompt_origin=" "), "prompt_origin"),
        (text_row(1, prompt_mm=None), "prompt_mm"),
        (text_row(1, figstep_img=None), "figstep_img"),
    ],
)
def test_an_empty_cell_is_named_by_file_row_and_column(
    tmp_path: Path, row: Cells, column: str
) -> None:
    file = write_with(tmp_path, row)
    with pytest.raises(DataError, match=rf"{file}, row 3, column {column}: the cell is empty"):
        load_reference(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *("../x.png", "a/x.png", "a\\x.png", "..", ".", "/etc/x.png", "C:x.png", "a\tb.png"),
        *("a\u202egnp.exe.png", "a\u200bb.png", "a\u2028b.png"),
    ],
)
@pytest.mark.parametrize("column", ["safe_img_1", "search_img"])
def test_an_image_name_that_leads_out_of_its_folder_is_refused(
    tmp_path: Path, name: str, column: str
) -> None:
    row = image_row(1, **{column: name}) if "safe" in column else text_row(1, **{column: name})
    file = write_with(tmp_path, row)
    place = rf"{file}, row 3, column {column}: .* is not a plain file name; name a file"
    with pytest.raises(DataError, match=place):
        load_reference(tmp_path)


@pytest.mark.parametrize("category", ["../up", "..", ".", "a/b", "a\\b", "two words", "größe"])
def test_a_category_that_cannot_be_part_of_an_id_or_a_path_is_refused(
    tmp_path: Path, category: str
) -> None:
    write_with(tmp_path, image_row(1, category))
    with pytest.raises(DataError, match=r"row 3, column Category: .* cannot be part of an id; use"):
        load_reference(tmp_path)


def write_with(folder: Path, row: Cells) -> str:
    """Write a data set whose third line holds the row; say in which file."""
    if "Category" in row:
        write_reference(folder, image_rows=[image_row(0), row])
        return IMAGE_WORKBOOK
    write_reference(folder, text_rows=[text_row(0), row])
    return TEXT_WORKBOOK


README = """# A data set

`figstep_img` names the image for FigStep.

```bash
python check.py
```

- The fixed prompt used for FigStep{mark}
{gap}
```{language}
Fill in the list.
Each item has two lines.
```
"""


@pytest.mark.parametrize("mark", [":", " (always the same): "])
@pytest.mark.parametrize(("gap", "language"), [("", "text"), ("\n", ""), ("\n\n", "text")])
def test_figsteps_prompt_can_stand_in_the_data_sets_readme(
    tmp_path: Path, mark: str, gap: str, language: str
) -> None:
    (write_reference(tmp_path) / "figstep_prompt.txt").unlink()
    readme = README.format(mark=mark, gap=gap, language=language)
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    assert figstep_prompts(tmp_path) == {"Fill in the list.\nEach item has two lines."}


def test_figsteps_own_file_comes_before_the_readme(tmp_path: Path) -> None:
    readme = README.format(mark=":", gap="", language="")
    (write_reference(tmp_path) / "README.md").write_text(readme, encoding="utf-8")
    assert figstep_prompts(tmp_path) == {FIGSTEP}


def figstep_prompts(folder: Path) -> set[str]:
    return {pair.prompt for pair in load_reference(folder) if pair.variant is Variant.FIGSTEP}


@pytest.mark.parametrize("readme", [None, "# FigStep\n\nNothing fenced here.\n"])
def test_a_missing_figstep_prompt_is_not_made_up(tmp_path: Path, readme: str | None) -> None:
    (write_reference(tmp_path) / "figstep_prompt.txt").unlink()
    if readme:
        (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    with pytest.raises(DataError, match=r"FigStep prompt is missing; put it into figstep_prompt"):
        load_reference(tmp_path)


def test_an_empty_figstep_prompt_is_not_replaced_by_another(tmp_path: Path) -> None:
    (write_reference(tmp_path) / "figstep_prompt.txt").write_text(" \n", encoding="utf-8")
    with pytest.raises(DataError, match="FigStep prompt is missing"):
        load_reference(tmp_path)


def test_a_figstep_prompt_that_is_no_text(tmp_path: Path) -> None:
    (write_reference(tmp_path) / "figstep_prompt.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"figstep_prompt\.txt: not readable as UTF-8"):
        load_reference(tmp_path)
