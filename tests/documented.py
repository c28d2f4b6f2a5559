"""The code blocks and commands of the project's documentation, as a reader copies them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Between backquotes: what begins like a command and has an argument.
INLINE = re.compile(r"`((?:\.venv/bin/)?(?:pytest|vscbench|python3?|pip|apt) [^`]+)`")
# In the files of services that run builds.
STEP = re.compile(r"(?:^|[\s/])(pytest --model.*?)$", re.MULTILINE)
SERVICES = ("yaml", "groovy")


@dataclass(frozen=True)
class Block:
    """A block of code: the page that it stands on, its language, its text."""

    page: str
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    """Return the blocks in some languages, in the order of the pages."""
    found = (
        Block(page.name, match[1], match[2])
        for page in PAGES
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
    )
    return [block for block in found if not languages or block.language in languages]


def commands() -> list[str]:
    """Return every command, once, as one line without its comment."""
    return list(dict.fromkeys(shlex.join(words) for words in _commands() if words))


def _commands() -> Iterator[list[str]]:
    for block in blocks("sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            yield shlex.split(line, comments=True)
    for block in blocks(*SERVICES):
        for line in STEP.findall(block.text.replace("\\\n", " ")):
            yield shlex.split(line)
    for page in PAGES:
        for inline in INLINE.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
            yield shlex.split(inline)
