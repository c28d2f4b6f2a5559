"""Names that other people wrote: which can be shown as they are, and be joined to a folder."""

import re
import unicodedata
from pathlib import PurePosixPath

# A back slash or a colon leads out on Windows.
LEADS_OUT = re.compile(r"[\\:]")
# Control, format (invisible, or turning the direction of writing), line and paragraph separator.
UNSEEN = ("Cc", "Cf", "Zl", "Zp")


def is_plain_line(text: str) -> bool:
    """Whether a terminal shows text as one line with each of its characters in its place."""
    return not any(unicodedata.category(character) in UNSEEN for character in text)


def stays_below(name: str) -> bool:
    """Whether a relative path, written with ``/``, stays below its folder on every system."""
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or LEADS_OUT.search(name)
    return bool(path.parts) and not leads_out and is_plain_line(name)


def is_file_name(name: str) -> bool:
    """Whether a name is that of a file in the folder it is joined to."""
    return stays_below(name) and "/" not in name
