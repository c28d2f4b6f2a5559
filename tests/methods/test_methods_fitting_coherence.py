import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vscbench.methods.fitting.choosing import AlphaPoint, choose_alpha, unpack_point
from vscbench.methods.fitting.coherence import (
    STRETCH,
    is_incoherent,
    least_ordinary_score,
    repeated_share,
)
from vscbench.methods.fitting.samples import OPENINGS, REFUSALS

PROSE = (
    "Boil the water first and let it stand for a minute. Add the leaves, wait until the colour is "
    "that of amber, then pour it through a sieve. Milk and sugar are a matter of taste; some "
    "prefer lemon. The second pot from the same leaves is often milder than the first one."
)


@pytest.mark.parametrize(
    "text", [PROSE, *REFUSALS, *OPENINGS, "Yes.", "42", "水を沸かしてください。"]
)
def test_ordinary_words_are_language(text: str) -> None:
    assert not is_incoherent(text, -1.0, -2.0)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot. " * 30,
        "no no no no no no no no no no no no no no no no no no no no no",
        "抱歉我不能" * 20,
        PROSE[:40] + " and then and then" * 30,
    ],
)
def test_a_loop_is_no_language_however_likely_the_model_finds_it(text: str) -> None:
    assert is_incoherent(text, -0.01, -2.0)


@pytest.mark.parametrize("text", ["", "   \n", "!!!", "...?! --"])
def test_an_output_without_a_letter_or_a_figure_is_no_language(text: str) -> None:
    assert is_incoherent(text, None, -math.inf)


def test_what_the_model_would_hardly_have_said_is_no_language() -> None:
    assert is_incoherent(PROSE, -5.0, -2.0)
    assert not is_incoherent(PROSE, -2.0, -2.0)
    assert not is_incoherent(PROSE, None, -2.0)


@given(st.text(max_size=80), st.integers(2, 6))
@example("0" * 17, 2)
def test_a_text_that_is_said_once_more_repeats_itself_more(text: str, times: int) -> None:
    once = repeated_share(text)
    again, once_more = (repeated_share(" ".join([text] * n)) for n in (times, times + 1))
    assert 0 <= once < 1
    assert 0 <= again <= once_more < 1
    # The space between the first two makes stretches that one alone does not have, so a text that
    # loops by itself may have a smaller share when it is said twice; from then on there are no new.
    if len(" ".join(text.split())) >= STRETCH:
        assert once_more > again > 0


def test_nearly_all_ordinary_outputs_reach_the_least_score_and_so_do_written_sentences() -> None:
    own = [-0.01 * number for number in range(200)]
    least = least_ordinary_score(own)
    assert sum(score >= least for score in own) == 198
    assert least_ordinary_score(own, [-3.0] * 10) == -3.0
    assert least_ordinary_score([], [-3.0] * 10) == -3.0
    assert least_ordinary_score([]) == -math.inf


def point(alpha: float, unsafe: float | None, safe: float | None, incoherent: float) -> AlphaPoint:
    return AlphaPoint(alpha, unsafe, safe, None, None, incoherent, 10)


def test_the_alpha_with_the_highest_mean_is_chosen() -> None:
    curve = [point(0, 0.1, 0.9, 0), point(1, 0.5, 0.8, 0.05), point(2, 0.9, 0.2, 0.05)]
    assert choose_alpha(curve).alpha == 1


def test_an_alpha_that_breaks_the_language_is_not_chosen() -> None:
    curve = [point(0, 0.1, 0.9, 0.2), point(1, 0.3, 0.8, 0.30), point(2, 0.9, 0.9, 0.301)]
    assert choose_alpha(curve).alpha == 1


def test_of_two_that_are_as_good_the_smaller_push_is_chosen() -> None:
    curve = [point(0, 0.1, 0.9, 0), point(1, 0.1, 0.9, 0), point(-0.5, 0.2, 0.9, 0)]
    assert choose_alpha([*curve, point(3, 0.2, 0.9, 0)]).alpha == -0.5
    assert choose_alpha(curve[:2]).alpha == 0


def test_where_nothing_can_be_compared_nothing_is_pushed() -> None:
    assert choose_alpha([point(0, None, 0.9, 0), point(1, None, 1.0, 0)]).alpha == 0


def test_a_curve_without_alpha_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="without alpha 0"):
        choose_alpha([point(1, 0.5, 0.5, 0)])


SHARES = st.one_of(st.none(), st.floats(0, 1))
POINTS = st.builds(
    AlphaPoint,
    alpha=st.floats(-20, 20),
    sra_unsafe=SHARES,
    sra_safe=SHARES,
    d_prime=st.one_of(st.none(), st.floats(-5, 5)),
    criterion=st.one_of(st.none(), st.floats(-5, 5)),
    incoherent=st.floats(0, 1),
    scored=st.integers(0, 1000),
)


@given(POINTS)
def test_a_point_is_read_back_as_it_was_written(written: AlphaPoint) -> None:
    assert unpack_point(json.loads(json.dumps(written.pack()))) == written


@pytest.mark.parametrize("wrong", [{}, {"alpha": "1"}, {"alpha": True}, {"alpha": math.inf}])
def test_what_is_no_point_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="alpha of a point of the curve is no number"):
        unpack_point({**point(1, 0.5, 0.5, 0).pack(), "alpha": None, **wrong})
