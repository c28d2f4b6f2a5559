"""From the tokens of an answer to its text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vscbench.reasoning.forms import marks_reasoning

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def decoded(tokenizer: "PreTrainedTokenizerBase", tokens: Sequence[int]) -> str:
    """Return the text of an answer without its special tokens.

    Those that mark reasoning stay: without them nobody could tell it from the answer.
    """
    added = tokenizer.added_tokens_decoder
    special = {*tokenizer.all_special_ids, *(each for each in added if added[each].special)}
    marks = {
        each
        for each in special.intersection(tokens)
        if marks_reasoning(str(tokenizer.convert_ids_to_tokens(each)))
    }
    left = [each for each in tokens if each not in special or each in marks]
    return str(tokenizer.decode(left, skip_special_tokens=not marks))
