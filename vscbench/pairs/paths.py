"""Names of files that other people wrote: which of them may be joined to a folder."""

import re
from pathlib import PurePosixPath

# A back slash or a colon leads out on Windows; control characters would reach a terminal.
NOWHERE_SAFE = re.compile(r"[\\:\x00-\x1f\x7f-\x9f]")


def stays_below(name: str) -> bool:
    """Whether a relative path, written with ``/``, stays below its folder on every system."""
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or NOWHERE_SAFE.search(name)
    return bool(path.parts) and not leads_out


def is_file_name(name: str) -> bool:
    """Whether a name is that of a file in the folder it is joined to."""
    return stays_below(name) and "/" not in name
