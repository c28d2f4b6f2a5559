"""The command-line options, as pytest shows them."""

import argparse

import pytest

from vscbench.calibration.scoring import BlockedPolicy, Scoring
from vscbench.records import Label, Scenario, Variant

GROUP = "vscbench"
MODEL_HELP = (
    "system under test: a short name ('vscbench models' lists them), a litellm id such as "
    "openai/gpt-4o, recorded:FILE, python:MODULE:CALLABLE, or embedded"
)

# Option name (without --vsc-), what stands for its value, and what it means. Each is also a key
# of [tool.vscbench] in pyproject.toml.
OPTIONS = (
    ("system", "FILE", "the production system prompt that goes with every request"),
    ("pairs", "NAME_OR_PATH", "'embedded' (default), a folder of pairs, or a manifest"),
    ("scenario", "A,B", f"only these scenarios: {', '.join(Scenario)}"),
    ("category", "A,B", "only these categories"),
    ("variant", "A,B", f"only these variants: {', '.join(Variant)}"),
    ("label", "A", f"only pairs of this label: {', '.join(Label)}"),
    ("sample", "N", "a stratified sample of N pairs that keeps contrasts whole"),
    ("seed", "N", "which sample (default 0)"),
    (
        "judge",
        "NAME",
        "the judge of responses: classifier (default), keywords, rubric, guard:MODEL, or a "
        "majority of several, panel:A,B,C",
    ),
    (
        "method",
        "NAME",
        "a test-time calibration method: safety-prompt, few-shot, chain-of-thought, or for weights "
        "loaded here revision-layer, revision-head, revision-gated; NAME:FILE gives it a file or "
        "folder (default none)",
    ),
    ("split", "test|development", "only that half of the pairs; no cluster is in both"),
    ("split-seed", "N", "which halves (default 0), as 'vscbench method fit' was told"),
    ("utility", "NAME_OR_PATH", "also ask questions of utility: 'probe' (shipped), or a file"),
    ("skill", "A,B", "only questions of utility of these skills"),
    ("grader", "ID", "an LLM that reads answers to questions of utility whose grading is 'grader'"),
    ("judge-model", "ID", "the LLM behind --vsc-judge rubric: any litellm id"),
    ("judge-api-base", "URL", "address of the server of the judge's model, passed to litellm"),
    ("judge-sees", "image", "also give a judge that is an LLM the pair's image"),
    ("judge-tie", "error|last", "who decides a panel's tie: nobody (default) or its last judge"),
    ("scoring", "|".join(Scoring), "how irrelevant answers to safe pairs score (default paper)"),
    ("blocked", "|".join(BlockedPolicy), "how a provider's block scores (default refused)"),
    ("epochs", "K", "ask each pair K times (default 1); ids are those of the pair, then :2, :3"),
    ("api-base", "URL", "address of the model's server, passed to litellm"),
    (
        "concurrency",
        "N",
        "requests in flight, for the whole run whatever -n is; as many go to a judge's model",
    ),
    ("rpm", "N", "requests a minute to the model under test, for the whole run"),
    ("tpm", "N", "tokens a minute to and from the model under test, for the whole run"),
    ("timeout", "S", "deadline of one request in seconds (default 120)"),
    ("retries", "N", "further attempts after a passing fault (default 5)"),
    ("max-cost", "USD", "stop before this run has spent more, judge included, by litellm's prices"),
    ("store", "PATH", "where answers are kept (default .vscbench/store.sqlite)"),
    (
        "gate",
        "FILE",
        "what decides the exit status: a TOML file, instead of [tool.vscbench.gate]; 'none' for "
        "pytest's own",
    ),
    ("baseline", "RUN", "the gate compares with this run: its folder, its id, or a snapshot"),
    ("report", "DIR", "where a run's files go (default reports)"),
)
FLAGS = (
    ("offline", "use what is in the store and ask nothing"),
    ("refresh", "ask everything anew, whatever is in the store"),
    ("dry-run", "print the plan (requests, tokens, cost) and send nothing"),
    ("redact", "keep text of queries and responses out of all but outcomes.jsonl and report.html"),
)


def destination(name: str) -> str:
    """Name the attribute under which pytest keeps an option's value."""
    return f"vsc_{name.replace('-', '_')}"


def add_options(parser: pytest.Parser) -> None:
    """Add every option but ``--model``, which waits until its owner is known."""
    group = parser.getgroup(GROUP, "safety calibration of vision-language models")
    group.addoption("--vsc-model", dest="vsc_model", metavar="NAME", help=MODEL_HELP)
    group.addoption(
        "--vsc-param",
        dest="vsc_param",
        metavar="KEY=VALUE",
        action="append",
        help="a parameter of the model (temperature=0.2); may be given several times",
    )
    group.addoption(
        "--vsc-judge-param",
        dest="vsc_judge_param",
        metavar="KEY=VALUE",
        action="append",
        help="a parameter of the judge's model; may be given several times",
    )
    group.addoption(
        "--vsc-method-param",
        dest="vsc_method_param",
        metavar="KEY=VALUE",
        action="append",
        help="a parameter of the calibration method; may be given several times",
    )
    group.addoption(
        "--vsc-snapshot-update",
        dest="vsc_snapshot_update",
        action="store_true",
        default=None,
        help="write the snapshot of this run: --snapshot-update, where another plugin has that",
    )
    for name, metavar, text in OPTIONS:
        group.addoption(f"--vsc-{name}", dest=destination(name), metavar=metavar, help=text)
    for name, text in FLAGS:
        group.addoption(
            f"--vsc-{name}", dest=destination(name), action="store_true", default=None, help=text
        )


def add_model_option(parser: pytest.Parser) -> bool:
    """Add ``--model`` unless another plugin or a conftest already owns it.

    Returns:
        Whether the option is ours.
    """
    try:
        parser.getgroup(GROUP).addoption(
            "--model", dest="vsc_model", metavar="NAME", help=MODEL_HELP
        )
    except (ValueError, argparse.ArgumentError):
        return False
    return True
