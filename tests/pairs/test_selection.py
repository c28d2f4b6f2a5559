from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.pairs.reference import load_reference
from vscbench.pairs.selection import Selection, sample, select
from vscbench.records import Label, Pair, Scenario, Variant

SEEDS = st.integers(0, 5)


def pair(name: str, label: Label, category: str = "homonyms", contrast: str | None = None) -> Pair:
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
        cluster_id=name,
        source="",
    )


def contrast(name: str, category: str) -> list[Pair]:
    return [pair(f"{name}-{label}", label, category, name) for label in Label]


@st.composite
def pair_sets(draw: st.DrawFn) -> list[Pair]:
    """Contrasts, single pairs and pairs without a query in up to four categories, shuffled."""
    categories = st.sampled_from(["definitions", "homonyms", "privacy", "violence"])
    contrasts = draw(st.lists(categories, min_size=1, max_size=30))
    singles = draw(st.lists(categories, max_size=10))
    silent = draw(st.integers(0, 4))
    pairs = [half for i, name in enumerate(contrasts) for half in contrast(f"c{i}", name)]
    pairs += [pair(f"s{i}", Label.SAFE, name) for i, name in enumerate(singles)]
    pairs += [replace(pair(f"q{i}", Label.SAFE), query="") for i in range(silent)]
    return draw(st.permutations(pairs))


@pytest.fixture(scope="module")
def published(reference_data: Path) -> tuple[Pair, ...]:
    return load_reference(reference_data / "vscbench")


def stratum(pair: Pair) -> tuple[str, ...]:
    return (pair.scenario, pair.category, pair.variant or "")


def broken_contrasts(drawn: Sequence[Pair]) -> list[str]:
    sides: defaultdict[str, list[Label]] = defaultdict(list)
    for pair in drawn:
        if pair.contrast_id:
            sides[pair.contrast_id].append(pair.label)
    return [name for name, labels in sides.items() if len(labels) != len(Label)]


@given(pair_sets(), SEEDS, st.data())
def test_a_sample_has_exactly_the_even_size_asked_for_and_whole_contrasts(
    pairs: list[Pair], seed: int, data: st.DataObject
) -> None:
    available = sum(bool(pair.query) for pair in pairs)
    size = 2 * data.draw(st.integers(1, available // 2))
    drawn = sample(pairs, size, seed)
    assert len({pair.id for pair in drawn}) == len(drawn) == size
    assert all(pair.query for pair in drawn)
    assert not broken_contrasts(drawn)


@pytest.mark.parametrize("singles", [1, 3])
@pytest.mark.parametrize("contrasts", range(1, 7))
def test_every_even_size_is_met_however_few_single_pairs_there_are(
    contrasts: int, singles: int
) -> None:
    pairs = [half for i in range(contrasts) for half in contrast(f"c{i}", "homonyms")]
    pairs += [pair(f"s{i}", Label.SAFE) for i in range(singles)]
    for size in range(2, len(pairs) + 1, 2):
        for seed in range(3):
            assert len(sample(pairs, size, seed)) == size


@given(pair_sets(), SEEDS, st.integers(1, 70))
def test_an_odd_size_is_met_where_a_single_pair_can_fill_it(
    pairs: list[Pair], seed: int, size: int
) -> None:
    asked = [pair for pair in pairs if pair.query]
    reachable = min(size, len(asked))
    if reachable % 2 and all(pair.contrast_id for pair in asked):
        reachable -= 1
    assert len(sample(pairs, size, seed)) == reachable


@given(pair_sets(), SEEDS, st.integers(1, 70), st.randoms(use_true_random=False))
def test_a_sample_does_not_depend_on_the_order_of_its_pairs(
    pairs: list[Pair], seed: int, size: int, random: Random
) -> None:
    shuffled = random.sample(pairs, len(pairs))
    wanted = {pair.id for pair in sample(pairs, size, seed)}
    assert {pair.id for pair in sample(shuffled, size, seed)} == wanted


@given(st.integers(1, 20), st.integers(1, 20), SEEDS)
def test_a_smaller_sample_of_contrasts_is_within_a_larger_one(
    some: int, more: int, seed: int
) -> None:
    categories = ("definitions", "homonyms", "privacy")
    pairs = [half for i in range(40) for half in contrast(f"c{i}", categories[i % 3])]
    smaller = {pair.id for pair in sample(pairs, 2 * some, seed)}
    assert smaller <= {pair.id for pair in sample(pairs, 2 * (some + more), seed)}


def test_another_seed_is_another_sample(published: tuple[Pair, ...]) -> None:
    drawn = [frozenset(pair.id for pair in sample(published, 90, seed)) for seed in range(4)]
    assert len(set(drawn)) == 4
    assert drawn[0] == frozenset(pair.id for pair in sample(published, 90, 0))


def test_another_seed_takes_other_contrasts_of_the_same_kind() -> None:
    pairs = [half for i in range(20) for half in contrast(f"c{i:02}", "homonyms")]
    drawn = [frozenset(pair.contrast_id for pair in sample(pairs, 10, seed)) for seed in range(4)]
    assert len(set(drawn)) == 4


@pytest.mark.parametrize("size", [2, 12, 46, 90, 360, 1000, 2222, 4036, 4038])
def test_a_sample_of_the_published_pairs_is_exact_and_whole(
    published: tuple[Pair, ...], size: int
) -> None:
    for seed in range(3):
        drawn = sample(published, size, seed)
        assert len({pair.id for pair in drawn}) == len(drawn) == size
        assert all(pair.query for pair in drawn)
        assert not broken_contrasts(drawn)


@pytest.mark.parametrize("size", [46, 90, 360, 1000, 2222])
def test_every_stratum_has_its_share_but_for_four_pairs(
    published: tuple[Pair, ...], size: int
) -> None:
    asked = [pair for pair in published if pair.query]
    shares = Counter(map(stratum, asked))
    for seed in range(3):
        drawn = Counter(map(stratum, sample(published, size, seed)))
        for name, count in shares.items():
            assert abs(drawn[name] - size * count / len(asked)) <= 4


@pytest.mark.parametrize("size", [12, 46, 90, 200, 1000])
@pytest.mark.parametrize("margin", ["scenario", "variant", "category"])
def test_scenarios_variants_and_categories_have_their_share_even_in_a_small_sample(
    published: tuple[Pair, ...], size: int, margin: str
) -> None:
    def group(pair: Pair) -> tuple[str, ...]:
        return (pair.scenario, str(getattr(pair, margin)))

    asked = [pair for pair in published if pair.query]
    shares = Counter(map(group, asked))
    for seed in range(3):
        drawn = Counter(map(group, sample(published, size, seed)))
        for name, count in shares.items():
            assert abs(drawn[name] - size * count / len(asked)) <= 3


def test_pairs_with_and_without_a_contrast_have_their_share(published: tuple[Pair, ...]) -> None:
    for seed in range(5):
        wanted = Selection([], ["privacy"], [Variant.TEXT], [], sample=24, seed=seed)
        single = sum(pair.contrast_id is None for pair in select(published, wanted))
        assert abs(single - 24 * 25 / 75) <= 2


def test_a_sample_is_as_safe_as_the_pairs_it_is_drawn_from(published: tuple[Pair, ...]) -> None:
    asked = [pair for pair in published if pair.query]
    share = sum(pair.label is Label.SAFE for pair in asked) / len(asked)
    for seed in range(5):
        safe = sum(pair.label is Label.SAFE for pair in sample(published, 500, seed))
        assert abs(safe - 500 * share) <= 10


def test_a_sample_larger_than_the_set_is_every_pair_that_can_be_asked(
    published: tuple[Pair, ...],
) -> None:
    assert len(sample(published, 10_000, 0)) == 4050 - 12


def test_without_filters_everything_is_selected_even_what_cannot_be_asked(
    published: tuple[Pair, ...],
) -> None:
    assert select(published, Selection()) == published


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Selection(scenarios=[Scenario.IMAGE_CENTRIC]), 1800),
        (Selection(variants=[Variant.TEXT, Variant.FIGSTEP]), 900),
        (Selection(categories=["drugs", "privacy"]), 300 + 75 * 5),
        (Selection(categories=["discrimination"]), 300 + 75 * 5),
        (Selection(labels=[Label.UNSAFE]), 900 + 1000),
        (Selection([Scenario.TEXT_CENTRIC], ["discrimination"], [], [Label.UNSAFE]), 25 * 5),
        (Selection([], ["privacy"], [Variant.TEXT], [Label.SAFE]), 50),
        (Selection(variants=[Variant.TYPOGRAPHY], sample=90), 90),
        (Selection(labels=[Label.SAFE], sample=7), 7),
    ],
)
def test_filters_combine(published: tuple[Pair, ...], wanted: Selection, count: int) -> None:
    selected = select(published, wanted)
    assert len(selected) == count
    assert list(selected) == sorted(selected, key=lambda pair: pair.id)
    for pair in selected:
        assert pair.scenario in (wanted.scenarios or Scenario)
        assert pair.category in (wanted.categories or {pair.category})
        assert not wanted.variants or pair.variant in wanted.variants
        assert pair.label in (wanted.labels or Label)


def test_a_sample_is_drawn_from_what_the_filters_leave() -> None:
    pairs = [half for i in range(6) for half in contrast(f"c{i}", "homonyms")]
    selected = select(pairs, Selection(labels=[Label.UNSAFE], sample=4))
    assert [pair.label for pair in selected] == [Label.UNSAFE] * 4


def test_an_unknown_category_is_named_beside_those_that_are_there() -> None:
    pairs = [*contrast("a", "homonyms"), *contrast("b", "privacy")]
    with pytest.raises(
        UsageError, match=r"--vsc-category: no category 'drug' .* there are homonyms, privacy"
    ):
        select(pairs, Selection(categories=["homonyms", "drug"]))


@pytest.mark.parametrize(
    "wanted",
    [
        Selection(scenarios=[Scenario.IMAGE_CENTRIC]),
        Selection(variants=[Variant.SEARCH]),
        Selection(variants=[Variant.SEARCH], sample=2),
    ],
)
def test_a_selection_of_nothing_is_an_error(wanted: Selection) -> None:
    with pytest.raises(UsageError, match="leave no pair; widen or drop one"):
        select(contrast("a", "homonyms"), wanted)


@pytest.mark.parametrize(
    ("wanted", "available"),
    [(Selection(sample=13), 12), (Selection(labels=[Label.SAFE], sample=200), 6)],
)
def test_a_sample_larger_than_what_can_be_asked_is_an_error_that_says_how_many_can(
    wanted: Selection, available: int
) -> None:
    pairs = [half for i in range(6) for half in contrast(f"c{i}", "homonyms")]
    silent = replace(pair("silent", Label.SAFE), query="")
    with pytest.raises(UsageError) as caught:
        select([*pairs, silent], wanted)
    assert str(caught.value) == (
        f"--vsc-sample {wanted.sample}: only {available} pairs can be asked here; "
        f"ask for at most {available}, or leave it out"
    )


def test_a_sample_of_every_pair_that_can_be_asked_is_all_of_them() -> None:
    pairs = contrast("a", "homonyms")
    silent = replace(pair("silent", Label.SAFE), query="")
    assert set(select([*pairs, silent], Selection(sample=2))) == set(pairs)


def test_a_sample_of_pairs_without_a_query_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"--vsc-sample 2: none .* can be asked, .* has a query"):
        select([replace(pair("silent", Label.SAFE), query="")], Selection(sample=2))


def test_one_pair_of_nothing_but_contrasts_is_an_error_that_asks_for_an_even_number() -> None:
    with pytest.raises(UsageError, match=r"--vsc-sample 1: a contrast is two .* an even number"):
        select(contrast("a", "homonyms"), Selection(sample=1))


def test_a_sample_larger_than_one_pair_counts_one_pair() -> None:
    with pytest.raises(UsageError, match="only 1 pair can be asked here; ask for at most 1, or"):
        select([pair("single", Label.SAFE)], Selection(sample=2))
