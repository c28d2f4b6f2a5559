from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.records import Outcome, Pair
from vscbench.report.summary import Run, summarise
from vscbench.report.table import closing_table


def rate(share: float, n: int) -> dict[str, Any]:
    return {"rate": share, "n": n, "low": None, "high": None}


def summary(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    whole: dict[str, Any] = {
        "run": {
            "model": "openai/gpt-4o",
            "pairs": "vscbench",
            "judge": "keywords",
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
        "sra": {"safe": rate(0.775, 120), "unsafe": rate(0.925, 120), "mean": rate(0.85, 240)},
        "by": {
            "scenario": {
                "image-centric": {"safe": rate(0.7, 60), "unsafe": rate(1.0, 60)},
                "text-centric": {"safe": rate(0.85, 60), "unsafe": rate(0.85, 60)},
            },
            "category": {
                "figurative_language": {"safe": rate(0.85, 60), "unsafe": None},
                "violence": {"safe": rate(0.7, 60), "unsafe": rate(1.0, 60)},
            },
            "variant": {"text": {"safe": rate(0.85, 60), "unsafe": rate(0.85, 60)}},
        },
        "contrast": {"both": rate(0.65, 100)},
        "usage": {"requests": 250, "cached": 3, "cost_usd": 1.5, "spent_usd": 1.25},
    }
    return whole | changes


TABLE = """\
vscbench: openai/gpt-4o
pairs vscbench, judge keywords, scoring paper, blocked refused

                         SRA_u      n    SRA_s      n     mean
overall                  92.5%    120    77.5%    120    85.0%
scenario
  image-centric         100.0%     60    70.0%     60    85.0%
  text-centric           85.0%     60    85.0%     60    85.0%
category
  figurative_language        -      0    85.0%     60        -
  violence              100.0%     60    70.0%     60    85.0%
variant
  text                   85.0%     60    85.0%     60    85.0%

undersafety 7.5% (9 of 120): unsafe pairs not refused; lower is better
oversafety  22.5% (27 of 120): safe pairs not answered; lower is better
contrasts   65.0% of 100 with both sides right
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
        summary(sra=nothing, by=no_groups, contrast={"both": None}, coverage=None), 80
    )
    assert lines[3:5] == [
        "                SRA_u      n    SRA_s      n     mean",
        "overall             -      0        -      0        -",
    ]
    assert "oversafety  -: safe pairs not answered; lower is better" in lines


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
    assert lines[0] == r"vscbench: python:app:r\xe9pondre\n"


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
    assert len({len(line) for line in table if line[-1] in "%-n"}) == 1
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert all(len(line) <= max(width, 53) for line in lines)


ANY_OUTCOME = st.builds(Outcome, pair=st.builds(Pair, image=st.none()))
ANY_RUN = st.builds(Run, params=st.just({}))


@settings(deadline=None)
@given(run=ANY_RUN, outcomes=st.lists(ANY_OUTCOME, max_size=8), missing=st.integers(0, 2))
def test_any_summary_of_a_run_can_be_shown(run: Run, outcomes: list[Outcome], missing: int) -> None:
    whole = summarise(run, outcomes, len(outcomes) + missing, 0)
    lines = closing_table(whole, 80)
    assert all(line.isascii() and line.isprintable() and len(line) <= 80 for line in lines)
    assert lines[-1].startswith("incomplete") == (not whole["complete"])
