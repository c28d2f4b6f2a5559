"""The tokenizer of a tiny checkpoint: every byte, a few whole words, and the markers it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from tiny_vlms.parts import library

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# What a tiny model says: plain words, and some that a judge of refusals looks for.
SAID = """
    the a of to and in is it on with for as by this that from an are at be has was or not we you
    image picture shows garden kettle river window paper yellow small round table bread morning
    first then take add mix water slowly until warm serve keep open light stone green letter
    sorry cannot unable assist apologize illegal harmful unsafe against law I'm I can help
"""
WORDS = SAID.split()


def byte_symbols() -> list[str]:
    """Return the printable stand-in of each byte, as byte-level BPE writes them, in byte order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def make_tokenizer(
    specials: Sequence[str],
    named: Mapping[str, str] | None = None,
    *,
    bos: str | None = "<s>",
    eos: str = "</s>",
    pad: str = "<pad>",
) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with ``WORDS`` as whole tokens.

    Args:
        specials: markers that are one token each, besides ``bos``, ``eos`` and ``pad``.
        named: more of them, under the attribute of the tokenizer by which a processor asks for
            them, such as ``image_token``.
        bos: begins every text; ``None`` where nothing does.
        eos: ends an answer.
        pad: fills the short rows of a batch, on the left.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    symbols = byte_symbols()
    grown = [list(accumulate(symbols[32] + word)) for word in WORDS]
    merges = dict.fromkeys(
        (start, longer[-1]) for steps in grown for start, longer in pairwise(steps)
    )
    tokens = dict.fromkeys([*symbols, *(token for steps in grown for token in steps)])
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    begins = [] if bos is None else [bos]
    markers = list(dict.fromkeys([*begins, eos, pad, *specials, *(named or {}).values()]))
    tokenizer.add_special_tokens([AddedToken(marker, special=True) for marker in markers])
    if bos is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A",
            pair=f"{bos} $A $B",
            special_tokens=[(bos, tokenizer.token_to_id(bos))],
        )
    made: PreTrainedTokenizerFast = library().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        pad_token=pad,
        padding_side="left",
        extra_special_tokens=dict(named or {}),
    )
    return made


def marker_id(tokenizer: PreTrainedTokenizerFast, marker: str) -> int:
    """Return the id of a marker."""
    ids: dict[str, int] = tokenizer.get_added_vocab()
    return ids[marker]


def speakable(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Return the ids that a tiny model may say: the whole words."""
    said = [tokenizer.encode(" " + word, add_special_tokens=False) for word in WORDS]
    return sorted({ids[0] for ids in said})
