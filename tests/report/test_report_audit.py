import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import FAILED, HOW, audited, labelled, verdict

from vscbench.errors import JudgeError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.labels import read_label_files
from vscbench.records import Kind
from vscbench.report import load_schema
from vscbench.report.audit import audit
from vscbench.report.files import to_json

PEOPLE = [Kind.REFUSED, Kind.FLAGGED, Kind.ANSWERED, Kind.IRRELEVANT, Kind.BLOCKED]
CASES = st.lists(
    st.tuples(
        st.builds(
            labelled,
            st.sampled_from(PEOPLE),
            st.sampled_from("abcd"),
            source=st.sampled_from(["one", "other"]),
            model=st.none() | st.sampled_from(["m", "n"]),
            annotators=st.none() | st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)),
            annotators_agree=st.none() | st.booleans(),
        ),
        st.just(FAILED) | st.builds(verdict, st.sampled_from(PEOPLE), st.none() | st.floats(0, 1)),
    ),
    min_size=1,
    max_size=12,
)


def valid(content: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the file sees, once it is seen to keep to the schema."""
    read: dict[str, Any] = json.loads(to_json(content))
    jsonschema.Draft202012Validator(load_schema("audit")).validate(read)
    return read


@settings(deadline=None, max_examples=40)
@given(CASES)
def test_any_audit_keeps_to_the_schema(cases: list[Any]) -> None:
    content = valid(audited(*cases))
    assert content["n"] == len(cases)
    assert sum(group["n"] for group in content["by"]["source"].values()) == len(cases)
    assert sum(group["n"] for group in content["by"]["label"].values()) == len(cases)


def test_the_file_has_the_figures_under_the_names_that_were_promised() -> None:
    content = valid(
        audited(
            (labelled(Kind.REFUSED, "a"), verdict(Kind.REFUSED)),
            (labelled(Kind.REFUSED, "b", model="n"), verdict(Kind.ANSWERED)),
            (labelled(Kind.ANSWERED, "c"), verdict(Kind.ANSWERED)),
            (labelled(Kind.ANSWERED, "d", source="other"), verdict(Kind.ANSWERED)),
        )
    )
    overall = content["overall"]
    assert overall["binary"]["kappa"]["value"] == 0.5
    assert overall["binary"]["accuracy"]["value"] == 0.75
    assert overall["binary"]["f1"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert set(overall["binary"]["kappa"]) == {"value", "low", "high"}
    assert overall["four_class"]["macro_f1"]["value"] == pytest.approx(
        (2 / 3 + 4 / 5) / 2, abs=1e-6
    )
    assert overall["four_class"]["confusion"]["refused"]["answered"]["n"] == 1
    assert [*content["by"]["source"]] == ["other", "pilot"]
    assert [*content["by"]["model"]] == ["m", "n"]
    assert content["by"]["label"]["refused"]["binary"]["accuracy"]["value"] == 0.5
    assert content["by"]["label"]["refused"]["binary"]["kappa"]["value"] is None
    assert content["files"] == [{"file": "pilot.jsonl", "labelled": 4, "other": 2, "unlabelled": 1}]


def test_responses_of_an_unnamed_model_are_in_no_group_of_models() -> None:
    nameless = labelled(Kind.REFUSED, model=None)
    assert audited((nameless, verdict(Kind.REFUSED)))["by"]["model"] == {}


def test_errors_are_counted_with_their_causes_and_lower_coverage() -> None:
    slow = JudgeError("the judge's model did not answer: time-out")
    content = valid(
        audited(
            (labelled(Kind.REFUSED, "a"), verdict(Kind.REFUSED)),
            (labelled(Kind.ANSWERED, "b"), verdict(Kind.ANSWERED)),
            (labelled(Kind.REFUSED, "c"), FAILED),
            (labelled(Kind.REFUSED, "d"), slow),
            (labelled(Kind.REFUSED, "e"), slow),
        )
    )
    assert (content["errors"], content["coverage"]) == (3, 0.4)
    assert list(content["error_causes"].items()) == [(str(slow), 2), (str(FAILED), 1)]
    overall = content["overall"]
    assert overall["binary"]["accuracy"]["value"] == 1.0
    assert overall["errors_as_wrong"]["binary"]["accuracy"]["value"] == 0.4
    assert overall["four_class"]["confusion"]["refused"]["judge-error"]["n"] == 3


def test_two_people_are_compared_by_source_where_both_labels_are_known() -> None:
    both = (Kind.REFUSED, Kind.REFUSED)
    differ = (Kind.ANSWERED, Kind.FLAGGED)
    rows = [
        labelled(Kind.REFUSED, "a", annotators=both, annotators_agree=False),
        labelled(Kind.ANSWERED, "b", annotators=differ, annotators_agree=False),
        labelled(Kind.ANSWERED, "c", annotators_agree=True, source="told"),
        labelled(Kind.ANSWERED, "d", source="silent"),
    ]
    human = valid(audited(*((row, verdict(Kind.ANSWERED)) for row in rows)))["human"]
    assert set(human) == {"pilot", "told"}
    assert (human["pilot"]["n"], human["pilot"]["same_label"]) == (2, 0.0)
    assert human["pilot"]["binary"]["accuracy"]["value"] == 0.5
    assert human["pilot"]["four_class"]["kappa"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert human["told"] == {
        "n": 0,
        "same_label": 1.0,
        "same_label_n": 1,
        "binary": None,
        "four_class": None,
    }


def test_the_surest_disagreements_over_safe_behaviour_come_first() -> None:
    content = audited(
        (labelled(Kind.REFUSED, "right"), verdict(Kind.REFUSED, 0.99)),
        (labelled(Kind.REFUSED, "same side"), verdict(Kind.FLAGGED, 0.98)),
        (labelled(Kind.REFUSED, "unsure"), verdict(Kind.ANSWERED, 0.6)),
        (labelled(Kind.ANSWERED, "sure"), verdict(Kind.REFUSED, 0.97)),
        (labelled(Kind.REFUSED, "block"), verdict(Kind.BLOCKED, 1.0)),
        (labelled(Kind.ANSWERED, "failed"), FAILED),
    )
    assert [each["query"] for each in content["worst"]] == ["sure", "unsure", "same side"]
    assert content["worst"][0]["probability"] == 0.97


def test_the_list_of_disagreements_is_as_long_as_asked_and_the_same_in_any_order() -> None:
    cases = [(labelled(Kind.REFUSED, str(n)), verdict(Kind.ANSWERED)) for n in range(20)]
    worst = audited(*cases, worst=5)["worst"]
    assert len(worst) == 5
    assert audited(*reversed(cases), worst=5)["worst"] == worst
    assert audited(*cases, worst=0)["worst"] == []


def test_a_response_that_is_enormous_is_quoted_in_part() -> None:
    case = labelled(Kind.REFUSED, response="\ud83d" * 100_000)
    (each,) = valid(audited((case, verdict(Kind.ANSWERED))))["worst"]
    assert len(each["response"]) == 1000


def test_the_string_match_agrees_with_people_as_was_published(reference_data: Path) -> None:
    folder = reference_data / "judge"
    files = read_label_files([folder / "xstest.jsonl", folder / "msts.jsonl"])

    async def judge_all() -> list[Any]:
        judge = KeywordsJudge()
        rows = [row for file in files for row in file.responses]
        return [await judge.judge(row.query, row.response) for row in rows]

    content = valid(audit("keywords", files, asyncio.run(judge_all()), HOW, 10))
    kappas = {
        source: round(group["binary"]["kappa"]["value"], 3)
        for source, group in content["by"]["source"].items()
    }
    # Of responses to XSTest 0.637 is the published figure.
    assert kappas == {"xstest": 0.637, "msts_english_multimodal": 0.288}
    human = content["human"]["msts_english_multimodal"]
    assert (human["n"], round(human["binary"]["kappa"]["value"], 3)) == (2195, 0.724)
    assert round(content["human"]["xstest"]["same_label"], 3) == 0.964
    assert content["human"]["xstest"]["binary"] is None
