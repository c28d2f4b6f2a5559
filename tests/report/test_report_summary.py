import copy
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any, Literal, get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.pairs.selection import Selection
from vscbench.records import Cause, Finish, Kind, Label, Outcome, Pair, Response, Scenario, Variant
from vscbench.report import load_schema
from vscbench.report.run_pairs import selection_fields
from vscbench.report.schema import SchemaName
from vscbench.report.summary import Run, summarise, usage_of, write_summary

SCHEMA = load_schema("summary")
RUN = Run(
    id="20260102T030405Z-1a2b",
    model="openai/gpt-4o",
    served_models=("gpt-4o-2024-08-06",),
    fingerprints=("fp_1a2b",),
    params={"temperature": 0, "max_tokens": 4096},
    method="none",
    judge="keywords",
    scoring=Scoring.PAPER,
    blocked=BlockedPolicy.REFUSED,
    pairs="embedded",
    pairs_sha256="0" * 64,
    epochs=1,
    started="2026-01-02T03:04:05Z",
    finished="2026-01-02T03:05:06Z",
    version="0.1.0",
)
ANY_OUTCOME = st.builds(
    Outcome,
    pair=st.builds(
        Pair,
        category=st.sampled_from(["drugs", "privacy"]),
        variant=st.none() | st.sampled_from(Variant),
        contrast_id=st.none() | st.sampled_from("ab"),
        cluster_id=st.sampled_from("abcd"),
        image=st.none(),
    ),
    epoch=st.integers(1, 2),
    response=st.none()
    | st.builds(
        Response,
        prompt_tokens=st.none() | st.integers(0, 9999),
        cost_usd=st.none() | st.floats(0, 1),
    ),
)
ANY_POLICY = st.builds(Policy, st.sampled_from(Scoring), st.sampled_from(BlockedPolicy))


def case(
    label: Label,
    kind: Kind,
    variant: Variant | None = None,
    response: Response | None = None,
) -> Outcome:
    scenario = Scenario.TEXT_CENTRIC if variant else Scenario.IMAGE_CENTRIC
    pair = Pair(
        id=f"{variant}-{label}",
        label=label,
        scenario=scenario,
        category="homonyms" if variant else "drugs",
        type=None,
        variant=variant,
        query="q",
        prompt="q",
        image=None,
        image_sha256=None,
        contrast_id=str(variant),
        cluster_id="k",
        source="row 2",
    )
    return Outcome(pair, 1, kind, response)


OUTCOMES = (
    case(Label.SAFE, Kind.ANSWERED, response=Response("a", Finish.STOP, None, "m", 10, 5, 0.1)),
    case(Label.UNSAFE, Kind.REFUSED, response=Response("b", Finish.STOP, None, "m", 7, None, 0.2)),
    case(Label.SAFE, Kind.IRRELEVANT, Variant.TEXT, Response("c")),
    replace(
        case(Label.UNSAFE, Kind.TARGET_ERROR, Variant.TEXT),
        cause=Cause.TIME_OUT,
        error="no answer within 120 s",
    ),
    case(Label.SAFE, Kind.REFUSED, Variant.FIGSTEP, Response("d")),
    case(Label.UNSAFE, Kind.BLOCKED, Variant.FIGSTEP, Response("", Finish.BLOCKED)),
)


def rate(share: float, n: int) -> dict[str, Any]:
    return {"rate": share, "n": n, "low": None, "high": None}


def contrast(both: float, overreach: float, n: int) -> dict[str, Any]:
    return {
        "both": rate(both, n),
        "overreach": rate(overreach, n),
        "underreach": rate(0, n),
    }


def detection(d_prime: float | None, criterion: float | None) -> dict[str, Any]:
    return {
        "d_prime": {"value": d_prime and pytest.approx(d_prime), "low": None, "high": None},
        "criterion": {"value": criterion and pytest.approx(criterion), "low": None, "high": None},
        "at_ceiling": d_prime is not None,
    }


def z(share: float) -> float:
    return NormalDist().inv_cdf(share)


def test_a_small_run_is_summarised_as_the_schema_says() -> None:
    # All of one cluster, so that nothing has an interval; log-linear corrected shares of right.
    drugs = detection(2 * z(1.5 / 2), 0.0)
    texts = detection(z(1.5 / 3) + z(1.5 / 2), (z(1.5 / 3) - z(1.5 / 2)) / 2)
    assert summarise(RUN, OUTCOMES, planned=6, no_query=2) == {
        "schema": 1,
        "run": {
            "id": "20260102T030405Z-1a2b",
            "model": "openai/gpt-4o",
            "served_models": ["gpt-4o-2024-08-06"],
            "fingerprints": ["fp_1a2b"],
            "params": {"temperature": 0, "max_tokens": 4096},
            "method": "none",
            "judge": "keywords",
            "scoring": "paper",
            "blocked": "refused",
            "pairs": "embedded",
            "pairs_sha256": "0" * 64,
            "epochs": 1,
            "started": "2026-01-02T03:04:05Z",
            "finished": "2026-01-02T03:05:06Z",
            "version": "0.1.0",
        },
        "counts": {
            "planned": 6,
            "scored": 5,
            "no_query": 2,
            "by_kind": {
                "refused": 2,
                "flagged": 0,
                "answered": 1,
                "irrelevant": 1,
                "blocked": 1,
                "empty": 0,
                "truncated": 0,
                "no-final-answer": 0,
                "target-error": 1,
                "judge-error": 0,
            },
            "by_cause": {"time-out": {"cases": 1, "example": "no answer within 120 s"}},
        },
        "coverage": 5 / 6,
        "complete": False,
        "sra": {"safe": rate(2 / 3, 3), "unsafe": rate(1, 2), "mean": rate((2 / 3 + 1) / 2, 5)},
        "by": {
            "scenario": {
                "image-centric": {"safe": rate(1, 1), "unsafe": rate(1, 1)},
                "text-centric": {"safe": rate(1 / 2, 2), "unsafe": rate(1, 1)},
            },
            "category": {
                "drugs": {"safe": rate(1, 1), "unsafe": rate(1, 1)},
                "homonyms": {"safe": rate(1 / 2, 2), "unsafe": rate(1, 1)},
            },
            "variant": {
                "figstep": {"safe": rate(0, 1), "unsafe": rate(1, 1)},
                "text": {"safe": rate(1, 1), "unsafe": None},
            },
        },
        "contrast": contrast(1 / 2, 1 / 2, 2)
        | {
            "by": {
                "scenario": {
                    "image-centric": contrast(1, 0, 1),
                    "text-centric": contrast(0, 1, 1),
                },
                "category": {"drugs": contrast(1, 0, 1), "homonyms": contrast(0, 1, 1)},
            }
        },
        "detection": detection(z(2.5 / 4) + z(2.5 / 3), (z(2.5 / 4) - z(2.5 / 3)) / 2)
        | {
            "by": {
                "scenario": {"image-centric": drugs, "text-centric": texts},
                "category": {"drugs": drugs, "homonyms": texts},
            }
        },
        "usage": {
            "requests": 6,
            "cached": 0,
            "prompt_tokens": 17,
            "completion_tokens": 5,
            "cost_usd": pytest.approx(0.3),
            "spent_usd": None,
        },
        "gate": {"passed": None, "checks": []},
    }


@pytest.mark.parametrize(
    ("blocked", "scored", "unsafe"),
    [
        (BlockedPolicy.REFUSED, 5, rate(1, 2)),
        (BlockedPolicy.SEPARATE, 5, rate(1, 1)),
        (BlockedPolicy.ERROR, 4, rate(1, 1)),
    ],
)
def test_only_a_block_taken_for_an_error_lowers_coverage(
    blocked: BlockedPolicy, scored: int, unsafe: dict[str, Any]
) -> None:
    summary: Any = summarise(replace(RUN, blocked=blocked), OUTCOMES, 6, 0)
    assert summary["counts"]["scored"] == scored
    assert summary["coverage"] == scored / 6
    assert summary["sra"]["unsafe"] == unsafe
    assert summary["counts"]["by_kind"]["blocked"] == 1


def test_a_run_is_complete_when_all_planned_cases_were_scored() -> None:
    refused = [case(Label.UNSAFE, Kind.REFUSED), case(Label.SAFE, Kind.EMPTY)]
    assert summarise(RUN, refused, 2, 0)["complete"] is True
    assert summarise(RUN, refused, 3, 0)["complete"] is False


def test_a_run_without_cases_has_no_rates_and_no_coverage() -> None:
    summary: Any = summarise(RUN, [], 0, 12)
    jsonschema.Draft202012Validator(SCHEMA).validate(summary)
    assert summary["coverage"] is None
    assert summary["sra"] == {"safe": None, "unsafe": None, "mean": None}
    no_groups: dict[str, Any] = {"scenario": {}, "category": {}}
    assert summary["contrast"] == {
        "both": None,
        "overreach": None,
        "underreach": None,
        "by": no_groups,
    }
    unknown = {"value": None, "low": None, "high": None}
    assert summary["detection"] == {
        "d_prime": unknown,
        "criterion": unknown,
        "at_ceiling": False,
        "by": no_groups,
    }
    assert summary["usage"]["cost_usd"] is None


@settings(deadline=None)
@given(
    outcomes=st.lists(ANY_OUTCOME),
    missing=st.integers(0, 5),
    policy=ANY_POLICY,
    random=st.randoms(use_true_random=False),
)
def test_any_summary_fits_the_schema_and_forgets_the_order_of_asking(
    tmp_path_factory: pytest.TempPathFactory,
    outcomes: list[Outcome],
    missing: int,
    policy: Policy,
    random: Random,
) -> None:
    planned = len(outcomes) + missing
    run = replace(RUN, scoring=policy.scoring, blocked=policy.blocked)
    folder = tmp_path_factory.mktemp("run")
    for name, order in (("a", outcomes), ("b", random.sample(outcomes, len(outcomes)))):
        write_summary(folder / name, summarise(run, order, planned, 0))
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
    summary = json.loads((folder / "a").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(summary)
    assert sum(summary["counts"]["by_kind"].values()) == len(outcomes)


def test_a_parameter_that_json_does_not_know_is_x(tmp_path: Path) -> None:
    summary: Any = summarise(RUN, OUTCOMES, 6, 0)
    summary["run"]["params"] = {"top_p": float("nan"), "stop": ["\ud800"]}
    write_summary(tmp_path / "summary.json", summary)
    written = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert written["run"]["params"] == {"top_p": None, "stop": ["\ud800"]}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["schema"], 2),
        (["surprise"], 1),
        (["run", "scoring"], "loose"),
        (["run", "pairs_sha256"], "f33f"),
        (["counts", "by_kind", "target_error"], 1),
        (["counts", "scored"], -1),
        (["coverage"], 1.5),
        (["sra", "safe"], 0.5),
        (["sra", "safe", "rate"], 2),
        (["sra", "safe", "n"], 0),
        (["by", "variant", "image"], {"safe": None, "unsafe": None}),
        (["by", "category", "drugs"], {"safe": None}),
        (["contrast", "by", "scenario", "drugs"], None),
        (["detection", "d_prime"], None),
        (["detection", "at_ceiling"], 0),
        (["repeats"], {"epochs": 1}),
        (["gate", "passed"], "yes"),
    ],
)
def test_the_schema_rejects_a_wrong_summary(place: list[str], value: object) -> None:
    summary: Any = summarise(RUN, OUTCOMES, 6, 0)
    jsonschema.Draft202012Validator(SCHEMA).validate(summary)
    wrong = copy.deepcopy(summary)
    target = wrong
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(wrong)


@pytest.mark.parametrize("name", get_args(SchemaName))
def test_every_schema_is_one(name: SchemaName) -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("name", ["summary", "outcome"])
def test_the_schemas_are_closed(name: Literal["summary", "outcome"]) -> None:
    schema = load_schema(name)
    assert schema["additionalProperties"] is False
    optional = {
        "summary": {"corrected", "repeats", "utility"},
        "outcome": {"evidence", "reasoning"},
    }[name]
    assert {*schema["required"]} == {*schema["properties"]} - optional


def test_the_schemas_know_every_kind() -> None:
    kinds = [kind.value for kind in Kind]
    by_kind = SCHEMA["properties"]["counts"]["properties"]["by_kind"]
    assert load_schema("outcome")["properties"]["kind"]["enum"] == kinds
    assert list(by_kind["properties"]) == kinds
    # Files of older versions do not have it.
    assert by_kind["required"] == [kind for kind in kinds if kind != Kind.NO_FINAL_ANSWER]


def test_errors_are_counted_by_cause_with_the_message_that_came_most() -> None:
    failed = case(Label.SAFE, Kind.TARGET_ERROR)
    messages = ("slow down", "busy", "slow down", "a", "a")
    outcomes = [replace(failed, cause=Cause.RATE_LIMIT, error=text) for text in messages]
    outcomes += [replace(case(Label.SAFE, Kind.JUDGE_ERROR), cause=Cause.JUDGE, error="no class")]
    summary: Any = summarise(RUN, outcomes, 6, 0)
    assert summary["counts"]["by_cause"] == {
        "judge": {"cases": 1, "example": "no class"},
        "rate limit": {"cases": 5, "example": "a"},
    }


def test_a_response_that_cases_share_is_paid_for_once() -> None:
    shared = case(Label.SAFE, Kind.ANSWERED, response=Response("a", cost_usd=0.5, prompt_tokens=3))
    outcomes = [replace(shared, response_key="k"), replace(shared, response_key="k"), shared]
    usage = usage_of(outcomes, requests=2, cached=1, spent_usd=0.5)
    assert (usage["cost_usd"], usage["prompt_tokens"]) == (1.0, 6)
    assert (usage["requests"], usage["cached"], usage["spent_usd"]) == (2, 1, 0.5)


def test_what_was_spent_does_not_depend_on_the_order_of_asking() -> None:
    said = case(Label.SAFE, Kind.ANSWERED, response=Response("a", cost_usd=0.5))
    again = replace(said, response=Response("b", cost_usd=0.25))
    outcomes = [replace(each, response_key="k") for each in (said, again)]
    assert usage_of(outcomes, requests=2) == usage_of(outcomes[::-1], requests=2)


def test_where_pairs_and_responses_come_from_is_told_where_it_is_known() -> None:
    wanted = Selection(labels=[Label.UNSAFE], sample=20, seed=3)
    run = replace(RUN, selection=selection_fields(wanted), rejudged_from="20260101T000000Z-1a2b3c")
    said: Any = summarise(run, [], 0, 0)
    jsonschema.Draft202012Validator(SCHEMA).validate(said)
    assert said["run"]["rejudged_from"] == "20260101T000000Z-1a2b3c"
    assert said["run"]["selection"] == {
        "scenario": [],
        "category": [],
        "variant": [],
        "label": ["unsafe"],
        "sample": 20,
        "seed": 3,
        "split": None,
        "split_seed": 0,
    }
    unknown: Any = summarise(RUN, [], 0, 0)
    assert not {"selection", "rejudged_from"} & {*unknown["run"]}


def test_intervals_take_the_pairs_of_one_cluster_together() -> None:
    alone = [
        replace(each, pair=replace(each.pair, cluster_id=f"{each.pair.cluster_id}{number}"))
        for number, each in enumerate(OUTCOMES * 5)
    ]
    grouped = [
        replace(each, pair=replace(each.pair, cluster_id=str(number // len(OUTCOMES))))
        for number, each in enumerate(OUTCOMES * 5)
    ]

    def sra(outcomes: list[Outcome]) -> Any:  # noqa: ANN401
        return summarise(RUN, outcomes, len(outcomes), 0)["sra"]

    assert sra(alone)["unsafe"]["rate"] == sra(grouped)["unsafe"]["rate"] == 1
    assert sra(alone)["unsafe"]["low"] > sra(grouped)["unsafe"]["low"] > 0
    for rates in (sra(alone), sra(grouped)):
        for each in ("safe", "unsafe", "mean"):
            assert 0 <= rates[each]["low"] <= rates[each]["rate"] <= rates[each]["high"] <= 1


def test_repeats_are_there_where_pairs_were_asked_more_than_once() -> None:
    again = [replace(OUTCOMES[0], epoch=2, kind=Kind.REFUSED), replace(OUTCOMES[1], epoch=2)]
    summary: Any = summarise(replace(RUN, epochs=2), [*OUTCOMES[:2], *again], 4, 0)
    jsonschema.Draft202012Validator(SCHEMA).validate(summary)
    assert summary["repeats"] == {
        "epochs": 2,
        "safe": {"pass_rate": rate(1 / 2, 1), "all_of_k": rate(0, 1), "variance": 1 / 2},
        "unsafe": {"pass_rate": rate(1, 1), "all_of_k": rate(1, 1), "variance": 0},
        "flips": [OUTCOMES[0].pair.id],
    }
    assert "repeats" not in summarise(RUN, OUTCOMES, 6, 0)
