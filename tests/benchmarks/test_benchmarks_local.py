import re
import sys

import pytest

from benchmarks.generation.counting import Steps
from benchmarks.generation.llava import SIZES, config_of
from benchmarks.generation.roofline import Peaks, Shape, least_seconds, shape_of
from benchmarks.generation.work import FEWEST_TOKENS, MOST_TOKENS, make_work

pytest.importorskip("torch", reason="local models are models of torch")
pytest.importorskip("transformers", reason="local models are models of transformers")

# A decoder of 10 parameters with a head of 2: a token costs 24 FLOP, and 1 for each it looks at.
SHAPE = Shape(
    layers=10,
    head=2,
    vision=100,
    looks=1,
    vision_looks=50,
    patches=4,
    token_bytes=8,
    item_bytes=2,
)


def test_our_engine_and_its_contenders_give_the_same_texts_and_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.local import main

    command = ["benchmarks.local", "--requests", "8", "--subset", "2", "--rounds", "1"]
    options = ["--fixed-rows", "3", "--only", "fixed,one", "--threads", "1"]
    peaks = ["--peak-tflops", "0.1", "--peak-tbs", "0.02"]
    monkeypatch.setattr(sys, "argv", [*command, *options, *peaks])
    main()
    said = capsys.readouterr().out
    rows = dict(re.findall(r"^(ours|fixed, 3 rows|one by one) +(\d.*)$", said, re.M))
    assert [rows[name].split()[0] for name in rows] == ["8", "8", "2"]
    assert [rows[name].split()[-1] for name in rows] == ["100.00%"] * 3
    assert re.search(r"ours, last round: 8 prompts of \d+ tokens", said)
    assert re.search(r"roofline .* = \d+\.\d% of", said)


def test_a_text_that_differs_is_named_with_the_word_and_lowers_the_share() -> None:
    from benchmarks.local import Contender, differences, equal_texts

    work = make_work(4)
    first = Contender("ours", work, lambda work: [], [1.0], ["a b c"] * 4)
    other = Contender("fixed", work, lambda work: [], [1.0], ["a b c", "a x c", "a b c", "a b c"])
    other.unequal = differences(other, first, 2)
    (line,) = other.unequal
    assert line.startswith(f"round 2: {work.requests[1].pair_id}, epoch 1")
    assert "word 2 of 3" in line
    assert equal_texts(other) == pytest.approx(3 / 4)


def test_requests_are_pairs_in_their_order_with_lengths_that_stay_the_same() -> None:
    work = make_work(400)
    assert work == make_work(400)
    assert work.limits != make_work(400, seed=1).limits
    assert len(work.limits) == len(set(work.requests)) == 400
    lengths = [work.limit(request) for request in work.requests]
    assert (min(lengths), max(lengths)) >= (FEWEST_TOKENS, MOST_TOKENS - 100)
    part = work.every(100)
    assert part.requests == work.requests[::4]
    assert part.tokens < work.tokens


def test_a_step_is_bound_by_what_it_reads_until_it_computes_more() -> None:
    peaks = Peaks(flop_per_s=100.0, bytes_per_s=10.0)
    alone = least_seconds(Steps(rows=[1], looked_at=[5]), SHAPE, peaks)
    assert alone.seconds == pytest.approx((2 * 12 + 8 * 5) / 10.0)
    many = least_seconds(Steps(rows=[100], looked_at=[5]), SHAPE, peaks)
    assert many.seconds == pytest.approx((24 * 100 + 5) / 100.0)
    assert many.flop == pytest.approx(2405)


def test_a_prompt_costs_its_tokens_what_they_look_at_and_its_image() -> None:
    peaks = Peaks(flop_per_s=1.0, bytes_per_s=1.0)
    text = least_seconds(Steps(prompts=[3]), SHAPE, peaks)
    assert text.prompts_s == pytest.approx(3 * 20 + (1 + 2 + 3) + 4)
    pictured = least_seconds(Steps(prompts=[3], images=1), SHAPE, peaks)
    assert pictured.prompts_s - text.prompts_s == pytest.approx(2 * 100 * 4 + 50)


def test_the_large_size_is_that_of_the_published_model() -> None:
    import torch
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config_of(SIZES["7b"], 7))
    assert sum(each.numel() for each in model.parameters()) == pytest.approx(7.06e9, rel=1e-3)
    shape = shape_of(model.to(torch.bfloat16))
    assert shape.token_bytes == 2 * 32 * 4096 * 2
    assert (SIZES["7b"].image_tokens, shape.patches) == (576, 577)
