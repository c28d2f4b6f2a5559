"""What a run may cost: estimates before anything is sent, and a budget that is never passed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vscbench.engine.purse import Purse
from vscbench.models.protocol import Price
from vscbench.models.turns import chat_turns
from vscbench.records import Request

# English has about 4 bytes of UTF-8 a token (https://ai.google.dev/gemini-api/docs/tokens), other
# scripts have fewer; a prompt counted high costs nothing, one counted low may pass a budget.
BYTES_PER_TOKEN = 3
# Roles and separators around a message, which every provider counts in its own way.
FRAME_TOKENS = 10
# What most models count for one image at most, as the request leaves its detail to them:
# Claude about 1,600 (https://docs.anthropic.com/en/docs/vision), GPT-4o 85 + 170 a tile, 1,105
# for 2048x4096 pixels, and GPT-4.1 1,536
# (https://platform.openai.com/docs/guides/images-vision), Gemini 258 up to 2.5 and about 1,100
# from 3 on (https://ai.google.dev/gemini-api/docs/media-resolution). Some count far more: see
# MOST_TIMES_ESTIMATED.
IMAGE_TOKENS = 1_600
# How far a model's own count may lie above the estimate until one was seen. GPT-4o mini counts
# 2,833 + 5,667 a tile, 48,169 for 8 tiles; GPT-5.5 up to 10,000 patches.
MOST_TIMES_ESTIMATED = 32
# A count that was seen for one prompt says enough of others up to this many times its size.
ALIKE = 2


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What a plan would need at most; in US dollars, ``None`` where no price is known.

    ``low_usd`` is the cost of the prompts alone, ``high_usd`` that of answers of full length too.
    """

    requests: int
    prompt_tokens: int
    most_completion_tokens: int
    low_usd: float | None
    high_usd: float | None


def estimated_prompt_tokens(request: Request) -> int:
    """Estimate how many tokens a request counts for before its answer, rather high than low."""
    return sum(
        _text_tokens(turn.text) + FRAME_TOKENS + (IMAGE_TOKENS if turn.image is not None else 0)
        for turn in chat_turns(request)
    )


def worst_cost_usd(price: Price, prompt_tokens: float, max_tokens: float) -> float:
    """Return what a request costs whose answer is ``max_tokens`` long, in US dollars."""
    return price.input_per_token * prompt_tokens + price.output_per_token * max_tokens


def estimate_plan(requests: Sequence[Request], price: Price | None, max_tokens: int) -> PlanCost:
    """Estimate what sending these requests once would cost; retries of what fails cost nothing."""
    prompt_tokens = sum(map(estimated_prompt_tokens, requests))
    completion_tokens = max_tokens * len(requests)
    low = high = None
    if price is not None:
        low = worst_cost_usd(price, prompt_tokens, 0)
        high = worst_cost_usd(price, prompt_tokens, completion_tokens)
    return PlanCost(len(requests), prompt_tokens, completion_tokens, low, high)


class Budget:
    """Lets requests go as long as all that are in flight may cost their worst.

    The worst rests on estimated prompts. Until a real count was seen of a prompt about as large,
    requests go together only where the budget would bear many times the estimate; one alone goes
    on its estimate. All amounts are US dollars.
    """

    def __init__(self, purse: Purse, price: Price, max_tokens: int) -> None:
        """Start with nothing in flight.

        Args:
            purse: what is spent from, by other budgets as well.
            price: of this model.
            max_tokens: the longest answer that is asked for.
        """
        self._purse = purse
        self._price = price
        self._most_completion = max_tokens
        self._most_ratio = 1.0
        self._largest_seen = 0
        self._largest_in_flight = 0
        self._in_flight = 0
        purse.doubts.append(self._doubt_in_flight_usd)

    @property
    def spent_usd(self) -> float:
        """What all answers that the purse paid for have cost, or at worst may have."""
        return self._purse.spent_usd

    @property
    def in_flight_usd(self) -> float:
        """What all requests in flight that the purse pays for may cost at worst."""
        return self._purse.in_flight_usd

    def reserve(self, prompt_tokens: int) -> float | None:
        """Set aside what a request may cost; ``None`` where that does not fit now.

        Args:
            prompt_tokens: of this request, as estimated.

        Returns:
            What was set aside, to be given back to ``settle``.
        """
        worst = self._worst_usd(prompt_tokens)
        doubt = self._doubt_usd(prompt_tokens) if self._purse.in_flight else 0.0
        if self._purse.committed_usd + worst + doubt > self._purse.most_usd:
            return None
        self._purse.set_aside(worst)
        self._in_flight += 1
        self._largest_in_flight = max(self._largest_in_flight, prompt_tokens)
        return worst

    def settle(self, reserved: float, actual_usd: float | None) -> None:
        """Count what a request has cost.

        Args:
            reserved: what ``reserve`` set aside for it.
            actual_usd: what it cost; 0.0 if it failed without an answer. ``None`` if nobody knows:
                then all that was set aside counts as spent.
        """
        self._in_flight -= 1
        self._largest_in_flight = self._largest_in_flight if self._in_flight else 0
        self._purse.settle(reserved, reserved if actual_usd is None else actual_usd)

    def observe(self, estimated: int, actual: int, completion_tokens: int = 0) -> None:
        """Learn from an answer's real counts; later worst cases are never below the worst seen.

        Args:
            estimated: the prompt's tokens as they were estimated.
            actual: the prompt's tokens as the provider counted them.
            completion_tokens: the answer's, which some providers let pass the limit.
        """
        self._most_ratio = max(self._most_ratio, actual / max(1, estimated))
        self._largest_seen = max(self._largest_seen, estimated)
        self._most_completion = max(self._most_completion, completion_tokens)

    def exhausted(self, prompt_tokens: int) -> bool:
        """Say whether the run must stop: nothing is in flight, and this request does not fit."""
        if self._purse.in_flight:
            return False
        return self._purse.committed_usd + self._worst_usd(prompt_tokens) > self._purse.most_usd

    def message(self) -> str:
        """Say in one line why nothing more is asked, and what to do."""
        purse = self._purse
        left = max(0.0, purse.most_usd - purse.committed_usd)
        return (
            f"the budget of {_dollars(purse.most_usd)} (--vsc-max-cost) has no room for another "
            f"request: {_dollars(purse.spent_usd)} was spent, and one more may cost more than the "
            f"{_dollars(left)} that is left. Run the same command again with a larger "
            "--vsc-max-cost; what was answered is in the store."
        )

    def _worst_usd(self, prompt_tokens: int) -> float:
        return worst_cost_usd(self._price, prompt_tokens * self._most_ratio, self._most_completion)

    def _doubt_usd(self, prompt_tokens: int) -> float:
        """What this request and those in flight may cost beyond their estimates."""
        mine = self._doubt_in_flight_usd
        others = sum(doubt() for doubt in self._purse.doubts if doubt != mine)
        return others + self._beyond_usd(prompt_tokens, self._in_flight + 1)

    def _doubt_in_flight_usd(self) -> float:
        """What this budget's requests in flight may cost beyond their estimates."""
        return self._beyond_usd(self._largest_in_flight, self._in_flight)

    def _beyond_usd(self, prompt_tokens: int, requests: int) -> float:
        if prompt_tokens <= ALIKE * self._largest_seen:
            return 0.0
        beyond = (MOST_TIMES_ESTIMATED - 1) * prompt_tokens * requests
        return worst_cost_usd(self._price, beyond, 0)


def _text_tokens(text: str) -> int:
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)


def _dollars(amount: float) -> str:
    """Write cents, and of less than a dollar two digits that say something."""
    decimals = 2 if amount <= 0 else max(2, 1 - math.floor(math.log10(amount)))
    return f"${amount:,.{decimals}f}"
