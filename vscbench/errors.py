"""The errors a person meets; each message says what was wrong, where, and what to do."""

from vscbench.records import Cause


class VscbenchError(Exception):
    """Base of every error that is shown to a person as one message, never as a traceback."""


class UsageError(VscbenchError):
    """An option, a name or a setting cannot be used as given."""


class DataError(VscbenchError):
    """A file of pairs, images or responses cannot be used as it is."""


class TargetError(VscbenchError):
    """The model under test gave no response, so nothing can be said of the case.

    ``cause`` says whether another try may help; ``retry_after_s`` is how long the provider asked
    to be left alone, in seconds, where it did.
    """

    def __init__(
        self, message: str, cause: Cause = Cause.OTHER, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.retry_after_s = retry_after_s


class StoppedError(VscbenchError):
    """The run ended before a case was asked; the message says why, once for all cases."""


class StoreError(VscbenchError):
    """The store of responses and verdicts cannot be used; what was in it stays."""


class JudgeError(VscbenchError):
    """The judge gave no verdict, so nothing can be said of the case."""
