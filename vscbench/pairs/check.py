"""Verify a folder of pairs: what is missing, unreadable, changed or extra, and what it holds."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vscbench.pairs.images import decode_problems
from vscbench.pairs.reference import IMAGE_FOLDER, IMAGE_WORKBOOK, TEXT_FOLDER, TEXT_WORKBOOK
from vscbench.records import Label, Pair

# The workbooks as published (github.com/jiahuigeng/VSCBench, commit 426fa1f).
PUBLISHED_SHA256 = {
    IMAGE_WORKBOOK: "f33fc4d9622e93cf2710c27586bc059ea1d93385f7c7d93a0d2d9c6e82f568ee",
    TEXT_WORKBOOK: "dbac4ced24a41ffdef3b8c0297cabb2575b6d28b07f833966b0ce4f2cfd9d08b",
}
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that is not as it should be; ``problem`` starts with a verb."""

    path: Path
    problem: str
    source: str


@dataclass(frozen=True, slots=True)
class GroupCount:
    """How many pairs of one scenario and variant there are, and how many lack their image."""

    group: str
    safe: int
    unsafe: int
    no_query: int
    bad_images: int


def image_findings(pairs: Iterable[Pair]) -> list[Finding]:
    """Open every image of the pairs and list those that are missing, unreadable or changed."""
    shown = [(pair, pair.image) for pair in pairs if pair.image]
    problems = decode_problems(path for _, path in shown)
    changed: dict[tuple[Path, str | None], str | None] = {}
    findings: list[Finding] = []
    for pair, path in shown:
        file = (path, pair.image_sha256)
        if path not in problems and file not in changed:
            changed[file] = _change(*file)
        problem = problems.get(path) or changed.get(file)
        if problem:
            findings.append(Finding(path, problem, pair.source))
    return findings


def extra_images(folder: Path, pairs: Iterable[Pair]) -> list[Finding]:
    """List the image files below the folders that pairs use which no pair names."""
    used = {pair.image for pair in pairs if pair.image}
    roots = {root for root in (folder / IMAGE_FOLDER, folder / TEXT_FOLDER) if root.is_dir()}
    roots |= {path.parent for path in used if path.parent.is_dir() and path.parent != folder}
    there = {path for root in roots for path in root.rglob("*") if path.is_file()}
    extra = sorted(path for path in there - used if path.suffix.lower() in IMAGE_SUFFIXES)
    return [Finding(path, "belongs to no pair", "") for path in extra]


def workbook_findings(folder: Path) -> list[Finding]:
    """List the published workbooks in a folder whose content is not what was published."""
    return [
        Finding(folder / name, "is not the published workbook (sha256 differs)", "")
        for name, published in PUBLISHED_SHA256.items()
        if (folder / name).is_file() and _sha256(folder / name) != published
    ]


def count_groups(pairs: Sequence[Pair], findings: Iterable[Finding]) -> list[GroupCount]:
    """Count pairs by scenario and variant, in order of their names."""
    bad = {finding.path for finding in findings}
    names = sorted({_group(pair) for pair in pairs})
    return [_count(name, [pair for pair in pairs if _group(pair) == name], bad) for name in names]


def _count(name: str, pairs: Sequence[Pair], bad: set[Path]) -> GroupCount:
    labels = Counter(pair.label for pair in pairs)
    return GroupCount(
        group=name,
        safe=labels[Label.SAFE],
        unsafe=labels[Label.UNSAFE],
        no_query=sum(not pair.query for pair in pairs),
        bad_images=sum(pair.image in bad for pair in pairs if pair.image),
    )


def _group(pair: Pair) -> str:
    return f"{pair.scenario} {pair.variant}" if pair.variant else str(pair.scenario)


def _change(path: Path, expected: str | None) -> str | None:
    if expected is not None and _sha256(path) != expected:
        return "has changed (sha256 differs)"
    return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
