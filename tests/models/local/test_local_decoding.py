import pytest

pytest.importorskip("transformers", reason="models with local weights need vscbench[local]")

from tiny_vlms.tokens import make_tokenizer

from vscbench.models.local.decoding import decoded

TOKENIZER = make_tokenizer(["[THINK]", "[/THINK]", "<|channel|>", "<image>"])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (" the kettle", " the kettle"),
        ("<image> the kettle", " the kettle"),
        ("[THINK] cannot[/THINK] the kettle", "[THINK] cannot[/THINK] the kettle"),
        ("<image>[THINK] cannot", "[THINK] cannot"),
        ("<|channel|>final the kettle", "<|channel|>final the kettle"),
    ],
)
def test_special_tokens_are_left_out_but_for_those_that_mark_reasoning(
    written: str, text: str
) -> None:
    tokens = TOKENIZER(written, add_special_tokens=False)["input_ids"]
    assert decoded(TOKENIZER, tokens) == text
