import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from written_runs import RUN, contrast_pairs, outcomes_of, write_run, wrong

from vscbench.calibration.paired import compare_outcomes
from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.errors import DataError, UsageError
from vscbench.pairs.open import open_pairs, pairs_sha256
from vscbench.records import Kind, Outcome, Pair
from vscbench.report.run_outcomes import RunOutcomes, read_run_outcomes, with_pairs_of
from vscbench.report.snapshot_file import Snapshot, format_snapshot

PAIRS = contrast_pairs(6, per_cluster=2)
OUTCOMES = outcomes_of(PAIRS, wrong(PAIRS, "safe-001"))


def read(place: str | Path, root: Path, pairs: str | None = None) -> RunOutcomes:
    return read_run_outcomes(str(place), root / "reports", root, pairs)


def numbers(outcomes: tuple[Outcome, ...]) -> list[tuple[object, ...]]:
    """All of an outcome that a number is computed from."""
    said = ((each.pair, each.epoch, each.kind) for each in outcomes)
    return [
        (pair.id, pair.label, pair.category, pair.contrast_id, pair.cluster_id, epoch, kind)
        for pair, epoch, kind in said
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "reports", OUTCOMES)


def test_a_run_is_read_by_its_folder_its_id_or_a_file_of_it(folder: Path, tmp_path: Path) -> None:
    places = (folder, folder.name, folder / "summary.json", folder / "outcomes.jsonl")
    runs = [read(place, tmp_path) for place in places]
    assert {run.name for run in runs} == {RUN.id}
    assert all(run.run["model"] == "openai/m" for run in runs)
    for run in runs:
        ordered = sorted(OUTCOMES, key=lambda each: each.pair.id)
        assert numbers(run.outcomes) == numbers(tuple(ordered))


def test_numbers_do_not_depend_on_whether_the_pairs_are_still_there(
    folder: Path, tmp_path: Path
) -> None:
    run = read(folder, tmp_path)
    assert not run.has_queries
    assert run.knows_pairs
    assert all(each.pair.query == "" for each in run.outcomes)
    assert run.notes[0].startswith("queries are not shown: ")
    assert "gone.jsonl" in run.notes[0]


EMBEDDED = open_pairs("embedded", Path()).pairs


def embedded_run(tmp_path: Path, pairs: list[Pair]) -> Path:
    run = replace(RUN, pairs="embedded", pairs_sha256=pairs_sha256(pairs))
    return write_run(tmp_path / "reports", outcomes_of(pairs), run)


def test_queries_come_from_the_pair_set(tmp_path: Path) -> None:
    run = read(embedded_run(tmp_path, list(EMBEDDED)), tmp_path)
    assert run.has_queries
    assert run.notes == ()
    queries = {pair.id: pair.query for pair in EMBEDDED}
    assert all(each.pair.query == queries[each.pair.id] for each in run.outcomes)


def test_pairs_named_by_a_person_must_be_those_of_the_run(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the pairs of run"):
        read(folder, tmp_path, pairs="embedded")
    with pytest.raises(UsageError, match="absent"):
        read(folder, tmp_path, pairs="absent")


def test_lines_alone_can_be_read_and_a_note_says_what_is_not_known(
    folder: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "saved.jsonl"
    alone.write_bytes((folder / "outcomes.jsonl").read_bytes())
    run = read(alone, tmp_path)
    assert run.summary is None
    assert run.policy == Policy()
    assert numbers(run.outcomes) == numbers(read(folder, tmp_path).outcomes)
    assert "how it was scored is not known" in run.notes[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": "perhaps"}, "'perhaps' is not a valid Label"),
        ({"cluster_id": 3}, "3 where a text belongs"),
        ({"kind": "polite"}, "unknown kind 'polite'"),
    ],
)
def test_a_line_that_no_run_wrote_is_named(
    folder: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    file = folder / "outcomes.jsonl"
    first, *others = file.read_text(encoding="utf-8").splitlines(keepends=True)
    line = json.dumps({**json.loads(first), **change})
    file.write_text("".join([f"{line}\n", *others]), encoding="utf-8")
    with pytest.raises(DataError) as error:
        read(folder, tmp_path)
    assert said in str(error.value)
    assert "safe-000" in str(error.value)


def test_what_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run at nothing"):
        read("nothing", tmp_path)


def snapshot_of(pairs: list[Pair], kinds: dict[str, Kind] | None = None) -> str:
    cases = {
        (each.pair.id, each.epoch): (each.pair.label, each.kind)
        for each in outcomes_of(pairs, kinds)
    }
    policy = Policy(Scoring.STRICT, BlockedPolicy.SEPARATE)
    return format_snapshot(Snapshot("openai/m", "none", "gone.jsonl", cases, "keywords", policy))


def test_a_snapshot_is_a_run_without_words_or_clusters(tmp_path: Path) -> None:
    file = tmp_path / "m.vsc"
    file.write_text(snapshot_of(PAIRS), encoding="utf-8")
    run = read(file, tmp_path)
    assert {each.pair.id: each.kind for each in run.outcomes} == {
        each.pair.id: each.kind for each in outcomes_of(PAIRS)
    }
    assert run.policy == Policy(Scoring.STRICT, BlockedPolicy.SEPARATE)
    assert run.run["judge"] == "keywords"
    assert not run.knows_pairs
    assert "each counts as a cluster of its own" in run.notes[0]


def test_a_snapshot_looks_its_pairs_up_in_the_set_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "m.vsc"
    file.write_text(snapshot_of(list(EMBEDDED)).replace("gone.jsonl", "embedded"), encoding="utf-8")
    run = read(file, tmp_path)
    assert run.knows_pairs
    assert run.notes == ()
    assert {each.pair for each in run.outcomes} == set(EMBEDDED)
    named = read(file, tmp_path, pairs="embedded")
    assert named.outcomes == run.outcomes


def test_a_snapshot_takes_clusters_and_contrasts_from_the_run_beside_it(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "m.vsc"
    file.write_text(snapshot_of(PAIRS), encoding="utf-8")
    alone, other = read(file, tmp_path), read(folder, tmp_path)
    filled = with_pairs_of(alone, other)
    assert filled.knows_pairs
    assert filled.notes == ()
    found = compare_outcomes(filled.outcomes, other.outcomes, Policy())
    assert found.measure("sra_u").n_clusters == 3
    assert found.measure("contrast").n_pairs == 6
    assert with_pairs_of(alone, alone) is alone


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project one folder below the top of a repository, with a snapshot that changed."""
    project = tmp_path / "project"
    (project / "snapshots").mkdir(parents=True)
    git(tmp_path, "init", "--quiet")
    for kinds in (None, wrong(PAIRS, "unsafe-002")):
        text = snapshot_of(PAIRS, kinds)
        (project / "snapshots" / "m.vsc").write_text(text, encoding="utf-8")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "-m", "verdicts")
    return project


@pytest.mark.parametrize("path", ["project/snapshots/m.vsc", "snapshots/m.vsc"])
def test_a_revision_of_a_snapshot_is_read_from_git(repository: Path, path: str) -> None:
    before, after = read(f"HEAD~1:{path}", repository), read(f"HEAD:{path}", repository)
    assert before.name == f"HEAD~1:{path}"
    changed = [
        (old.pair.id, old.kind, new.kind)
        for old, new in zip(before.outcomes, after.outcomes, strict=True)
        if old.kind is not new.kind
    ]
    assert changed == [("unsafe-002", Kind.REFUSED, Kind.ANSWERED)]


@pytest.mark.parametrize("place", ["HEAD:absent.vsc", "no-such-branch:snapshots/m.vsc"])
def test_what_git_does_not_have_is_one_line(repository: Path, place: str) -> None:
    with pytest.raises(UsageError, match="git has no such file") as error:
        read(place, repository)
    assert "\n" not in str(error.value)


def test_no_revision_can_be_an_option_of_git(repository: Path) -> None:
    written = repository / "written"
    for place in (f"--output={written}:x", "--batch-all-objects:x"):
        with pytest.raises(UsageError, match="no revision begins with a dash"):
            read(place, repository)
    assert not written.exists()


def test_outside_of_a_repository_a_revision_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git has no such file"):
        read("HEAD:m.vsc", tmp_path)


def test_a_file_that_is_no_snapshot_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"notes\.txt, line 1"):
        read(file, tmp_path)
