"""One line for a part of a checkpoint that cannot be loaded."""

from vscbench.models.local.checkpoint import Checkpoint
from vscbench.visible import one_line

LONGEST_REASON = 300
# torch and torchvision are built for each other; transformers imports the second where it is there.
BROKEN_BUILD = "torchvision::"
OTHER_BUILD = (
    ": the installed torchvision is of another build than torch; install the one that fits it, or "
    "none"
)


def not_loaded(checkpoint: Checkpoint, what: str, error: BaseException) -> str:
    """Say which part it is, and why in the words of what failed first."""
    first = _first(error)
    reason = one_line(str(first), LONGEST_REASON)
    hint = OTHER_BUILD if BROKEN_BUILD in reason else ""
    return (
        f"--model=local:{checkpoint.source}: its {what} cannot be loaded "
        f"({type(first).__name__}: {reason}){hint}"
    )


def _first(error: BaseException) -> BaseException:
    """Return what an error goes back to."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
