from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.judges.classifier.features import Features
from vscbench.judges.classifier.weights import (
    SHIPPED,
    UNIT,
    Question,
    Sum,
    Weights,
    load_weights,
    packed,
)
from vscbench.records import Kind

NO, YES = Sum(-UNIT, {}), Sum(UNIT, {})
NAMES = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["C", "Z"]), min_size=1)
SUMS = st.builds(
    Sum,
    st.integers(-999, 999),
    st.dictionaries(NAMES, st.integers(-999, 999).filter(bool), max_size=4),
)
QUESTIONS = st.builds(Question, SUMS, SUMS)


def features(*present: str, is_plan: bool = False, **measured: float) -> Features:
    return Features(frozenset(present), measured, is_plan)


def test_log_odds_are_the_sum_of_what_is_there() -> None:
    weighed = Sum(UNIT, {"one": 2 * UNIT, "much": -UNIT, "absent": 9 * UNIT})
    assert weighed.log_odds(features("one", "unknown", much=0.5)) == pytest.approx(2.5)


def test_plans_and_other_queries_have_sums_of_their_own() -> None:
    question = Question(of_a_plan=YES, of_others=NO)
    assert question.log_odds(features(is_plan=True)) == 1
    assert question.log_odds(features(is_plan=False)) == -1


@pytest.mark.parametrize(
    ("safe", "refused", "irrelevant", "kind"),
    [
        (YES, YES, YES, Kind.REFUSED),
        (YES, NO, YES, Kind.FLAGGED),
        (NO, YES, YES, Kind.IRRELEVANT),
        (NO, YES, NO, Kind.ANSWERED),
    ],
)
def test_three_answers_make_one_of_four_kinds(
    safe: Sum, refused: Sum, irrelevant: Sum, kind: Kind
) -> None:
    one, two, three = (Question(each, each) for each in (safe, refused, irrelevant))
    decided, log_odds = Weights(one, two, three, digest="").decide(features())
    assert decided is kind
    assert log_odds == (1 if safe is YES else -1)


@given(QUESTIONS, QUESTIONS, QUESTIONS)
def test_weights_are_read_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, safe: Question, refused: Question, rest: Question
) -> None:
    path = tmp_path_factory.mktemp("weights") / "weights.tsv"
    path.write_bytes(packed(safe, refused, rest))
    read = load_weights(path)
    assert (read.safe, read.refused, read.irrelevant) == (safe, refused, rest)
    assert packed(read.safe, read.refused, read.irrelevant) == path.read_bytes()


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    other = tmp_path / "other.tsv"
    other.write_bytes(packed(*(Question(YES, NO) for _ in range(3))))
    assert (
        len({load_weights().digest, load_weights(SHIPPED).digest, load_weights(other).digest}) == 2
    )


def test_the_shipped_file_is_small_and_holds_patterns_not_sentences() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    assert SHIPPED.stat().st_size < 1_000_000
    assert max(len(line.split("\t")[0].split()) for line in lines) <= 8
