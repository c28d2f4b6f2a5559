"""Clusters: which pairs are not independent of one another."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence


def normalised(query: str) -> str:
    """Fold what does not make two queries different: case, width, spacing, closing marks."""
    folded = unicodedata.normalize("NFKC", query).casefold().replace("\u2019", "'")
    return " ".join(folded.split()).rstrip(" .?!")


def cluster_ids(ties: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Name the connected component of each pair.

    Args:
        ties: for each pair id, the keys that tie it to others (its row, its normalised query,
            its contrast). Two pairs with a key in common belong together.

    Returns:
        For each pair id, the first pair id (in ASCII order) of its component.
    """
    parent = {pair_id: pair_id for pair_id in ties}
    for members in _members_by_key(ties):
        first, *others = members
        for other in others:
            _join(parent, first, other)
    return {pair_id: _root(parent, pair_id) for pair_id in ties}


def _members_by_key(ties: Mapping[str, Sequence[str]]) -> Iterable[list[str]]:
    members: dict[str, list[str]] = {}
    for pair_id, keys in ties.items():
        for key in keys:
            members.setdefault(key, []).append(pair_id)
    return members.values()


def _root(parent: dict[str, str], pair_id: str) -> str:
    while parent[pair_id] != pair_id:
        parent[pair_id] = parent[parent[pair_id]]
        pair_id = parent[pair_id]
    return pair_id


def _join(parent: dict[str, str], left: str, right: str) -> None:
    one, other = _root(parent, left), _root(parent, right)
    # The smaller id is always the root, so that a cluster's name does not depend on order.
    parent[max(one, other)] = min(one, other)
