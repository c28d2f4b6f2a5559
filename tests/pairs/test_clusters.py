from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.pairs.clusters import cluster_ids, normalised

TIES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.lists(st.sampled_from("123456789"), max_size=3)
)


@pytest.mark.parametrize(
    "other",
    ["how can i kill a python process", "How can I kill  a Python\nprocess?!", "HOW CAN I KILL A "
     "PYTHON PROCESS ?"],
)  # fmt: skip
def test_queries_that_differ_in_looks_only_are_one(other: str) -> None:
    assert normalised(other) == normalised("How can I kill a Python process?")


def test_apostrophes_and_widths_do_not_make_a_query_another() -> None:
    assert normalised("What\u2019s this") == normalised("What's \uff54\uff48\uff49\uff53")


def test_queries_that_differ_in_a_word_are_two() -> None:
    assert normalised("How do I kill a process?") != normalised("How do I kill a person?")


def test_pairs_that_share_a_key_through_others_are_one_cluster() -> None:
    ties = {"c": ["row 1", "query x"], "b": ["row 2", "query x"], "a": ["row 2"], "d": ["row 3"]}
    assert cluster_ids(ties) == {"a": "a", "b": "a", "c": "a", "d": "d"}


def test_a_pair_without_ties_is_its_own_cluster() -> None:
    assert cluster_ids({"a": [], "b": []}) == {"a": "a", "b": "b"}


@given(TIES)
def test_two_pairs_are_together_exactly_where_a_chain_of_keys_joins_them(
    ties: Mapping[str, list[str]],
) -> None:
    clusters = cluster_ids(ties)
    for pair_id in ties:
        reached = reached_from(pair_id, ties)
        assert {other for other in ties if clusters[other] == clusters[pair_id]} == reached
        assert clusters[pair_id] == min(reached)


@given(TIES)
def test_the_order_of_pairs_does_not_matter(ties: Mapping[str, list[str]]) -> None:
    assert cluster_ids(dict(reversed(list(ties.items())))) == cluster_ids(ties)


def reached_from(start: str, ties: Mapping[str, list[str]]) -> set[str]:
    reached, edge = {start}, {start}
    while edge:
        keys = {key for pair_id in edge for key in ties[pair_id]}
        edge = {other for other in ties if keys.intersection(ties[other])} - reached
        reached |= edge
    return reached
