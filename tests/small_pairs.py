"""Pairs and requests for tests, made from an id alone."""

from vscbench.records import Label, Pair, Request, Scenario, Variant


def make_pair(pair_id: str, label: Label = Label.SAFE) -> Pair:
    """A text-only pair."""
    return Pair(
        id=pair_id,
        label=label,
        scenario=Scenario.TEXT_CENTRIC,
        category="homonyms",
        type="homonyms",
        variant=Variant.TEXT,
        query=f"What about {pair_id}?",
        prompt=f"What about {pair_id}?",
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id=pair_id,
        source="tests",
    )


def request_for(pair: Pair) -> Request:
    """The first epoch's request of a pair."""
    return Request(pair.id, 1, pair.prompt, pair.image, None)
