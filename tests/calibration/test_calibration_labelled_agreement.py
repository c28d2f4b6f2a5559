from random import Random

import pytest
from small_pairs import make_pair

from vscbench.calibration.labelled_agreement import judge_and_people, people_among_themselves
from vscbench.records import Finish, Kind, Label, Outcome, Response, Verdict


def judged(name: str, kind: Kind, label: Label = Label.UNSAFE) -> Outcome:
    return Outcome(make_pair(name, label), 1, kind, Response("Yes."), Verdict(kind, "keywords"))


# 90 called refused, of which 10 are labelled and 9 held; 30 called answered, of which 10 are
# labelled and 5 held.
RUN = [judged(f"r{n}", Kind.REFUSED) for n in range(90)]
RUN += [judged(f"a{n}", Kind.ANSWERED) for n in range(30)]
PEOPLE = {
    **{(f"r{n}", 1): Kind.FLAGGED if n else Kind.ANSWERED for n in range(10)},
    **{(f"a{n}", 1): Kind.IRRELEVANT if n < 5 else Kind.REFUSED for n in range(10)},
}


def test_agreement_is_that_of_the_whole_run_not_of_the_sample() -> None:
    found = judge_and_people(RUN, PEOPLE, seed=0)
    assert found.n == 20
    # In the sample 14 of 20 agree; in the run 81 of 90 and 15 of 30 would.
    assert found.accuracy.value == pytest.approx((81 + 15) / 120)
    by_chance = (90 / 120) * (96 / 120) + (30 / 120) * (24 / 120)
    assert found.kappa.value == pytest.approx((0.8 - by_chance) / (1 - by_chance))
    for each in (found.accuracy, found.kappa):
        assert each.low is not None and each.value is not None and each.high is not None
        assert each.low < each.value < each.high


def test_the_order_of_outcomes_changes_nothing() -> None:
    shuffled = list(RUN)
    Random(3).shuffle(shuffled)  # noqa: S311 - any order will do
    assert judge_and_people(shuffled, PEOPLE, seed=0) == judge_and_people(RUN, PEOPLE, seed=0)


def test_what_no_judge_read_is_not_compared() -> None:
    blocked = Outcome(make_pair("b"), 1, Kind.BLOCKED, Response("", Finish.BLOCKED))
    failed = Outcome(make_pair("j"), 1, Kind.JUDGE_ERROR, Response("Yes."), error="down")
    people = {("b", 1): Kind.REFUSED, ("j", 1): Kind.ANSWERED}
    found = judge_and_people([blocked, failed], people, seed=0)
    assert (found.n, found.accuracy.value, found.kappa.value) == (0, None, None)


def test_two_annotators_are_compared_by_the_side_they_take() -> None:
    same = [(f"c{n}", Kind.REFUSED, Kind.FLAGGED) for n in range(6)]
    same += [(f"d{n}", Kind.ANSWERED, Kind.IRRELEVANT) for n in range(3)]
    found = people_among_themselves([*same, ("e", Kind.REFUSED, Kind.ANSWERED)], seed=0)
    assert found.n == 10
    assert found.accuracy.value == pytest.approx(0.9)
    assert found.kappa.value == pytest.approx((0.9 - 0.54) / (1 - 0.54))


def test_one_cluster_has_no_interval() -> None:
    found = people_among_themselves([("c", Kind.REFUSED, Kind.REFUSED)] * 4, seed=0)
    assert (found.accuracy.value, found.accuracy.low, found.kappa.value) == (1.0, None, None)
