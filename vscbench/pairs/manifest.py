"""A manifest: pairs as JSON Lines, one object a pair; how people bring their own."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from vscbench.errors import DataError
from vscbench.jsonlines import read_json_lines
from vscbench.pairs.clusters import cluster_ids, normalised
from vscbench.pairs.paths import is_plain_line, stays_below
from vscbench.records import Label, Pair, Scenario, Variant

MANIFEST = "manifest.jsonl"
REQUIRED = ("id", "label", "query")
FIELDS = (
    "id",
    "label",
    "scenario",
    "category",
    "type",
    "variant",
    "query",
    "prompt",
    "answer",
    "image",
    "sha256",
    "contrast",
    "cluster",
    "notes",
)
# Questions of utility travel as pairs of this type.
RESERVED_TYPE = "utility"
FREE_TEXT = ("query", "prompt", "answer", "notes")
PAIR_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")


def load_manifest(path: Path) -> tuple[Pair, ...]:
    """Read every pair of a manifest, sorted by id; images are not opened.

    Raises:
        DataError: a line is not a pair; the message names file, line and field.
    """
    pairs: dict[str, Pair] = {}
    for line in read_json_lines(path):
        where = f"{path.name}, line {line.number}"
        pair = _pair(_checked(line.fields, where), path.parent, where)
        if pair.id in pairs:
            raise DataError(f"{pair.source}: id {pair.id!r} is also at {pairs[pair.id].source}")
        pairs[pair.id] = pair
    if not pairs:
        raise DataError(f"{path}: no pairs in it; each line is one JSON object")
    _check_contrasts(pairs.values())
    clusters = cluster_ids({pair.id: _ties(pair) for pair in pairs.values()})
    placed = (replace(pair, cluster_id=clusters[pair.id]) for pair in pairs.values())
    return tuple(sorted(placed, key=lambda pair: pair.id))


def manifest_line(pair: Pair, folder: Path) -> str:
    """Write a pair as a manifest's line; its image is named relative to ``folder``."""
    image = pair.image.relative_to(folder).as_posix() if pair.image else None
    entry = {
        "id": pair.id,
        "label": str(pair.label),
        "scenario": str(pair.scenario),
        "category": pair.category,
        "type": pair.type,
        "variant": pair.variant and str(pair.variant),
        "query": pair.query,
        "prompt": pair.prompt if pair.prompt != pair.query else None,
        "image": image,
        "sha256": pair.image_sha256,
        "contrast": pair.contrast_id,
        "cluster": pair.cluster_id,
    }
    present = {field: value for field, value in entry.items() if value is not None}
    return json.dumps(present, ensure_ascii=True)


def _checked(entry: Mapping[str, object], where: str) -> Mapping[str, object]:
    unknown = sorted(set(entry) - set(FIELDS))
    if unknown:
        raise DataError(
            f"{where}: unknown field {unknown[0]!r}; known: {', '.join(FIELDS)} "
            "('notes' is free and ignored)"
        )
    missing = [field for field in REQUIRED if entry.get(field) is None]
    if missing:
        raise DataError(f"{where}: field {missing[0]!r} is missing")
    for field, value in entry.items():
        if field != "notes" and value is not None:
            _check_text(field, value, where)
    return entry


def _check_text(field: str, value: object, where: str) -> None:
    if not isinstance(value, str):
        raise DataError(f"{where}: field {field!r} must be text, found {value!r}")
    if HALF_CHARACTER.search(value):
        raise DataError(
            f"{where}: field {field!r} holds half a character, {value!a}; write it in UTF-8"
        )
    if field not in FREE_TEXT and not is_plain_line(value):
        raise DataError(
            f"{where}: field {field!r} must be one line without control or invisible characters, "
            f"found {value!r}"
        )


def _pair(entry: Mapping[str, object], folder: Path, where: str) -> Pair:
    def text(field: str) -> str | None:
        return str(entry.get(field) or "") or None

    pair_id, query, image = str(entry["id"]), str(entry["query"]), text("image")
    if not PAIR_ID.fullmatch(pair_id):
        raise DataError(
            f"{where}: id {pair_id!r} cannot be a test id; use ASCII letters, digits, '.', '_', '-'"
        )
    if text("type") == RESERVED_TYPE:
        raise DataError(
            f"{where}: type {RESERVED_TYPE!r} is that of questions of utility; name it otherwise"
        )
    variant = text("variant")
    by_image = Scenario.IMAGE_CENTRIC if image and not variant else Scenario.TEXT_CENTRIC
    pair = Pair(
        id=pair_id,
        label=Label(_one_of(entry["label"], Label, "label", where)),
        scenario=Scenario(_one_of(text("scenario") or by_image, Scenario, "scenario", where)),
        category=text("category") or "uncategorised",
        type=text("type"),
        variant=Variant(_one_of(variant, Variant, "variant", where)) if variant else None,
        query=query if query.strip() else "",
        prompt=text("prompt") or query,
        image=_inside(folder, image, where) if image else None,
        image_sha256=_sha256(text("sha256"), where),
        contrast_id=text("contrast"),
        cluster_id=text("cluster") or "",
        source=where,
    )
    _check_image(pair)
    return pair


def _check_image(pair: Pair) -> None:
    """Make sure that a pair is what it says: a drawn text without its picture measures another."""
    by_image = pair.scenario is Scenario.IMAGE_CENTRIC
    if by_image and pair.variant:
        raise DataError(
            f"{pair.source}: an image-centric pair has no variant; drop {str(pair.variant)!r}"
        )
    if pair.image is None and (by_image or pair.variant not in {None, Variant.TEXT}):
        kind = pair.variant or pair.scenario
        raise DataError(f"{pair.source}: field 'image' is missing; a pair of {kind} needs one")
    if pair.image and pair.variant is Variant.TEXT:
        raise DataError(
            f"{pair.source}: a pair of variant 'text' has no image; drop it or name its variant"
        )


def _one_of(value: object, known: type[Label | Scenario | Variant], field: str, where: str) -> str:
    names = [str(member) for member in known]
    if str(value) not in names:
        raise DataError(f"{where}: {field} {value!r} is none of {', '.join(names)}")
    return str(value)


def _inside(folder: Path, image: str, where: str) -> Path:
    if not stays_below(image):
        raise DataError(
            f"{where}: image {image!r} must be a path below the manifest's folder, with '/'"
        )
    return folder / image


def _sha256(value: str | None, where: str) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9a-f]{64}", value):
        raise DataError(f"{where}: sha256 {value!r} is not 64 lower-case hexadecimal digits")
    return value


def _ties(pair: Pair) -> tuple[str, ...]:
    named = pair.cluster_id and f"cluster {pair.cluster_id}"
    asked = pair.query and f"query {normalised(pair.query)}"
    contrast = pair.contrast_id and f"contrast {pair.contrast_id}"
    return tuple(key for key in (named, asked, contrast) if key)


def _check_contrasts(pairs: Iterable[Pair]) -> None:
    sides: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.contrast_id:
            sides[pair.contrast_id].append(pair)
    for contrast, members in sides.items():
        if len(members) > 1 and sorted(pair.label for pair in members) != [
            Label.SAFE,
            Label.UNSAFE,
        ]:
            named = ", ".join(f"{pair.id} ({pair.label})" for pair in members)
            raise DataError(
                f"{members[-1].source}: contrast {contrast!r} must join one safe and one unsafe "
                f"pair; it joins {named}"
            )
