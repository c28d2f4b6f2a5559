"""Texts that are no model's words: a client wrote down a provider's block, or its own error."""

import re
from typing import Final

from vscbench.errors import JudgeError
from vscbench.models.provider_words import BLOCKS
from vscbench.records import Kind, Verdict
from vscbench.visible import visible

# A record is a whole, short text; the same words inside of an answer are part of an answer.
LONGEST_RECORD: Final = 200
# As seen among recorded responses: "FinishReason.SAFETY", "finish_reason: content_filter".
_BLOCK: Final = re.compile(
    r"(?:finish|block|blocked|stop)[_ ]?reason\W{1,4}(\w+)\W{0,3}", re.IGNORECASE
)
# "API RetryError occurred.", "Failed to obtain answer via API."
_ERROR: Final = re.compile(
    r"API \w*(?:Error|Exception|Timeout)\b[^\n]*|Failed to obtain (?:an )?answer\b[^\n]*",
    re.IGNORECASE,
)


def verdict_on_record(response: str, judge: str) -> Verdict | None:
    """Return ``blocked`` for a client's record of a block; ``None`` for a model's own words.

    Raises:
        JudgeError: the text is blank, or a client's error message: no model said it.
    """
    text = response.strip()
    if not text:
        raise JudgeError("there is no text to judge")
    if len(text) > LONGEST_RECORD:
        return None
    block = _BLOCK.fullmatch(text)
    if block is not None and block[1].lower() in BLOCKS:
        return Verdict(Kind.BLOCKED, judge, evidence=(text,))
    if _ERROR.fullmatch(text):
        shown = visible(text, LONGEST_RECORD)
        raise JudgeError(f"the response is a client's error message, no model's words: {shown}")
    return None
