"""What a file says became of one case, whatever the format of the file."""

from dataclasses import dataclass

from vscbench.records import Response


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded case.

    ``place`` names file and line (or row and column), for messages. ``response`` is ``None``
    where the file records that nothing came back; ``error`` then says why.
    """

    pair_id: str
    epoch: int
    place: str
    response: Response | None
    error: str | None = None
