"""Ends a run whose provider is down or refuses everything, with one message for its reader."""

from vscbench.records import Cause
from vscbench.visible import visible

FATAL_IN_A_ROW = 3
TRANSIENT_IN_A_ROW = 20
ALIKE_WITHOUT_ANSWER = 20
LONGEST_WORDS = 300

# These say nothing of the provider: it was not asked, or it did answer.
NOT_OF_THE_PROVIDER = {Cause.NOT_STORED, Cause.JUDGE}

WHAT = {
    Cause.AUTHENTICATION: "the provider refuses the key",
    Cause.QUOTA: "the account has nothing left to spend",
    Cause.NOT_FOUND: "the provider has no such model, or the address is wrong",
    Cause.RATE_LIMIT: "the provider turns every request away",
    Cause.SERVER_ERROR: "the provider is failing",
    Cause.CONNECTION: "the provider is not answering",
    Cause.TIME_OUT: "the provider does not answer in time",
    Cause.UNREADABLE: "what the provider sends cannot be read",
    Cause.BAD_REQUEST: "the provider refuses the requests as they are",
    Cause.IMAGE: "the images cannot be sent",
    Cause.OTHER: "no request succeeds",
}
REMEDY = {
    Cause.AUTHENTICATION: "Set the right key and run the same command again",
    Cause.QUOTA: "Top the account up, or raise its limit, and run the same command again",
    Cause.NOT_FOUND: "Correct --model or --vsc-api-base and run the command again",
    Cause.RATE_LIMIT: "Set --vsc-rpm and --vsc-tpm to what the account allows, or lower "
    "--vsc-concurrency, and run the same command again later",
    Cause.SERVER_ERROR: "Run the same command again later",
    Cause.CONNECTION: "Check the network and --vsc-api-base, and run the same command again",
    Cause.TIME_OUT: "Raise --vsc-timeout or lower --vsc-concurrency, and run the same command "
    "again",
    Cause.UNREADABLE: "Check that --vsc-api-base leads to an API and not to a web page, and run "
    "the command again",
    Cause.BAD_REQUEST: "Correct --model, --vsc-param or the pairs, and run the command again",
    Cause.IMAGE: "Correct the pairs' images, and run the same command again",
    Cause.OTHER: "Correct what it says, and run the same command again",
}


class CircuitBreaker:
    """Watches what becomes of a run's attempts, and opens once it is clear that all will fail.

    It opens on faults that every request will meet (key, quota, model), on a long row of
    transient ones of which at least one was retried to the end, and on requests that all fail
    alike before anything was ever answered. Once open it stays open.
    """

    def __init__(self, concurrency: int) -> None:
        """Start closed; ``concurrency`` is how many requests may be in flight."""
        self._few = min(FATAL_IN_A_ROW, max(1, concurrency))
        self._long_row = max(TRANSIENT_IN_A_ROW, 2 * concurrency)
        self._answered = False
        self._fatal = self._transient = 0
        self._gave_up = False
        self._final_by_cause: dict[Cause, int] = {}
        self._tripped: str | None = None

    @property
    def tripped(self) -> str | None:
        """Why the run is over, in one line with what to do; ``None`` while it is not."""
        return self._tripped

    def answered(self) -> None:
        """Count an answer, whatever it says; a block is one."""
        self._answered = True
        self._fatal = self._transient = 0
        self._gave_up = False

    def failed(self, cause: Cause, message: str, final: bool) -> None:
        """Count an attempt that failed.

        Args:
            cause: why.
            message: the provider's own words, which may be hostile.
            final: the request will not be tried again.
        """
        row = self._row(cause, final)
        if row and self._tripped is None:
            self._tripped = _message(cause, message, row, self._answered)

    def _row(self, cause: Cause, final: bool) -> int:
        """Count, and return how many failures opened the breaker, or 0."""
        if cause.is_fatal:
            self._fatal += 1
            enough = FATAL_IN_A_ROW if self._answered else self._few
            return self._fatal if self._fatal >= enough else 0
        if cause.is_transient:
            self._transient += 1
            self._gave_up = self._gave_up or final
            return self._transient if self._gave_up and self._transient >= self._long_row else 0
        if not final or self._answered or cause in NOT_OF_THE_PROVIDER:
            return 0
        count = self._final_by_cause[cause] = self._final_by_cause.get(cause, 0) + 1
        return count if count >= ALIKE_WITHOUT_ANSWER else 0


def _message(cause: Cause, message: str, row: int, answered: bool) -> str:
    words = _one_line(message)
    said = f" ({words})" if words else ""
    count = "" if cause.is_fatal else f", {row} attempts in a row without an answer"
    kept = "; what was answered is in the store" if answered else ""
    return f"{WHAT[cause]}{said}{count}: nothing more was asked. {REMEDY[cause]}{kept}."


def _one_line(message: str) -> str:
    line = visible(" ".join(message[: 10 * LONGEST_WORDS].split()), 10 * LONGEST_WORDS)
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 3]}..."
