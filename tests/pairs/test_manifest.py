import json
import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_world import contrast_rows, image_row, write_reference

from vscbench.errors import DataError
from vscbench.pairs.manifest import FIELDS, load_manifest, manifest_line
from vscbench.pairs.reference import load_reference
from vscbench.records import Label, Pair, Scenario, Variant

SHA256 = "0123456789abcdef" * 4
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=12
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=8).filter(
    lambda name: name[0].isalnum()
)


def write(folder: Path, *entries: object) -> Path:
    path = folder / "manifest.jsonl"
    lines = (entry if isinstance(entry, str) else json.dumps(entry) for entry in entries)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def entry(**changes: object) -> dict[str, object]:
    return {"id": "tea-safe", "label": "safe", "query": "How do I make tea?", **changes}


@st.composite
def manifests(draw: st.DrawFn) -> tuple[Pair, ...]:
    ids = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    return tuple(draw(pairs_named(pair_id)) for pair_id in sorted(ids))


@st.composite
def pairs_named(draw: st.DrawFn, pair_id: str) -> Pair:
    scenario = draw(st.sampled_from(Scenario))
    by_image = scenario is Scenario.IMAGE_CENTRIC
    variant = None if by_image else draw(st.none() | st.sampled_from(Variant))
    drawn = by_image or variant not in {None, Variant.TEXT}
    image = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: Path("/data", *parts))
    query = draw(TEXTS.map(lambda text: text if text.strip() else ""))
    return Pair(
        id=pair_id,
        label=draw(st.sampled_from(Label)),
        scenario=scenario,
        category=draw(WORDS),
        type=draw(st.none() | WORDS),
        variant=variant,
        query=query,
        prompt=draw(st.just(query) | TEXTS.map(lambda text: text or query)),
        image=draw(image) if drawn else None,
        image_sha256=draw(st.none() | st.just(SHA256)),
        contrast_id=draw(st.none() | st.just(f"contrast {pair_id}")),
        cluster_id=pair_id,
        source="",
    )


@given(manifests())
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, pairs: tuple[Pair, ...]
) -> None:
    folder = tmp_path_factory.mktemp("written")
    path = folder / "manifest.jsonl"
    lines = [manifest_line(pair, Path("/data")) for pair in pairs]
    path.write_text("\n".join(lines), encoding="ascii")
    read = [comparable(pair, folder) for pair in load_manifest(path)]
    assert read == [comparable(pair, Path("/data")) for pair in pairs]


def comparable(pair: Pair, folder: Path) -> Pair:
    """Leave out where a pair stands, and its cluster, which others of the manifest can name."""
    image = pair.image and pair.image.relative_to(folder)
    return replace(pair, image=image, cluster_id="", source="")


def test_pairs_of_the_published_layout_survive_as_a_manifest(tmp_path: Path) -> None:
    images = [image_row(0), image_row(1, Prompt=None)]
    folder = write_reference(tmp_path, images, contrast_rows([0, 1]))
    pairs = load_reference(folder)
    path = write(folder, *(manifest_line(pair, folder) for pair in pairs))
    read = load_manifest(path)
    assert [replace(pair, source="") for pair in read] == [
        replace(pair, source="") for pair in pairs
    ]


def test_three_fields_are_enough(tmp_path: Path) -> None:
    (pair,) = load_manifest(write(tmp_path, entry()))
    assert pair == Pair(
        id="tea-safe",
        label=Label.SAFE,
        scenario=Scenario.TEXT_CENTRIC,
        category="uncategorised",
        type=None,
        variant=None,
        query="How do I make tea?",
        prompt="How do I make tea?",
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id="tea-safe",
        source="manifest.jsonl, line 1",
    )


def test_a_pair_with_an_image_and_no_variant_is_image_centric(tmp_path: Path) -> None:
    (pair,) = load_manifest(write(tmp_path, entry(image="cups/a.png", sha256=SHA256)))
    assert pair.scenario is Scenario.IMAGE_CENTRIC
    assert pair.image == tmp_path / "cups" / "a.png"
    assert pair.image_sha256 == SHA256


def test_an_image_may_be_named_beside_a_text_centric_pair(tmp_path: Path) -> None:
    (pair,) = load_manifest(write(tmp_path, entry(image="a.png", variant="figstep", prompt="Go.")))
    assert (pair.scenario, pair.query, pair.prompt) == (
        Scenario.TEXT_CENTRIC,
        "How do I make tea?",
        "Go.",
    )


def test_a_pair_without_a_query_is_kept_and_has_none(tmp_path: Path) -> None:
    (pair,) = load_manifest(write(tmp_path, entry(query=" ")))
    assert pair.query == ""


def test_an_empty_or_null_field_is_as_good_as_absent(tmp_path: Path) -> None:
    empty = {name: "" for name in FIELDS if name not in {"id", "label", "query"}}
    path = write(tmp_path, entry(**empty), entry(id="b", **dict.fromkeys(empty)), entry(id="c"))
    b, c, tea = load_manifest(path)
    assert replace(b, id="", source="") == replace(c, id="", source="")
    assert replace(b, id="", source="") == replace(tea, id="", source="")


def test_notes_are_free(tmp_path: Path) -> None:
    assert load_manifest(write(tmp_path, entry(notes={"by": "me", "score": 3})))


def test_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(
        f"\ufeff{json.dumps(entry())}\n\n{json.dumps(entry(id='b'))}\n", encoding="utf-8"
    )
    assert [pair.source for pair in load_manifest(path)] == [
        "own.jsonl, line 3",
        "own.jsonl, line 1",
    ]


def test_pairs_are_sorted_by_id(tmp_path: Path) -> None:
    path = write(tmp_path, *(entry(id=name) for name in ("b", "a-2", "B", "a.1")))
    assert [pair.id for pair in load_manifest(path)] == ["B", "a-2", "a.1", "b"]


def test_pairs_of_a_named_cluster_are_together_and_so_are_their_contrasts(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        entry(id="a", query="One?", cluster="kitchen"),
        entry(id="b", query="Two?", cluster="kitchen", contrast="x"),
        entry(id="c", query="Three?", contrast="x", label="unsafe"),
        entry(id="d", query="three"),
        entry(id="e", query="Five?", cluster="x"),
    )
    clusters = {pair.id: pair.cluster_id for pair in load_manifest(path)}
    assert clusters == {"a": "a", "b": "a", "c": "a", "d": "a", "e": "e"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (entry(lable="safe"), "unknown field 'lable'; known: id, label, "),
        ({"id": "a", "label": "safe"}, "field 'query' is missing"),
        (entry(id=None), "field 'id' is missing"),
        (entry(label="benign"), "label 'benign' is none of safe, unsafe"),
        (entry(label="Safe"), "label 'Safe' is none of safe, unsafe"),
        (entry(scenario="image"), "scenario 'image' is none of image-centric, text-centric"),
        (entry(variant="typo"), "variant 'typo' is none of text, search, typography"),
        (entry(category=7), "field 'category' must be text, found 7"),
        (entry(query=["a"]), r"field 'query' must be text, found \['a'\]"),
        (entry(category="a\x1b[2J"), "field 'category' must be one line without control"),
        (entry(contrast="a\nb"), "field 'contrast' must be one line without control"),
        (entry(query="\ud83d"), "field 'query' holds half a character"),
        (entry(image="a.png", sha256="0" * 63), "sha256 '0+' is not 64 lower-case"),
        (entry(image="a.png", sha256="A" * 64), "sha256 'A+' is not 64 lower-case"),
        (entry(variant="figstep"), "field 'image' is missing; a pair of figstep needs one"),
        (entry(scenario="image-centric"), "field 'image' is missing; a pair of image-centric"),
        (entry(variant="text", image="a.png"), "a pair of variant 'text' has no image; drop it"),
        (
            entry(scenario="image-centric", variant="search", image="a.png"),
            "an image-centric pair has no variant; drop 'search'",
        ),
        ('{"id": "a", "label": "safe", "query": "b"', "not JSON .*one whole JSON object"),
        ("id,label,query", "not JSON"),
        ('["a", "safe", "b"]', "expected a JSON object"),
    ],
)
def test_a_line_that_is_no_pair_is_named_by_file_and_line(
    tmp_path: Path, wrong: object, message: str
) -> None:
    with pytest.raises(DataError, match=rf"manifest\.jsonl, line 2: {message}"):
        load_manifest(write(tmp_path, entry(id="fine"), wrong))


@pytest.mark.parametrize("pair_id", ["", "a b", "a/b", "größe", "-k", "a::b", "a[b]", "a\n"])
def test_an_id_that_cannot_be_typed_is_refused(tmp_path: Path, pair_id: str) -> None:
    with pytest.raises(DataError, match=r"line 1: (id .* cannot be a test id|field 'id' must be)"):
        load_manifest(write(tmp_path, entry(id=pair_id)))


@pytest.mark.parametrize(
    "image", ["../a.png", "a/../../b.png", "/etc/a.png", "C:/a.png", "a\\b.png", ".", "//host/a"]
)
def test_an_image_that_leads_out_of_the_manifests_folder_is_refused(
    tmp_path: Path, image: str
) -> None:
    with pytest.raises(DataError, match=r"line 1: image .* must be a path below the manifest's"):
        load_manifest(write(tmp_path, entry(image=image)))


@pytest.mark.parametrize("field", ["category", "type", "contrast", "cluster", "image"])
@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u2028", "\u2029"])
def test_what_cannot_be_seen_is_refused_outside_of_texts_and_shown(
    tmp_path: Path, field: str, unseen: str
) -> None:
    with pytest.raises(DataError) as caught:
        load_manifest(write(tmp_path, entry(**{field: f"a{unseen}b.png"})))
    assert str(caught.value) == (
        f"manifest.jsonl, line 1: field {field!r} must be one line without control or invisible "
        f"characters, found 'a\\u{ord(unseen):04x}b.png'"
    )


def test_texts_may_hold_any_character(tmp_path: Path) -> None:
    text = "one\u200d\u202etwo\u2028three\x1b"
    (pair,) = load_manifest(write(tmp_path, entry(query=text, prompt=text + "!", notes=text)))
    assert (pair.query, pair.prompt) == (text, text + "!")


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, entry(), entry(id="b"), entry(label="unsafe"))
    with pytest.raises(
        DataError, match=r"line 3: id 'tea-safe' is also at manifest\.jsonl, line 1"
    ):
        load_manifest(path)


@pytest.mark.parametrize("labels", [("safe", "safe"), ("unsafe",) * 2, ("safe", "unsafe", "safe")])
def test_a_contrast_joins_one_safe_and_one_unsafe_pair(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    lines = [entry(id=f"p{i}", label=label, contrast="x") for i, label in enumerate(labels)]
    with pytest.raises(DataError, match=r"contrast 'x' must join one safe and one .* joins p0 \("):
        load_manifest(write(tmp_path, *lines))


def test_half_a_contrast_is_no_error(tmp_path: Path) -> None:
    assert load_manifest(write(tmp_path, entry(contrast="x")))


def test_an_empty_manifest_is_no_set_of_pairs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pairs in it; each line is one JSON object"):
        load_manifest(write(tmp_path))


def test_a_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"own\.jsonl: cannot be read"):
        load_manifest(tmp_path / "own.jsonl")
