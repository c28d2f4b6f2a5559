"""Whether every image of a run decodes to its last pixel, found out before the first request.

A header says nothing of a file that was cut off in a download; what came of it would be scored.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vscbench.engine.archive import Archive, Found
from vscbench.engine.decide import kind_without_judge
from vscbench.engine.jobs import Job
from vscbench.engine.store import Store
from vscbench.errors import DataError
from vscbench.judges.protocol import Judge
from vscbench.models.images import ImageFacts
from vscbench.pairs.images import decode_problems, decoding_pool, refusal, whole_files_only
from vscbench.records import Pair, Request, Turn

Case = tuple[Pair, Request]


def with_unseen_images(cases: Sequence[Case], store: Store) -> list[Case]:
    """Return the cases that show an image which was never decoded to its end.

    Args:
        cases: pairs, and what each asks.
        store: remembers what was found in a file's bytes.
    """
    paths = list(dict.fromkeys(path for case in cases for path in _images_of(case)))

    def facts_of(path: Path) -> ImageFacts | None:
        try:
            return store.image_facts(path)
        except DataError:
            return None  # it is gone by now, and is named when it is decoded

    with whole_files_only(), decoding_pool() as pool:
        facts = dict(zip(paths, pool.map(facts_of, paths), strict=True))
    whole = {path for path, known in facts.items() if known is not None and known.is_whole}
    return [case for case in cases if not whole.issuperset(_images_of(case))]


async def not_stored(cases: Sequence[Case], archive: Archive, judge: Judge) -> list[Case]:
    """Return the cases whose image will be sent, to the model or to a judge that sees images."""
    jobs = [Job(number, request, [pair]) for number, (pair, request) in enumerate(cases)]
    found = archive.find(jobs)
    asked = []
    for job, case in zip(jobs, cases, strict=True):
        kept = found.get(job.number)
        if isinstance(kept, Found) and (
            not judge.sees_image or await _is_judged(archive, case[0], kept)
        ):
            continue
        asked.append(case)
    return asked


def require_whole_images(cases: Iterable[Case], store: Store) -> None:
    """Decode the images of some cases, and remember those that are whole.

    Raises:
        DataError: says which are not, of which pairs, and the ways out; nothing was sent.
    """
    shown: dict[Path, Pair] = {}
    pairs: dict[Path, list[Pair]] = {}
    for pair, request in cases:
        for path in _images_of((pair, request)):
            shown.setdefault(path, pair)
            if pair.image == path:
                pairs.setdefault(path, []).append(pair)
    problems = decode_problems(shown)
    for path in shown.keys() - problems.keys():
        store.remember_whole(path)
    if problems:
        raise refusal(
            [
                (pair, path, problem)
                for path, problem in problems.items()
                for pair in pairs.get(path, [shown[path]])
            ]
        )


async def _is_judged(archive: Archive, pair: Pair, kept: Found) -> bool:
    if kind_without_judge(kept.response) is not None:
        return True
    turn = Turn(pair.query, kept.response.text, pair.image)
    return await archive.find_verdict(turn) is not None


def _images_of(case: Case) -> Iterator[Path]:
    """Yield the images that a case shows: its own, and those of demonstrations."""
    _, request = case
    for image in (request.image, *(each.image for each in request.demonstrations)):
        if image is not None:
            yield image
