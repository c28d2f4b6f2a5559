from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.records import Outcome, Pair
from vscbench.report.summary import Run, summarise
from vscbench.report.table import NARROWEST, closing_table
from vscbench.visible import columns, visible


def is_harmless(line: str) -> bool:
    return visible(line, len(line)) == line


def rate(
    share: float, n: int, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    return {"rate": share, "n": n, "low": low, "high": high}


def summary(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    whole: dict[str, Any] = {
        "run": {
            "model": "openai/gpt-4o",
            "pairs": "vscbench",
            "judge": "keywords",
            "method": "none",
            "scoring": "paper",
            "blocked": "refused",
            "served_models": ["gpt-4o-2024-08-06"],
        },
        "counts": {
            "planned": 243,
            "scored": 240,
            "no_query": 0,
            "by_kind": {
                "refused": 90,
                "flagged": 30,
                "answered": 110,
                "irrelevant": 0,
                "blocked": 6,
                "empty": 3,
                "truncated": 1,
                "target-error": 2,
                "judge-error": 1,
            },
            "by_cause": {
                "judge": {"cases": 1, "example": "no verdict in the judge's answer"},
                "rate limit": {"cases": 2, "example": "rate limit (HTTP 429): slow down"},
            },
        },
        "coverage": 240 / 243,
        "complete": False,
        "sra": {
            "safe": rate(0.775, 120, 0.692, 0.841),
            "unsafe": rate(0.925, 120, 0.862, 0.961),
            "mean": rate(0.85, 240, 0.8, 0.89),
        },
        "by": {
            "scenario": {
                "image-centric": {
                    "safe": rate(0.7, 60, 0.57, 0.8012),
                    "unsafe": rate(1.0, 60, 0.9401, 1.0),
                },
                "text-centric": {"safe": rate(0.85, 60), "unsafe": rate(0.85, 60)},
            },
            "category": {
                "figurative_language": {"safe": rate(0.85, 60), "unsafe": None},
                "violence": {"safe": rate(0.7, 60), "unsafe": rate(1.0, 60, 0.99951, 1.0)},
            },
            "variant": {"text": {"safe": rate(0.85, 60), "unsafe": rate(0.05, 60, 0.0, 0.15)}},
        },
        "contrast": {
            "both": rate(0.65, 100, 0.549, 0.737),
            "overreach": rate(0.2, 100, 0.132, 0.291),
            "underreach": rate(0.1, 100, 0.054, 0.177),
        },
        "detection": {
            "d_prime": {"value": 2.187, "low": 1.75, "high": 2.62},
            "criterion": {"value": -0.341, "low": -0.6, "high": -0.08},
            "at_ceiling": False,
        },
        "usage": {"requests": 250, "cached": 3, "cost_usd": 1.5, "spent_usd": 1.25},
    }
    return whole | changes


def skill(d_prime: float | None, *, at_ceiling: bool) -> dict[str, Any]:
    opened = {"low": None if d_prime is None else 2.5, "high": None}
    nothing = {"value": d_prime and 0.0, "low": None, "high": None}
    return {
        "d_prime": {"value": d_prime, **opened},
        "criterion": nothing,
        "at_ceiling": at_ceiling,
    }


TABLE = """\
vscbench: openai/gpt-4o
pairs vscbench, judge keywords, scoring paper, blocked refused

in % [95 %]            SRA_u                  n  SRA_s                  n   mean
overall                 92.5 [86.2, 96.1]   120   77.5 [69.2, 84.1]   120   85.0
scenario
  image-centric        100.0 [94.0, 100]     60   70.0 [57.0, 80.1]    60   85.0
  text-centric          85.0                 60   85.0                 60   85.0
category
  figurative_language      -                  0   85.0                 60      -
  violence             100.0 [100, 100]      60   70.0                 60   85.0
variant
  text                   5.0 [0.0, 15.0]     60   85.0                 60   45.0

undersafety 7.5% (9 of 120): unsafe pairs not refused; lower is better
oversafety  22.5% (27 of 120): safe pairs not answered; lower is better
mean        85.0% [80.0, 89.0]: SRA_u and SRA_s weigh the same
contrasts   65.0% [54.9, 73.7] of 100 with both sides right
overreach   20.0% [13.2, 29.1] with only the unsafe side right
underreach  10.0% [5.4, 17.7] with only the safe side right
d'          2.19 [1.75, 2.62]: telling unsafe from safe; 0 is not at all
criterion   -0.34 [-0.60, -0.08]: under 0 leans to refusing, over 0 to answering
outcomes    refused=90, flagged=30, answered=110, blocked=6, empty=3,
            truncated=1, target-error=2, judge-error=1
errors      3 (target 2, judge 1); in neither rate
  1 x judge, such as: no verdict in the judge's answer
  2 x rate limit, such as: (HTTP 429): slow down
blocked     2.5% (6 of 243), scored as refused
requests    250 sent; 3 cases from the store; cost $1.5000, $1.2500 of it in
            this run
coverage    98.8% (240 of 243)
incomplete: 240 of 243 planned cases were scored"""


def test_the_table_reads_as_a_release_engineer_sees_it() -> None:
    assert "\n".join(closing_table(summary(), 80)) == TABLE


def test_a_complete_run_without_blocks_or_errors_says_no_more_than_that() -> None:
    by_kind = dict.fromkeys(summary()["counts"]["by_kind"], 0) | {"refused": 2}
    counts = {"planned": 2, "scored": 2, "no_query": 12, "by_kind": by_kind, "by_cause": {}}
    usage = {"requests": 2, "cached": 0, "cost_usd": None, "spent_usd": None}
    lines = closing_table(summary(counts=counts, coverage=1.0, complete=True, usage=usage), 80)
    assert lines[-5:] == [
        "outcomes    refused=2",
        "errors      0",
        "requests    2 sent",
        "coverage    100.0% (2 of 2)",
        "no query    12 pairs, skipped and outside coverage",
    ]


def test_a_run_in_which_nothing_was_scored_shows_dashes() -> None:
    nothing = {"safe": None, "unsafe": None, "mean": None}
    no_groups: dict[str, Any] = {"scenario": {}, "category": {}, "variant": {}}
    lines = closing_table(
        summary(
            sra=nothing,
            by=no_groups,
            contrast={"both": None},
            detection=skill(None, at_ceiling=False),
            coverage=None,
        ),
        80,
    )
    assert lines[3:5] == [
        "in % [95 %]   SRA_u                  n  SRA_s                  n   mean",
        "overall           -                  0      -                  0      -",
    ]
    assert "oversafety  -: safe pairs not answered; lower is better" in lines


def test_skill_at_the_ceiling_is_said_to_be_open_above() -> None:
    lines = closing_table(summary(detection=skill(4.1, at_ceiling=True)), 120)
    assert (
        "d'          4.10 [2.50, inf]: telling unsafe from safe; 0 is not at all; a rate is "
        "0 or 1: n sets it"
    ) in lines
    assert "criterion   0.00: under 0 leans to refusing, over 0 to answering" in lines


def test_repeats_are_summed_up_where_there_are_any() -> None:
    repeats = {
        "epochs": 3,
        "safe": {"pass_rate": rate(0.7, 60), "all_of_k": rate(0.5, 60, 0.38, 0.62)},
        "unsafe": {"pass_rate": rate(0.9, 60), "all_of_k": None},
        "flips": ["a", "b"],
    }
    lines = closing_table(summary(repeats=repeats), 100)
    assert (
        "repeats     3 epochs; right in all of them: safe 50.0% [38.0, 62.0]; 2 pairs flip" in lines
    )


def test_answers_of_several_versions_are_not_mixed_silently() -> None:
    run = summary()["run"] | {"served_models": ["m-2024", "m-2025"]}
    lines = closing_table(summary(run=run), 100)
    assert "versions    answers come from 2 versions of the model: m-2024, m-2025" in lines


def test_blocks_say_how_they_were_scored() -> None:
    run = summary()["run"]
    separate = closing_table(summary(run=run | {"blocked": "separate"}), 80)
    error = closing_table(summary(run=run | {"blocked": "error"}), 80)
    assert "blocked     2.5% (6 of 243), in neither rate" in separate
    assert "blocked     2.5% (6 of 243), counted as errors" in error


def test_a_name_from_anywhere_cannot_steer_the_terminal() -> None:
    by = summary()["by"] | {"category": {"\x1b[31mred\u202e": {"safe": None, "unsafe": None}}}
    run = summary()["run"] | {"model": "python:app:r\u00e9pondre\n"}
    lines = closing_table(summary(by=by, run=run), 80)
    assert any(line.startswith(r"  \x1b[31mred\u202e ") for line in lines)
    assert lines[0] == "vscbench: python:app:r\u00e9pondre\\n"


def test_a_cause_is_shown_as_the_failures_show_it() -> None:
    said = "(HTTP 400): \u7cfb\u7edf\u68c0\u6d4b\u5230\u654f\u611f\u5185\u5bb9 \x1b[31m" * 3
    counts = summary()["counts"] | {"by_cause": {"bad request": {"cases": 2, "example": said}}}
    lines = closing_table(summary(counts=counts), 80)
    text = "".join(line.strip() for line in lines).replace(" ", "")
    assert visible(said, 1000).replace(" ", "") in text
    assert all(columns(line) <= 80 for line in lines)


@settings(deadline=None)
@given(
    width=st.integers(0, 200),
    categories=st.dictionaries(
        st.text(max_size=60), st.just({"safe": rate(0.5, 3600), "unsafe": None}), max_size=5
    ),
)
def test_rows_stay_aligned_and_within_the_terminal(
    width: int, categories: Mapping[str, Any]
) -> None:
    lines = closing_table(summary(by=summary()["by"] | {"category": categories}), width)
    start = lines.index("") + 1
    table = lines[start : lines.index("", start)]
    assert (
        len({columns(line) for line in table if line not in ("scenario", "category", "variant")})
        == 1
    )
    assert all(is_harmless(line) for line in lines)
    assert all(columns(line) <= max(width, NARROWEST) for line in lines)


ANY_OUTCOME = st.builds(Outcome, pair=st.builds(Pair, image=st.none()))
ANY_RUN = st.builds(Run, params=st.just({}))


@settings(deadline=None)
@given(run=ANY_RUN, outcomes=st.lists(ANY_OUTCOME, max_size=8), missing=st.integers(0, 2))
def test_any_summary_of_a_run_can_be_shown(run: Run, outcomes: list[Outcome], missing: int) -> None:
    whole = summarise(run, outcomes, len(outcomes) + missing, 0)
    lines = closing_table(whole, 80)
    assert all(is_harmless(line) and columns(line) <= 80 for line in lines)
    assert lines[-1].startswith("incomplete") == (not whole["complete"])


def test_the_method_is_named_where_there_is_one() -> None:
    plain = closing_table(summary(), 80)
    said = summary()
    said["run"]["method"] = "few-shot"
    assert not any("method" in line for line in plain)
    assert any(line.startswith("method few-shot, pairs ") for line in closing_table(said, 80))


def test_responses_without_a_final_answer_are_counted_and_many_are_a_warning() -> None:
    def lines(without: int, method: str = "none") -> str:
        told = summary()
        told["counts"]["by_kind"] |= {"answered": 110 - without, "no-final-answer": without}
        told["run"]["method"] = method
        return " ".join(" ".join(closing_table(told, 100)).split())

    assert "no answer" not in lines(0)
    some = lines(60)
    assert "no answer 25.0% (60 of 240) are reasoning alone, wrong on both labels" in some
    assert "warning" not in some
    told = summary()
    told["counts"]["by_kind"] = {"no-final-answer": 240, "target-error": 3}
    told["counts"]["by_kind"] |= {"blocked": 0, "judge-error": 0}
    all_of_them = " ".join(" ".join(closing_table(told, 100)).split())
    assert "warning no response holds a final answer" in all_of_them
    for mend in ("max_tokens", "--reasoning-parser", "[tool.vscbench] reasoning_tags"):
        assert mend in all_of_them
