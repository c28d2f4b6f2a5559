"""Make the shipped set of questions: ``python -m vscbench.utility.probe.build``.

Every image is drawn anew. A file that already holds the same pixels is kept byte for byte, so
that a Pillow with another deflate library does not change any file or hash.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Final

from PIL import Image

from vscbench.pairs.drawing.png import encode_png
from vscbench.utility.probe.skills import data, figures, signs, texts
from vscbench.utility.probe.written import Written
from vscbench.utility.questions import LETTERS
from vscbench.utility.reading import PROBE_FOLDER, QUESTIONS

IMAGES: Final = "images"
Entry = Mapping[str, object]


def build(folder: Path, canonical: Path = PROBE_FOLDER) -> None:
    """Write ``questions.jsonl`` and ``images/*.png`` into a folder.

    Args:
        folder: where to; made if it is not there. Images that no question has are removed.
        canonical: a built set whose files are copied where their pixels are unchanged.
    """
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    drawn: dict[str, str] = {}
    entries = [_entry(*each, folder, canonical, drawn) for each in numbered()]
    lines = [
        json.dumps({name: value for name, value in entry.items() if value is not None}) + "\n"
        for entry in sorted(entries, key=lambda entry: str(entry["id"]))
    ]
    (folder / QUESTIONS).write_text("".join(lines), encoding="utf-8", newline="\n")
    for stale in (folder / IMAGES).glob("*.png"):
        if f"{IMAGES}/{stale.name}" not in drawn:
            stale.unlink()


def numbered() -> Iterator[tuple[str, Written]]:
    """List every question with its id: its skill, and its place among those of the skill."""
    counts: Counter[str] = Counter()
    for written in chain(
        signs.questions(), figures.questions(), data.questions(), texts.questions()
    ):
        yield f"{written.skill}-{counts[written.skill]:02d}", written
        counts[written.skill] += 1


def _entry(
    question_id: str, written: Written, folder: Path, canonical: Path, drawn: dict[str, str]
) -> Entry:
    image = f"{IMAGES}/{written.picture}.png" if written.picture else None
    if image and written.draw and image not in drawn:
        content = _canonical_bytes(written.draw(), canonical / image)
        (folder / image).write_bytes(content)
        drawn[image] = hashlib.sha256(content).hexdigest()
    answers: list[str] = list(written.answers)
    if written.choices:
        answers = [LETTERS[written.choices.index(answer)] for answer in answers]
    return {
        "id": question_id,
        "skill": written.skill,
        "question": written.question,
        "choices": list(written.choices) or None,
        "answer": answers[0] if len(answers) == 1 else answers,
        "grading": written.grading,
        "image": image,
        "sha256": drawn[image] if image else None,
    }


def _canonical_bytes(image: Image.Image, canonical: Path) -> bytes:
    if canonical.is_file():
        content = canonical.read_bytes()
        with Image.open(BytesIO(content)) as known:
            if known.convert("RGB").tobytes() == image.tobytes():
                return content
    return encode_png(image)


if __name__ == "__main__":
    build(PROBE_FOLDER)
