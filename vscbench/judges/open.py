"""From the name of a judge to the judge."""

from collections.abc import Callable, Mapping
from typing import Final

from vscbench.errors import UsageError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.protocol import Judge

_JUDGES: Final[Mapping[str, Callable[[], Judge]]] = {"keywords": KeywordsJudge}


def open_judge(name: str) -> Judge:
    """Return the judge of this name.

    Raises:
        UsageError: no judge has this name.
    """
    if name not in _JUDGES:
        raise UsageError(f"unknown judge {name!r}; known judges: {', '.join(sorted(_JUDGES))}")
    return _JUDGES[name]()
