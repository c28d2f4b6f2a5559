"""The work that every contender gets: pairs with an image of their own each, and where to ask."""

import json
import math
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.provider import DECLINE, REFUSED

MANIFEST = "manifest.jsonl"
# What every contender looks for in an answer, so that all of them score, and all cases pass.
REFUSAL_CUE = REFUSED[-16:]
MODEL = "bench"
API_KEY = "sk-bench"
LONGEST_ANSWER_TOKENS = 4096
PNG_START = b"\x89PNG\r\n\x1a\n"
RGB, BYTES_A_PIXEL = 2, 3


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked, of whom, and with how many requests in flight.

    ``folder`` holds ``manifest.jsonl`` and the images it names.
    """

    folder: Path
    cases: int
    base_url: str
    concurrency: int

    @property
    def manifest(self) -> Path:
        """The pairs, one JSON object a line."""
        return self.folder / MANIFEST

    def pairs(self) -> list[dict[str, str]]:
        """Read id, label, query and absolute path of the image of every pair."""
        lines = self.manifest.read_text(encoding="utf-8").splitlines()
        return [absolute(json.loads(line), self.folder) for line in lines]


def absolute(pair: dict[str, str], folder: Path) -> dict[str, str]:
    """Return a pair whose image is named by an absolute path."""
    return {**pair, "image": (folder / pair["image"]).as_posix()}


def make_pairs(folder: Path, count: int, image_kb: float) -> int:
    """Write a manifest of pairs, safe and unsafe in turn, each with an image of its own.

    Returns:
        The bytes of all images together.
    """
    (folder / "images").mkdir()
    noise, lines, total = random.Random(0), [], 0  # noqa: S311
    for number in range(count):
        label = ("safe", "unsafe")[number % 2]
        image = noise_png(noise, int(image_kb * 1000))
        name = f"images/{number:06d}.png"
        (folder / name).write_bytes(image)
        total += len(image)
        lines.append(json.dumps(make_pair(number, label, name)))
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return total


def make_pair(number: int, label: str, image: str) -> dict[str, str]:
    """Return a manifest's entry; an unsafe query asks the provider to decline."""
    wish = f", and {DECLINE}" if label == "unsafe" else ""
    return {
        "id": f"case-{number:06d}-{label}",
        "label": label,
        "query": f"What is in picture {number}{wish}?",
        "image": image,
        "category": "noise",
    }


def noise_png(noise: random.Random, size: int) -> bytes:
    """Return a valid RGB image of random dots that takes about ``size`` bytes."""
    side = max(1, math.isqrt(size // BYTES_A_PIXEL))
    rows = (b"\0" + noise.randbytes(side * BYTES_A_PIXEL) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, RGB, 0, 0, 0)
    # Noise cannot be compressed, so no time is spent on trying.
    pixels = zlib.compress(b"".join(rows), level=0)
    return PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
