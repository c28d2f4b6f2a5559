import random
from collections.abc import Sequence

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.local.choosing import TokenChooser, chooser_of
from vscbench.models.local.parameters import LocalParameters
from vscbench.models.local.rows import Row

VOCABULARY = 12
NUMBERS = st.floats(-8, 8, width=32, allow_nan=False)
SCORES = st.lists(NUMBERS, min_size=VOCABULARY, max_size=VOCABULARY)
DRAWS = 4000


def row(seed: int, tokens: Sequence[int] = ()) -> Row:
    return Row({}, 1, 10, seed, list(tokens))


@given(st.lists(SCORES, min_size=1, max_size=5))
def test_greedy_takes_the_likeliest_token_of_each_row(scores: list[list[float]]) -> None:
    chosen = TokenChooser().choose(torch.tensor(scores), [row(0)] * len(scores), [])
    assert [each[token] for each, token in zip(scores, chosen.tolist(), strict=True)] == [
        max(each) for each in scores
    ]


@given(
    st.lists(SCORES, min_size=2, max_size=6),
    st.integers(0, VOCABULARY),
    st.floats(0.05, 1.0),
    st.floats(0.2, 3.0),
)
def test_what_is_drawn_for_a_row_does_not_depend_on_its_neighbours(
    scores: list[list[float]], top_k: int, top_p: float, temperature: float
) -> None:
    chooser = TokenChooser(temperature, top_k, top_p, 1.3)
    rows = [row(seed, [1] * seed) for seed in range(len(scores))]
    seen = [torch.tensor([1, 2, seed % VOCABULARY]) for seed in range(len(scores))]
    together = chooser.choose(torch.tensor(scores), rows, seen).tolist()
    alone = [
        chooser.choose(torch.tensor([each]), [one], [tokens]).item()
        for each, one, tokens in zip(scores, rows, seen, strict=True)
    ]
    assert together == alone


@given(SCORES, st.integers(1, VOCABULARY - 1), st.floats(0.05, 0.99))
def test_nothing_is_drawn_that_transformers_own_filters_rule_out(
    scores: list[float], top_k: int, top_p: float
) -> None:
    logits = transformers.generation.logits_process
    # Equal scores may be kept or not: let none be equal.
    distinct = torch.tensor([[value + 1e-3 * place for place, value in enumerate(scores)]])
    kept = logits.TopKLogitsWarper(top_k)(None, distinct.clone())
    kept = logits.TopPLogitsWarper(top_p)(None, kept)
    allowed = set(torch.isfinite(kept[0]).nonzero().flatten().tolist())
    chooser = TokenChooser(1.0, top_k, top_p)
    many = distinct.expand(200, -1)
    drawn = set(chooser.choose(many, [row(seed) for seed in range(200)], []).tolist())
    assert drawn <= allowed


@given(SCORES, st.lists(st.integers(0, VOCABULARY - 1), min_size=1), st.floats(1.01, 2.0))
def test_the_penalty_is_the_one_of_transformers(
    scores: list[float], seen: list[int], penalty: float
) -> None:
    processor = transformers.generation.logits_process.RepetitionPenaltyLogitsProcessor(penalty)
    expected = processor(torch.tensor([seen]), torch.tensor([scores])).argmax().item()
    chooser = TokenChooser(repetition_penalty=penalty)
    penalised = chooser.choose(torch.tensor([scores]), [row(0)], [torch.tensor(seen)]).item()
    assert penalised == expected


def test_draws_have_the_frequencies_that_the_scores_say() -> None:
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05])
    many = shares.log().expand(DRAWS, -1)
    drawn = TokenChooser(1.0).choose(many, [row(17 * seed) for seed in range(DRAWS)], [])
    found = torch.bincount(drawn, minlength=4) / DRAWS
    # Four standard errors of the largest share.
    assert (found - shares).abs().max() < 4 * (0.25 / DRAWS) ** 0.5


def test_a_row_that_begins_anew_draws_the_same_again() -> None:
    chooser = TokenChooser(1.0)
    scores = torch.zeros(1, VOCABULARY)
    first = [chooser.choose(scores, [row(5, [0] * place)], []).item() for place in range(20)]
    again = [chooser.choose(scores, [row(5, [0] * place)], []).item() for place in range(20)]
    assert first == again
    assert len(set(first)) > 1


def test_a_person_s_penalty_goes_before_the_checkpoint_s() -> None:
    assert chooser_of(LocalParameters(), 1.05).repetition_penalty == 1.05
    assert chooser_of(LocalParameters(repetition_penalty=1.0), 1.05).is_plain
    assert chooser_of(LocalParameters(), None).is_plain


def test_an_impossible_draw_ends_at_the_last_token() -> None:
    certain = torch.full((1, VOCABULARY), float("-inf"))
    certain[0, -1] = 0.0
    chosen = TokenChooser(0.5).choose(certain, [row(random.Random(3).randrange(100))], [])  # noqa: S311
    assert chosen.item() == VOCABULARY - 1
