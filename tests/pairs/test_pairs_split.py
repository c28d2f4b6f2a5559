from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.pairs.clusters import normalised
from vscbench.pairs.open import open_pairs
from vscbench.pairs.reference import load_reference
from vscbench.pairs.selection import Selection, select
from vscbench.pairs.split import Split, half, split_of
from vscbench.records import Label, Pair, Scenario, Variant

SEEDS = st.integers(0, 5)
CATEGORIES = ("definitions", "homonyms", "privacy")


def pair(name: str, cluster: str, category: str, label: Label, contrast: str | None) -> Pair:
    return Pair(
        id=name,
        label=label,
        scenario=Scenario.TEXT_CENTRIC,
        category=category,
        type=None,
        variant=Variant.TEXT,
        query=f"What about {name}?",
        prompt=f"What about {name}?",
        image=None,
        image_sha256=None,
        contrast_id=contrast,
        cluster_id=cluster,
        source="",
    )


def cluster(name: str, category: str, contrasts: int, singles: int) -> list[Pair]:
    """A cluster of contrasts, and of safe pairs without one."""
    members = [
        pair(f"{name}-{number}-{label}", name, category, label, f"{name}-{number}")
        for number in range(contrasts)
        for label in Label
    ]
    alone = [
        pair(f"{name}-s{number}", name, category, Label.SAFE, None) for number in range(singles)
    ]
    return members + alone


@st.composite
def pair_sets(draw: st.DrawFn) -> list[Pair]:
    """Clusters of up to 13 pairs in three categories, and some that share a query."""
    kinds = st.tuples(st.sampled_from(CATEGORIES), st.integers(0, 5), st.integers(0, 3))
    clusters = draw(st.lists(kinds.filter(lambda kind: kind[1] + kind[2] > 0), min_size=2))
    pairs = [each for i, kind in enumerate(clusters) for each in cluster(f"c{i}", *kind)]
    said = st.one_of(st.none(), st.sampled_from(["Same here?", "same  HERE", "Or here?"]))
    asked = [draw(said) if draw(st.integers(0, 9)) == 0 else None for _ in pairs]
    return [
        replace(each, query=query or each.query) for each, query in zip(pairs, asked, strict=True)
    ]


def halves(pairs: Sequence[Pair], seed: int) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    return half(pairs, Split.DEVELOPMENT, seed), half(pairs, Split.TEST, seed)


@given(pair_sets(), SEEDS)
def test_the_halves_are_all_pairs_and_share_no_cluster_query_or_contrast(
    pairs: list[Pair], seed: int
) -> None:
    development, test = halves(pairs, seed)
    assert Counter(development) + Counter(test) == Counter(pairs)
    for shared in (
        lambda each: each.cluster_id,
        lambda each: normalised(each.query),
        lambda each: each.contrast_id or each.id,
    ):
        assert not {shared(each) for each in development} & {shared(each) for each in test}


@given(pair_sets(), SEEDS, st.randoms(use_true_random=False))
def test_the_halves_do_not_depend_on_the_order_of_the_pairs(
    pairs: list[Pair], seed: int, random: Random
) -> None:
    assert split_of(random.sample(pairs, len(pairs)), seed) == split_of(pairs, seed)


@given(
    st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(1, 5)), min_size=2, max_size=40),
    SEEDS,
)
def test_the_halves_differ_by_no_more_than_the_largest_cluster(
    clusters: list[tuple[str, int]], seed: int
) -> None:
    pairs = [
        each
        for i, (category, contrasts) in enumerate(clusters)
        for each in cluster(f"c{i}", category, contrasts, 0)
    ]
    development, test = halves(pairs, seed)
    for category in (*CATEGORIES, None):
        sizes = [2 * number for name, number in clusters if category in {name, None}]
        left, right = (
            sum(category in {each.category, None} for each in side) for side in (development, test)
        )
        assert abs(left - right) <= max(sizes, default=0)


def test_each_half_has_its_share_of_both_labels_even_where_nothing_has_a_contrast() -> None:
    pairs = [
        pair(f"{label}-{i}", f"{label}-{i}", "privacy", label, None)
        for label in Label
        for i in range(11)
    ]
    for side in halves(pairs, 0):
        counts = Counter(each.label for each in side)
        assert sorted(counts.values()) in ([5, 5], [5, 6], [6, 6])


def test_one_giant_cluster_leaves_the_other_half_all_the_rest() -> None:
    giant = cluster("giant", "privacy", 10, 0)
    rest = [each for i in range(10) for each in cluster(f"c{i}", "privacy", 1, 0)]
    found = split_of([*giant, *rest], 0)
    others = {found[each.cluster_id] for each in rest}
    assert others == set(Split) - {found["giant"]}


@pytest.mark.parametrize("shared", ["image", "image_sha256"])
def test_clusters_that_share_an_image_stay_together(shared: str) -> None:
    pairs = [each for i in range(8) for each in cluster(f"c{i}", "privacy", 1, 0)]
    value = Path("search.png") if shared == "image" else "0" * 64
    tied = [
        replace(each, **{shared: value}) if each.id in {"c2-0-safe", "c5-0-unsafe"} else each  # type: ignore[arg-type]
        for each in pairs
    ]
    for seed in range(6):
        found = split_of(tied, seed)
        assert found["c2"] is found["c5"]
    assert any(split_of(pairs, seed)["c2"] is not split_of(pairs, seed)["c5"] for seed in range(6))


def test_another_seed_gives_other_halves() -> None:
    pairs = [each for i in range(40) for each in cluster(f"c{i}", CATEGORIES[i % 3], 1, 0)]
    found = {frozenset(half(pairs, Split.TEST, seed)) for seed in range(4)}
    assert len(found) == 4


def test_the_published_pairs_fall_into_halves_alike_in_every_stratum(reference_data: Path) -> None:
    pairs = load_reference(reference_data / "vscbench")
    development, test = halves(pairs, 0)
    assert abs(len(development) - len(test)) <= 10
    largest: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for (scenario, category, _), size in Counter(
        (each.scenario, each.category, each.cluster_id) for each in pairs
    ).items():
        largest[scenario, category] = max(largest[scenario, category], size)
    for name, size in largest.items():
        left, right = (
            sum((each.scenario, each.category) == name for each in side)
            for side in (development, test)
        )
        # Text-centric types without a contrast are dealt by themselves.
        assert abs(left - right) <= 2 * size
    for variant in Variant:
        for label in Label:
            left, right = (
                sum(each.variant is variant and each.label is label for each in side)
                for side in (development, test)
            )
            assert abs(left - right) <= 4


def test_a_split_of_a_selection_is_one_of_the_whole_set_whatever_is_filtered_or_drawn() -> None:
    pairs = open_pairs("embedded", Path()).pairs
    found = split_of(pairs)
    for wanted in (
        Selection(split=Split.TEST),
        Selection(variants=[Variant.TEXT], split=Split.TEST),
        Selection(labels=[Label.UNSAFE], split=Split.TEST),
        Selection(split=Split.TEST, sample=20),
    ):
        selected = select(pairs, wanted)
        assert {found[each.cluster_id] for each in selected} == {Split.TEST}
        asked_without = replace(wanted, split=None, sample=None)
        if wanted.sample is None:
            assert set(selected) == set(select(pairs, asked_without)) & set(half(pairs, Split.TEST))
        else:
            assert len(selected) == wanted.sample


def test_a_sample_larger_than_a_half_is_an_error() -> None:
    pairs = open_pairs("embedded", Path()).pairs
    with pytest.raises(UsageError, match="--vsc-sample 164: only 82 pairs can be asked here"):
        select(pairs, Selection(split=Split.TEST, sample=164))
