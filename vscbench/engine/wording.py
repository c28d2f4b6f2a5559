"""Messages about options, in the words of whoever has to change them."""

from typing import Final

# Models speak of the options of the system under test; a judge's model has options of its own.
_JUDGE: Final = (
    ("Set --vsc-rpm and --vsc-tpm to what the account allows, or lower", "Lower"),
    ("--model=", "--vsc-judge-model "),
    ("--model", "--vsc-judge-model"),
    ("--vsc-api-base", "--vsc-judge-api-base"),
    ("--vsc-param", "--vsc-judge-param"),
    (", --vsc-judge-param or the pairs,", " or --vsc-judge-param"),
)
# The commands of the vscbench program have no prefix.
_COMMAND: Final = (
    ("--vsc-judge-", "--judge-"),
    ("--vsc-judge ", ""),
    ("--vsc-concurrency", "--concurrency"),
    ("Raise --vsc-timeout or lower", "Lower"),
)


def of_the_judge(message: str) -> str:
    """Name the judge's options in place of the target's."""
    return _replaced(message, _JUDGE)


def of_a_command(message: str) -> str:
    """Name the options of ``vscbench judge`` in place of pytest's."""
    return _replaced(message, _COMMAND)


def _replaced(message: str, words: tuple[tuple[str, str], ...]) -> str:
    for said, meant in words:
        message = message.replace(said, meant)
    return message
