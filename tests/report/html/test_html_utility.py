import re
from importlib import resources
from typing import Any

import pytest
from html_runs import ATTACKS, many_outcomes, summary_for

from vscbench.records import Kind
from vscbench.report.html.page import report_page
from vscbench.report.html.utility import utility

ACCURACY = {"rate": 0.85, "n": 140, "low": 0.78, "high": 0.9}


def measured(**changes: object) -> dict[str, Any]:
    """What a summary says of utility."""
    return {
        "set": "probe",
        "sha256": "0" * 64,
        "planned": 142,
        "scored": 140,
        "grader": "match",
        "accuracy": ACCURACY,
        "by_skill": {"counting": {**ACCURACY, "n": 70}, "charts": None},
        **changes,
    }


def page_of(**changes: object) -> str:
    outcomes = many_outcomes(20)
    return report_page({**summary_for(outcomes), **changes}, outcomes)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("<main", 1)[1]).split())


def test_a_run_that_measured_utility_has_a_part_on_it_by_skill() -> None:
    page = page_of(utility=measured())
    text = text_of(page)
    assert '<a href="#utility">Utility</a>' in page
    assert "140 of 142 questions of probe graded, by match" in text
    assert re.search(r"all 85\.0.% 78\.0 to 90\.0.%, n 140", text)
    assert re.search(r"charts none scored counting 85\.0", text)


@pytest.mark.parametrize("said", [{}, {"utility": None}])
def test_a_run_that_did_not_has_none(said: dict[str, object]) -> None:
    assert utility(said) is None
    assert 'href="#utility"' not in page_of(**said)


def test_a_run_where_nothing_could_be_graded_says_so() -> None:
    page = page_of(utility=measured(accuracy=None, scored=0, by_skill={}))
    assert "all none scored" in text_of(page)


def test_a_thousand_skills_do_not_fill_the_page() -> None:
    found = utility({"utility": measured(by_skill={f"s-{n:04d}": None for n in range(1000)})})
    assert found is not None
    assert (len(found.skills), found.left_out) == (200, 800)


@pytest.mark.parametrize("attack", ATTACKS[:12])
def test_names_of_sets_skills_and_methods_stay_text(attack: str) -> None:
    outcomes = many_outcomes(4)
    run = {
        **summary_for(outcomes)["run"],
        "method": attack,
        "method_params": {attack: attack, "alpha": [attack]},
    }
    found = measured(set=attack, grader=attack, by_skill={attack: ACCURACY})
    page = report_page({**summary_for(outcomes), "run": run, "utility": found}, outcomes)
    assert page.count("<script") == 1
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert not re.search("[\x00-\x08\x1b\x7f-\x9f\u202e\u2066]", page)


def test_how_it_was_run_names_the_method_with_its_parameters() -> None:
    outcomes = many_outcomes(4)
    selection = {"split": "test"}
    summary = summary_for(
        outcomes, method="few-shot", method_params={"shots": 4, "set": "mine"}, selection=selection
    )
    text = text_of(report_page(summary, outcomes))
    assert "Method few-shot" in text
    assert "Method&#39;s parameters shots=4, set=mine" in text
    assert "Split test" in text
    plain = text_of(report_page(summary_for(outcomes), outcomes))
    assert "parameters" not in plain
    assert "Split" not in plain


def test_endless_parameters_are_cut() -> None:
    outcomes = many_outcomes(4)
    summary = summary_for(outcomes, method="x", method_params={"text": "y" * 100_000})
    assert "y" * 2_500 not in report_page(summary, outcomes)


def test_every_kind_has_a_colour_in_figures_and_lists() -> None:
    style = (resources.files("vscbench.report.html") / "assets" / "page.css").read_text("utf-8")
    for kind in Kind:
        assert f"  --{kind}: #" in style
        assert f".{kind} {{ --colour: var(--{kind}); }}" in style
