from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.engine.budget import (
    Budget,
    PlanCost,
    estimate_plan,
    estimated_prompt_tokens,
    worst_cost_usd,
)
from vscbench.engine.purse import Purse
from vscbench.models.protocol import Price
from vscbench.records import Request

PRICE = Price(input_per_token=1e-6, output_per_token=1e-5)
PRICES = st.builds(Price, st.floats(0, 1e-3), st.floats(0, 1e-3))
SHARES = st.none() | st.floats(0, 1)
# A request of so many tokens, or an answer to the oldest, the youngest, ... that cost this share.
EVENTS = st.lists(
    st.tuples(st.just("ask"), st.integers(1, 5000), st.none())
    | st.tuples(st.just("end"), st.integers(0, 50), SHARES)
    | st.tuples(st.just("see"), st.integers(1, 5000), st.floats(0, 20)),
    max_size=150,
)


def request(prompt: str, image: bool = False, system: str | None = None) -> Request:
    return Request("pair", 1, prompt, Path("a.png") if image else None, system)


@given(st.floats(0, 10), PRICES, st.integers(0, 10_000), EVENTS)
def test_no_order_of_requests_and_answers_passes_the_budget(
    most_usd: float,
    price: Price,
    max_tokens: int,
    events: list[tuple[str, int, float | None]],
) -> None:
    budget = Budget(Purse(most_usd), price, max_tokens)
    reservations: list[float] = []
    spent = 0.0
    for event, number, share in events:
        if event == "ask":
            reserved = budget.reserve(number)
            reservations += [] if reserved is None else [reserved]
        elif event == "see" and share is not None:
            budget.observe(number, round(share * number))
        elif event == "end" and reservations:
            reserved = reservations.pop(number % len(reservations))
            budget.settle(reserved, None if share is None else share * reserved)
            spent += reserved if share is None else share * reserved
        assert budget.spent_usd + budget.in_flight_usd <= most_usd * (1 + 1e-9)
        assert budget.spent_usd == pytest.approx(spent)
        assert budget.in_flight_usd == pytest.approx(sum(reservations), abs=1e-12)
        assert reservations or budget.in_flight_usd == 0


@given(st.floats(0, 10), PRICES, st.integers(1, 10_000), st.integers(1, 5000))
def test_a_run_under_a_budget_always_comes_to_an_end(
    most_usd: float, price: Price, max_tokens: int, prompt_tokens: int
) -> None:
    budget = Budget(Purse(most_usd), price, max_tokens)
    for _ in range(20):
        if budget.exhausted(prompt_tokens):
            assert budget.reserve(prompt_tokens) is None
            return
        reserved = budget.reserve(prompt_tokens)
        assert reserved is not None
        budget.settle(reserved, None)


def test_no_rounding_error_is_left_in_flight() -> None:
    budget = Budget(Purse(10.0), Price(0.1, 0.0), 0)
    budget.observe(3, 3)
    reservations = [budget.reserve(tokens) for tokens in (1, 2, 3)]
    for reserved in reservations:
        assert reserved is not None
        budget.settle(reserved, 0.0)
    assert budget.in_flight_usd == 0


def test_a_budget_is_used_to_the_last_request_that_fits() -> None:
    worst = worst_cost_usd(PRICE, 1000, 100)
    budget = Budget(Purse(10.5 * worst), PRICE, 100)
    asked = 0
    while not budget.exhausted(1000):
        reserved = budget.reserve(1000)
        assert reserved == worst
        asked += 1
        budget.settle(reserved, None)
    assert asked == 10
    assert budget.spent_usd == pytest.approx(10 * worst)


def test_the_run_waits_for_what_is_in_flight_before_it_gives_up() -> None:
    worst = worst_cost_usd(PRICE, 1000, 100)
    budget = Budget(Purse(1.5 * worst), PRICE, 100)
    reserved = budget.reserve(1000)
    assert reserved == worst
    assert budget.reserve(1000) is None
    assert not budget.exhausted(1000)
    budget.settle(reserved, 0.1 * worst)
    assert not budget.exhausted(1000)
    assert budget.reserve(1000) == worst


def test_a_failed_request_costs_nothing_and_an_unknown_cost_counts_whole() -> None:
    budget = Budget(Purse(1.0), PRICE, 100)
    for actual, spent in ((0.0, 0.0), (None, 0.002)):
        reserved = budget.reserve(1000)
        assert reserved is not None
        budget.settle(reserved, actual)
        assert budget.spent_usd == pytest.approx(spent)
        assert budget.in_flight_usd == 0


def test_real_counts_that_beat_the_estimate_raise_later_reservations_for_good() -> None:
    budget = Budget(Purse(1.0), PRICE, 0)
    budget.observe(1000, 2500)
    assert budget.reserve(1000) == pytest.approx(2500e-6)
    budget.observe(1000, 400)
    assert budget.reserve(1000) == pytest.approx(2500e-6)


def test_answers_that_pass_the_limit_of_tokens_raise_later_reservations_for_good() -> None:
    budget = Budget(Purse(1.0), PRICE, 100)
    budget.observe(1000, 1000, completion_tokens=300)
    budget.observe(1000, 1000, completion_tokens=20)
    assert budget.reserve(1000) == pytest.approx(worst_cost_usd(PRICE, 1000, 300))


def test_until_a_count_was_seen_few_go_together_on_a_budget_that_an_estimate_may_miss() -> None:
    worst = worst_cost_usd(PRICE, 1000, 100)
    budget = Budget(Purse(20.5 * worst), PRICE, 100)
    assert budget.reserve(1000) is not None
    assert budget.reserve(1000) is None
    budget.observe(900, 800)
    for _ in range(19):
        assert budget.reserve(1000) is not None
    assert budget.reserve(1000) is None


def test_a_count_seen_for_short_texts_says_nothing_of_images() -> None:
    budget = Budget(Purse(0.1), PRICE, 100)
    budget.observe(20, 20)
    assert budget.reserve(20) is not None
    assert budget.reserve(20) is not None
    assert budget.reserve(1620) is None


def test_a_large_budget_lets_all_go_together_from_the_first_request_on() -> None:
    budget = Budget(Purse(10.0), PRICE, 1000)
    assert all(budget.reserve(1620) is not None for _ in range(64))


def test_the_message_says_what_was_spent_and_what_to_do() -> None:
    budget = Budget(Purse(2.5), PRICE, 100)
    reserved = budget.reserve(1000)
    assert reserved is not None
    budget.settle(reserved, 2.4971)
    assert budget.message() == (
        "the budget of $2.50 (--vsc-max-cost) has no room for another request: $2.50 was spent, "
        "and one more may cost more than the $0.0029 that is left. Run the same command again "
        "with a larger --vsc-max-cost; what was answered is in the store."
    )


@given(st.text(max_size=300), st.none() | st.text(max_size=300))
def test_an_estimate_counts_every_byte_of_prompt_and_system_and_an_image(
    prompt: str, system: str | None
) -> None:
    tokens = estimated_prompt_tokens(request(prompt, system=system))
    assert 3 * tokens >= len((prompt + (system or "")).encode())
    assert estimated_prompt_tokens(request(prompt, image=True, system=system)) == tokens + 1600


def test_half_a_character_can_be_estimated_too() -> None:
    assert estimated_prompt_tokens(request("\ud800" * 3)) == 13


def test_a_plan_costs_between_its_prompts_and_its_longest_answers() -> None:
    requests = [request("x" * 300, image=True), request("x" * 300, system="y" * 30)]
    tokens = 100 + 10 + 1600 + 100 + 10 + 10 + 10
    cost = estimate_plan(requests, PRICE, 500)
    assert (cost.requests, cost.prompt_tokens, cost.most_completion_tokens) == (2, tokens, 1000)
    assert cost.low_usd == pytest.approx(tokens * 1e-6)
    assert cost.high_usd == pytest.approx(tokens * 1e-6 + 1000 * 1e-5)


def test_a_plan_without_a_price_has_tokens_but_no_cost() -> None:
    assert estimate_plan([request("x" * 3)], None, 500) == PlanCost(1, 11, 500, None, None)


def test_a_plan_of_nothing_costs_nothing() -> None:
    assert estimate_plan([], PRICE, 500) == PlanCost(0, 0, 0, 0.0, 0.0)
