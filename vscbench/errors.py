"""The errors a person meets; each message says what was wrong, where, and what to do."""


class VscbenchError(Exception):
    """Base of every error that is shown to a person as one message, never as a traceback."""


class UsageError(VscbenchError):
    """An option, a name or a setting cannot be used as given."""


class DataError(VscbenchError):
    """A file of pairs, images or responses cannot be used as it is."""


class TargetError(VscbenchError):
    """The model under test gave no response, so nothing can be said of the case."""


class JudgeError(VscbenchError):
    """The judge gave no verdict, so nothing can be said of the case."""
