"""The cases of a run as the page lays them out: each contrast side by side, then single pairs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.calibration.scoring import Policy, is_correct
from vscbench.records import Kind, Label, Outcome, Pair
from vscbench.report.html.text import Passage, common_limit, page_bytes, passage
from vscbench.report.html.thumbnails import Missing, Picture, Thumbnail
from vscbench.report.html.words import GAP, seconds

_RIGHT: Final = {True: "right", False: "wrong", None: "not scored"}
_EVIDENCE_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pair came to in one epoch.

    ``anchor`` is where the page has it, ``right`` is right, wrong or not scored, ``facts`` are
    names and words.
    """

    anchor: str
    epoch: int | None
    kind: str
    is_error: bool
    right: str
    response: Passage | None
    reasoning: Passage | None
    remark: Passage | None
    evidence: tuple[Passage, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture's place; one that ``is_shared`` has the id ``name`` where it ``is_first``."""

    thumbnail: Thumbnail
    name: str
    is_shared: bool
    is_first: bool


@dataclass(frozen=True, slots=True)
class Side:
    """A pair with its readings; ``query`` is ``None`` where its group shows the common one."""

    pair_id: str
    label: str
    is_veiled: bool
    query: Passage | None
    sent: Passage | None
    picture: Drawn | None
    no_picture: str | None
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A contrast, or a pair that has none."""

    name: str
    category: str
    variant: str | None
    type: str | None
    query: Passage | None
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """Every case of a run, and where on the page each pair is."""

    contrasts: tuple[Group, ...]
    singles: tuple[Group, ...]
    anchors: Mapping[str, str]
    number: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """What all cases share while they are laid out; ``users`` are the pairs of each image."""

    policy: Policy
    limit: int
    pictures: Mapping[Path, Picture]
    names: Mapping[Path, str]
    users: Mapping[Path, Sequence[str]]
    has_epochs: bool


def lay_out(
    outcomes: Sequence[Outcome],
    policy: Policy,
    pictures: Mapping[Path, Picture],
    text_budget: int,
) -> Cases:
    """Arrange the cases of a run; the order of ``outcomes`` does not matter.

    Args:
        outcomes: the cases.
        policy: what counts as right.
        pictures: a small copy of each image, or why there is none.
        text_budget: for all texts together, in bytes of the page.
    """
    ordered = sorted(outcomes, key=lambda each: (each.pair.id, each.epoch))
    grouped = [*_grouped(ordered)]
    layout = _Layout(
        policy=policy,
        limit=common_limit(_text_sizes(ordered), text_budget),
        pictures=pictures,
        names={path: f"image-{number}" for number, path in enumerate(pictures)},
        users=_users(grouped),
        has_epochs=any(outcome.epoch > 1 for outcome in ordered),
    )
    groups = [_group(name, members, layout) for name, members in grouped]
    return Cases(
        contrasts=tuple(group for group in groups if len(group.sides) > 1),
        singles=tuple(group for group in groups if len(group.sides) == 1),
        anchors={side.pair_id: side.readings[0].anchor for group in groups for side in group.sides},
        number=len(ordered),
    )


def texts_of(outcome: Outcome) -> Iterator[str]:
    """Yield every text of a case that the page may have to cut."""
    yield outcome.pair.query
    if outcome.pair.prompt != outcome.pair.query:
        yield outcome.pair.prompt
    if outcome.response is not None:
        yield outcome.response.text
        yield outcome.response.reasoning or ""
    yield _remark(outcome) or ""
    if outcome.verdict is not None:
        yield from outcome.verdict.evidence[:_EVIDENCE_SHOWN]


Pairs = dict[str, list[Outcome]]


def _grouped(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Pairs]]:
    """Bring together the sides of a contrast, and the epochs of a pair; safe sides first."""
    groups: defaultdict[tuple[bool, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        contrast = outcome.pair.contrast_id
        groups[contrast is None, contrast or outcome.pair.id].append(outcome)
    for (_, name), members in sorted(groups.items()):
        sides: Pairs = {}
        for outcome in sorted(members, key=lambda each: each.pair.label is Label.UNSAFE):
            sides.setdefault(outcome.pair.id, []).append(outcome)
        yield name, sides


def _text_sizes(outcomes: Sequence[Outcome]) -> Iterator[int]:
    return (page_bytes(text) for outcome in outcomes for text in texts_of(outcome))


def _users(grouped: Sequence[tuple[str, Pairs]]) -> dict[Path, list[str]]:
    """Name for each image the pairs that show it, in the order of the page."""
    singles_last = sorted(grouped, key=lambda group: len(group[1]) == 1)
    users: defaultdict[Path, list[str]] = defaultdict(list)
    for _, sides in singles_last:
        for pair_id, readings in sides.items():
            image = readings[0].pair.image
            if image is not None:
                users[image].append(pair_id)
    return users


def _group(name: str, members: Pairs, layout: _Layout) -> Group:
    pairs = [readings[0].pair for readings in members.values()]
    is_shared = len(pairs) > 1 and len({pair.query for pair in pairs}) == 1
    one = pairs[0]
    types = {pair.type for pair in pairs if pair.type and pair.type != pair.category}
    return Group(
        name=name,
        category=one.category,
        variant=one.variant.value if one.variant else None,
        type=", ".join(sorted(types)) or None,
        query=passage(one.query, layout.limit) if is_shared and one.query else None,
        sides=tuple(_side(each, layout, is_shared) for each in members.values()),
    )


def _side(outcomes: Sequence[Outcome], layout: _Layout, is_shared: bool) -> Side:
    pair = outcomes[0].pair
    picture = layout.pictures.get(pair.image) if pair.image else None
    own_query = None if is_shared or not pair.query else passage(pair.query, layout.limit)
    return Side(
        pair_id=pair.id,
        label=pair.label.value,
        is_veiled=pair.label is Label.UNSAFE,
        query=own_query,
        sent=passage(pair.prompt, layout.limit) if pair.prompt != pair.query else None,
        picture=_drawn(pair, picture, layout) if isinstance(picture, Thumbnail) else None,
        no_picture=picture.reason if isinstance(picture, Missing) else None,
        readings=tuple(_reading(each, layout) for each in outcomes),
    )


def _drawn(pair: Pair, thumbnail: Thumbnail, layout: _Layout) -> Drawn:
    path = pair.image or Path()
    users = layout.users[path]
    return Drawn(thumbnail, layout.names[path], len(users) > 1, users[0] == pair.id)


def _reading(outcome: Outcome, layout: _Layout) -> Reading:
    response, verdict = outcome.response, outcome.verdict
    reasoning = response.reasoning if response else None
    remark = _remark(outcome)
    evidence = verdict.evidence[:_EVIDENCE_SHOWN] if verdict else ()
    return Reading(
        anchor=f"case-{outcome.pair.id}-{outcome.epoch}",
        epoch=outcome.epoch if layout.has_epochs else None,
        kind=outcome.kind.value,
        is_error=outcome.kind.is_error,
        right=_RIGHT[is_correct(outcome, layout.policy)],
        response=passage(response.text, layout.limit) if response else None,
        reasoning=passage(reasoning, layout.limit) if reasoning else None,
        remark=passage(remark, layout.limit) if remark else None,
        evidence=tuple(passage(each, layout.limit) for each in evidence),
        facts=tuple(_facts(outcome)),
    )


def _remark(outcome: Outcome) -> str | None:
    """Return why there is an error, or the provider's own words for a block."""
    if outcome.error is None and outcome.response is not None:
        return outcome.response.reason
    return outcome.error


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    response, verdict = outcome.response, outcome.verdict
    if verdict is not None:
        sure = "" if verdict.probability is None else f" ({verdict.probability:.2f})"
        yield "judge", verdict.judge + sure
    if outcome.truncated and outcome.kind is not Kind.TRUNCATED:
        yield "response", "cut by length"
    if outcome.latency_s is not None:
        yield "took", seconds(outcome.latency_s)
    if response is not None and response.completion_tokens is not None:
        yield "tokens", f"{response.completion_tokens:,}{GAP}out"
    if response is not None and response.image_change is not None:
        yield "image", response.image_change
