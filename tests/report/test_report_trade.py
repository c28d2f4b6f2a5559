import csv
import io
import json
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hostile_responses import HOSTILE
from traded_runs import (
    HALF_SAFE,
    HALF_UNSAFE,
    PAIRS,
    broken_outcomes,
    some_runs,
    traded_run,
)
from written_runs import outcomes_of

from vscbench.calibration.scoring import Policy, Scoring
from vscbench.errors import UsageError
from vscbench.records import Kind
from vscbench.report.files import to_json
from vscbench.report.run_outcomes import RunOutcomes
from vscbench.report.trade import trade, trade_csv
from vscbench.report.trade_markdown import trade_markdown
from vscbench.report.trade_runs import TradeRun
from vscbench.report.trade_text import trade_lines

NAMES = [
    "=HYPERLINK(1)<script>alert(1)</script>",
    "a | b\n| c `d` [e](https://example.com)",
    "\x1b[31mred\x00\u202e\ud800",
    "::set-output name=a::b",
    "m" * 100_000,
]


def schema() -> dict[str, Any]:
    file = resources.files("vscbench.report") / "schemas" / "trade.schema.json"
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return read


def only_model(*runs: TradeRun) -> dict[str, Any]:
    (model,) = trade(runs)["models"]
    found: dict[str, Any] = model
    return found


def change_of(method: dict[str, Any], measure: str) -> dict[str, Any]:
    (found,) = [each for each in method["changes"] if each["measure"] == measure]
    change: dict[str, Any] = found
    return change


def test_methods_come_in_the_order_given_and_none_is_what_they_are_compared_with() -> None:
    model = only_model(*some_runs())
    assert model["baseline"]["run"] == "plain"
    assert [method["label"] for method in model["methods"]] == ["safety-prompt", "few-shot"]
    better, refuser = model["methods"]
    assert change_of(better, "sra_u")["difference"]["value"] == 0.45
    assert better["mean"]["difference"]["value"] == 0.225
    assert better["finding"]["verdict"] == "discriminates better"
    assert refuser["finding"]["verdict"] == "only refuses more"
    assert refuser["finding"]["utility"].startswith("costs 41.7 points of utility [")
    assert change_of(refuser, "criterion")["difference"]["value"] < 0
    assert model["tests"] == 12
    assert model["warnings"] == model["notes"] == []


def test_what_a_run_measured_by_itself_stands_beside_the_changes() -> None:
    better = only_model(*some_runs())["methods"][0]
    assert better["sra"]["unsafe"]["rate"] == 0.95
    assert better["utility"] == {
        "rate": 0.9, "n": 60, "low": better["utility"]["low"], "high": better["utility"]["high"],
    }  # fmt: skip
    assert better["detection"]["d_prime"]["value"] == change_of(better, "d_prime")["after"]["value"]


def test_the_file_fits_its_schema() -> None:
    odd = traded_run("odd", "x", outcomes=[each for each in outcomes_of(PAIRS)[::2]])
    everything = traded_run("all", "y", HALF_SAFE * 2, 0)
    found = trade([*some_runs(), odd, everything])
    jsonschema.Draft202012Validator(schema()).validate(json.loads(to_json(found)))
    jsonschema.Draft202012Validator.check_schema(schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate({**found, "models": []})


def test_each_model_is_traded_for_itself() -> None:
    other = [
        traded_run("a", "none", model="claude"),
        traded_run("b", "few-shot", HALF_SAFE, model="claude"),
    ]
    models = trade([*some_runs(), *other])["models"]
    assert [(model["model"], model["tests"]) for model in models] == [
        ("claude", 5),
        ("openai/m", 12),
    ]


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([("a", "few-shot"), ("b", "safety-prompt")], "none of its runs is without a method"),
        ([("a", "none"), ("b", "none"), ("c", "x")], "2 runs without a method (a, b); name one"),
        ([("a", "none")], "its only run is without a method"),
    ],
)
def test_a_model_needs_one_run_without_a_method_and_one_with(
    runs: list[tuple[str, str]], said: str
) -> None:
    with pytest.raises(UsageError) as error:
        trade([traded_run(name, method) for name, method in runs])
    assert said in str(error.value)
    assert "openai/m" in str(error.value)


def test_runs_without_a_common_pair_are_an_error_that_names_them() -> None:
    other = [replace(pair, id=f"other-{pair.id}") for pair in PAIRS]
    with pytest.raises(UsageError, match="b and a have no pair in common"):
        trade([traded_run("a"), traded_run("b", "x", outcomes=outcomes_of(other))])


def test_a_run_that_names_no_method_is_refused() -> None:
    lines = RunOutcomes("x.jsonl", None, {}, (), Policy(), has_queries=False)
    with pytest.raises(UsageError, match="does not say which model and method"):
        trade([traded_run("a"), TradeRun(lines)])


def test_one_method_with_other_parameters_is_told_apart_by_what_differs() -> None:
    runs = [
        traded_run(f"r{alpha}", "revision-layer", method_params={"alpha": alpha, "layer": 12})
        for alpha in (2, 4.5)
    ]
    model = only_model(traded_run("a"), *runs)
    assert [each["label"] for each in model["methods"]] == [
        "revision-layer alpha=2",
        "revision-layer alpha=4.5",
    ]
    assert model["methods"][0]["method_params"] == {"alpha": 2, "layer": 12}


def test_the_same_method_twice_is_told_apart_by_its_runs() -> None:
    model = only_model(traded_run("a"), traded_run("b", "x"), traded_run("c", "x"))
    assert [each["label"] for each in model["methods"]] == ["x (b)", "x (c)"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"judge": "classifier"}, "x has another judge than none: classifier, not keywords"),
        ({"scoring": Scoring.STRICT}, "x has another scoring than none: strict, not paper"),
        ({"epochs": 3}, "x has another number of epochs than none: 3, not 1"),
        ({"pairs_sha256": "1" * 64}, "x was asked other pairs: only those that both have"),
        ({"params": {"temperature": 1}}, "x has other parameters than none: temperature"),
        ({"served_models": ("m-2",)}, "x has other versions of the model than none: m-2, not m-1"),
        (
            {"selection": {"split": "development"}},
            "x was measured on the development split, which methods are tuned on",
        ),
    ],
)
def test_what_else_may_have_made_the_difference_is_a_warning(
    changes: dict[str, object], said: str
) -> None:
    (warning,) = only_model(traded_run("a"), traded_run("b", "x", **changes))["warnings"]  # type: ignore[arg-type]
    assert warning.startswith(said)


def test_images_that_had_to_be_scaled_are_no_other_parameters() -> None:
    run = traded_run("b", "x", params={"image_changes": {"scaled": 3}})
    assert only_model(traded_run("a"), run)["warnings"] == []


def test_all_runs_are_scored_as_the_one_without_a_method() -> None:
    irrelevant = outcomes_of(PAIRS, dict.fromkeys(HALF_SAFE, Kind.IRRELEVANT))
    strict = traded_run("b", "x", outcomes=irrelevant, scoring=Scoring.STRICT)
    model = only_model(traded_run("a"), strict)
    assert model["scored"]["scoring"] == "paper"
    assert change_of(model["methods"][0], "sra_s")["difference"]["value"] == 0


def test_incomplete_runs_say_so_in_pairs_and_in_questions() -> None:
    failed = traded_run("b", "x", outcomes=broken_outcomes("safe-001"))
    model = only_model(traded_run("a"), failed)
    assert model["warnings"] == ["x is incomplete: 159 of 160 planned cases were scored"]
    assert model["methods"][0]["compared"]["left_out"] == 1
    short = traded_run("b", "x", right=30, utility={"planned": 70})
    (said,) = only_model(traded_run("a", right=30), short)["warnings"]
    assert said == "x is incomplete in utility: 60 of 70 planned questions were scored"


def test_another_set_of_questions_or_grader_is_a_warning() -> None:
    other = traded_run("b", "x", right=30, utility={"sha256": "1" * 64, "grader": "llm"})
    assert only_model(traded_run("a", right=30), other)["warnings"] == [
        "x has other questions of utility than none",
        "x has another grader of utility than none",
    ]


def test_where_utility_was_not_measured_it_is_said_and_how_to() -> None:
    (nowhere,) = only_model(traded_run("a"), traded_run("b", "x"))["notes"]
    assert "pytest -m utility" in nowhere
    runs = traded_run("a", right=30), traded_run("b", "x"), traded_run("c", "y", right=30)
    (somewhere,) = only_model(*runs)["notes"]
    assert somewhere.startswith("utility was not measured with x (")


def test_a_snapshot_takes_its_clusters_from_the_run_it_is_compared_with() -> None:
    baseline = traded_run("a")
    bare = tuple(
        replace(each, pair=replace(each.pair, cluster_id=each.pair.id))
        for each in baseline.run.outcomes
    )
    said = {"model": "openai/m", "method": "x"}
    snapshot = RunOutcomes(
        "HEAD:m.vsc", None, said, bare, Policy(), has_queries=False, knows_pairs=False
    )
    method = only_model(baseline, TradeRun(snapshot))["methods"][0]
    assert change_of(method, "d_prime")["clusters"] == 80


def test_the_terminal_says_differences_side_by_side_sentences_and_a_table() -> None:
    lines = trade_lines(trade(some_runs()))
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "mean SRA" in text.split("safety-prompt")[0]
    assert "discriminates better: d' rose by" in " ".join(text.split())
    row = next(line for line in lines if line.startswith("  utility"))
    assert row.split()[:4] == ["utility,", "%", "91.7", "90.0"]
    assert any(line.startswith("  criterion") and "*" in line for line in lines)


def test_markdown_has_levels_changes_and_sentences() -> None:
    text = trade_markdown(trade(some_runs()))
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len(rows) == 9
    assert {row.count("|") for row in rows} == {9}
    assert "| few&#45;shot | +40.0 [" in text
    assert "**few&#45;shot** only refuses more: the criterion fell by" in text


def test_without_utility_there_is_no_column_of_it() -> None:
    text = trade_markdown(trade([traded_run("a"), traded_run("b", "x", HALF_SAFE)]))
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert {row.count("|") for row in rows} == {8}
    assert "utility was not measured" in text


def test_a_spreadsheet_gets_a_line_a_measure() -> None:
    text = trade_csv(trade(some_runs())).removeprefix("\ufeff")
    rows = [*csv.DictReader(io.StringIO(text))]
    assert len(rows) == 2 * 7
    first = rows[0]
    assert (first["method"], first["measure"], first["n"]) == ("safety-prompt", "sra_u", "80")
    assert (first["before"], first["after"], first["difference"]) == ("0.5", "0.95", "0.45")
    assert first["significant"] == "True"
    assert rows[6]["measure"] == "mean"
    assert rows[6]["p"] == ""
    assert rows[7]["params"] == "shots=4"


@pytest.mark.parametrize("text", NAMES, ids=range(len(NAMES)))
def test_hostile_names_are_shown_and_never_obeyed(text: str) -> None:
    params = {text: text, "alpha": [text]}
    runs = [
        traded_run(text, model=text, judge="k"),
        traded_run("b", text, HALF_UNSAFE, model=text, judge=text, method_params=params),
        traded_run(f"c{text}", text, model=text, judge=text, method_params={"alpha": 2}),
    ]
    found = trade(runs)
    lines = trade_lines(found)
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.lstrip().startswith("::")]
    written = trade_markdown(found)
    assert len(written) < 20_000
    for obeyed in ("<script", "`d`", "](http", "\x1b", "\x00"):
        assert obeyed not in written
    cells = [
        cell
        for row in csv.reader(io.StringIO(trade_csv(found).removeprefix("\ufeff")))
        for cell in row
    ]
    assert not any(cell.startswith(("=", "@")) for cell in cells)
    jsonschema.Draft202012Validator(schema()).validate(json.loads(to_json(found)))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_model_said_is_in_no_trade(text: str) -> None:
    outcomes = [
        replace(each, response=each.response and replace(each.response, text=text))
        for each in outcomes_of(PAIRS)
    ]
    found = trade([traded_run("a"), traded_run("b", "x", outcomes=outcomes)])
    plain = trade([traded_run("a"), traded_run("b", "x")])
    assert to_json(found) == to_json(plain)
