"""The small pictures of a run's page, made while the run waits for answers."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vscbench.records import Pair

if TYPE_CHECKING:
    from vscbench.report.html.thumbnails_ahead import ThumbnailsAhead


def pictures_ahead(pairs: Iterable[Pair], store: Path) -> "ThumbnailsAhead | None":
    """Start to make them, to be kept beside the store; ``None`` where no pair has an image."""
    images = [pair.image for pair in pairs if pair.image is not None]
    if not images:
        return None
    # Imported here: a run of texts alone draws no pictures.
    from vscbench.report.html.page import picture_bytes
    from vscbench.report.html.thumbnails_ahead import KEPT, ThumbnailsAhead

    return ThumbnailsAhead(images, picture_bytes(images), store.with_name(KEPT))
