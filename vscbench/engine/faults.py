"""What a failed request means: for itself alone, or for the whole run."""

from vscbench.errors import DataError, TargetError, VscbenchError
from vscbench.records import Cause


def as_target_error(fault: Exception) -> TargetError | None:
    """Say what kept one request from its answer; ``None`` where it keeps all of them from it."""
    if isinstance(fault, TargetError):
        return fault
    if isinstance(fault, DataError):
        return TargetError(str(fault), Cause.IMAGE)
    if isinstance(fault, VscbenchError):
        return None
    return TargetError(f"{type(fault).__name__}: {fault}")
