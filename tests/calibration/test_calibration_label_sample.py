from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair

from vscbench.calibration.label_sample import allocate, draw_sample
from vscbench.calibration.labelled_case import stratum_of
from vscbench.errors import UsageError
from vscbench.records import Finish, Kind, Label, Outcome, Response, Verdict

SIZES = st.dictionaries(
    st.tuples(st.sampled_from(["safe", "unsafe"]), st.sampled_from(["refused", "answered"])),
    st.integers(1, 400),
    min_size=1,
)


def outcomes_of(counts: dict[tuple[Label, Kind], int]) -> list[Outcome]:
    return [
        Outcome(
            make_pair(f"{label}-{kind}-{number:03d}", label),
            1,
            kind,
            Response("Yes."),
            Verdict(kind, "keywords"),
        )
        for (label, kind), count in counts.items()
        for number in range(count)
    ]


RUN = outcomes_of(
    {
        (Label.SAFE, Kind.ANSWERED): 300,
        (Label.SAFE, Kind.REFUSED): 40,
        (Label.UNSAFE, Kind.REFUSED): 200,
        (Label.UNSAFE, Kind.FLAGGED): 60,
        (Label.UNSAFE, Kind.ANSWERED): 12,
        (Label.UNSAFE, Kind.IRRELEVANT): 3,
    }
)


def test_every_verdict_on_every_label_is_in_a_sample() -> None:
    drawn = draw_sample(RUN, 60, seed=0)
    counts = Counter((each.pair.label, each.kind) for each in drawn)
    assert len(drawn) == 60
    assert counts[Label.UNSAFE, Kind.IRRELEVANT] == 3
    assert min(count for key, count in counts.items() if key[1] is not Kind.IRRELEVANT) >= 5
    # Larger strata give more, but less than their share.
    assert counts[Label.SAFE, Kind.ANSWERED] > counts[Label.SAFE, Kind.REFUSED]
    assert counts[Label.SAFE, Kind.ANSWERED] < 60 * 300 / 615


def test_a_sample_depends_on_ids_and_seed_alone() -> None:
    shuffled = list(RUN)
    Random(1).shuffle(shuffled)  # noqa: S311 - any order will do
    ids = [each.pair.id for each in draw_sample(RUN, 60, seed=4)]
    assert [each.pair.id for each in draw_sample(shuffled, 60, seed=4)] == ids
    assert {each.pair.id for each in draw_sample(RUN, 60, seed=5)} != set(ids)


def test_a_larger_sample_holds_a_smaller_one() -> None:
    smaller: set[str] = set()
    for size in range(12, 130, 7):
        ids = {each.pair.id for each in draw_sample(RUN, size, seed=2)}
        assert smaller < ids
        smaller = ids


def test_the_order_tells_nothing_of_the_verdict() -> None:
    kinds = [each.kind for each in draw_sample(RUN, 60, seed=0)]
    changes = sum(one is not other for one, other in pairwise(kinds))
    assert changes > 20


def test_within_a_stratum_every_case_comes_as_often() -> None:
    seen: Counter[str] = Counter()
    seeds = 400
    for seed in range(seeds):
        seen.update(each.pair.id for each in draw_sample(RUN[300:340], 10, seed))
    assert len(seen) == 40
    assert all(0.15 < count / seeds < 0.35 for count in seen.values())


def test_what_no_judge_read_is_not_drawn() -> None:
    others = [
        Outcome(make_pair("b"), 1, Kind.BLOCKED, Response("", Finish.BLOCKED)),
        Outcome(make_pair("e"), 1, Kind.EMPTY, Response("")),
        Outcome(make_pair("t"), 1, Kind.TARGET_ERROR, error="down"),
        Outcome(make_pair("j"), 1, Kind.JUDGE_ERROR, Response("Yes."), error="down"),
        Outcome(make_pair("w"), 1, Kind.BLOCKED, Response("x"), Verdict(Kind.BLOCKED, "c")),
    ]
    assert [stratum_of(each) for each in others] == [None] * 5
    assert len(draw_sample([*RUN, *others], 10_000, seed=0)) == len(RUN)
    with pytest.raises(UsageError, match="nothing to label"):
        draw_sample(others, 10, seed=0)


def test_a_sample_that_cannot_cover_the_strata_says_what_can() -> None:
    with pytest.raises(UsageError, match=r"--sample 11: too few for 6 strata.*at least 12"):
        draw_sample(RUN, 11, seed=0)
    assert len(draw_sample(RUN, 12, seed=0)) == 12


@given(SIZES, st.integers(0, 800))
def test_an_allocation_adds_up_and_never_shrinks(
    sizes: dict[tuple[str, str], int], size: int
) -> None:
    given_now, given_next = allocate(sizes, size), allocate(sizes, size + 1)
    assert sum(given_now.values()) == min(size, sum(sizes.values()))
    assert all(given_now[each] <= sizes[each] for each in sizes)
    assert all(given_next[each] >= given_now[each] for each in sizes)
