"""Every calibration method on one real language model, and what each costs in utility.

    python -m benchmarks.methods VSCBENCH_FOLDER [--out FOLDER] [--model local:PATH] [--sample N]

``VSCBENCH_FOLDER`` holds the published workbooks; pairs of variant ``text`` are asked, questions of
the shipped probe that need no image, and SmolLM2-135M-Instruct, the weights of the embedded model,
loaded by transformers. Directions, places, gate and alpha come from the development half of the
pairs (``vscbench method fit``); what is printed is of the test half (``vscbench run``), with the
share of outputs that are no longer language, the whole curve over alpha, and the trade
(``vscbench trade``), as Markdown. Vector files, runs and the store stay in ``--out``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vscbench.methods.fitting.coherence import is_incoherent, least_ordinary_score
from vscbench.methods.fitting.samples import samples_of
from vscbench.methods.open import open_method
from vscbench.methods.protocol import MethodSpec
from vscbench.methods.vectors import read_vector_file
from vscbench.models.embedded.weights import cache_folder, weights_file
from vscbench.models.local.activations import Sample, open_for_reading
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
from vscbench.pairs.open import open_pairs
from vscbench.records import Request

SKILLS = "text-arithmetic,text-format,text-knowledge,text-reading"
MOST_TOKENS = 48
# Reasoning takes more words than an answer.
MOST_TOKENS_OF_REASONING = 96
FITS: Mapping[str, Sequence[str]] = {
    "revision-layer": ("--alphas", "0.5,0.75,1,1.25,1.5"),
    "revision-head": ("--alphas", "2,4,8,12"),
}


def main() -> None:
    """Fit, run, trade, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("reports/methods"))
    parser.add_argument("--model")
    parser.add_argument("--sample", type=int, help="only so many pairs of each half")
    given = parser.parse_args()
    out: Path = given.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    model = given.model or f"local:{weights_file(cache_folder())}"
    asked = ["--pairs", str(given.pairs.absolute()), "--variant", "text"]
    asked += ["--sample", str(given.sample)] if given.sample else []
    fit_all(model, asked, out)
    reports = run_all(model, asked, out)
    print(table(reports, model, given.pairs))
    for name in FITS:
        print(curve(out / f"{name}.safetensors"))
    trade = ["trade", *map(str, reports), "--figure", str(out / "trade.svg")]
    print(vscbench(out, *trade, "--html", str(out / "trade.html"), "--format", "markdown"))


def vscbench(folder: Path, *command: str) -> str:
    """Run a command of vscbench in a folder; what it says of its progress is shown.

    Returns:
        What it printed.
    """
    line = [sys.executable, "-c", "from vscbench.cli import main; main()", *command]
    done = subprocess.run(line, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def fit_all(model: str, asked: Sequence[str], out: Path) -> None:
    """Make the vector files that are not there yet."""
    for name, options in FITS.items():
        file = out / f"{name}.safetensors"
        if not file.is_file():
            param = ("--param", f"max_tokens={MOST_TOKENS}")
            fit = ("method", "fit", name, "-o", str(file), "--model", model, *param)
            print(vscbench(out, *fit, *asked, *options), file=sys.stderr)


def run_all(model: str, asked: Sequence[str], out: Path) -> list[Path]:
    """Ask the test half by every method.

    Returns:
        The folders of the runs, in the order of the methods.
    """
    layers, heads = (f"{name}:{out / name}.safetensors" for name in FITS)
    gated = f"revision-gated:{out / 'revision-layer'}.safetensors"
    (out / "pyproject.toml").write_text("[tool.vscbench]\n", encoding="utf-8")
    before = {*out.glob("reports/*")}
    for methods, tokens in (
        (["none", "safety-prompt", "few-shot", layers, heads, gated], MOST_TOKENS),
        (["chain-of-thought"], MOST_TOKENS_OF_REASONING),
    ):
        vscbench(
            out,
            *("run", "--models", model, "--methods", ",".join(methods), *asked),
            *("--split", "test", "--utility", "probe", "--skill", SKILLS),
            *("--param", f"max_tokens={tokens}"),
        )
    return sorted({*out.glob("reports/*")} - before)


def table(reports: Sequence[Path], model: str, pairs: Path) -> str:
    """Lay out what each run measured, a line a method."""
    lines = [
        "| method | SRA_s | SRA_u | d' | criterion | utility | incoherent |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    shares = incoherent_shares(reports, model, pairs)
    for folder, share in zip(reports, shares, strict=True):
        summary = read(folder)
        sra, detection = summary["sra"], summary["detection"]
        cells = [
            summary["run"]["method"],
            percent(sra["safe"]),
            percent(sra["unsafe"]),
            estimate(detection["d_prime"]),
            estimate(detection["criterion"]),
            percent(summary["utility"]["accuracy"]),
            f"{100 * share:.1f} %",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    first = read(reports[0])
    counts = first["sra"]
    asked = f"{counts['safe']['n']} safe and {counts['unsafe']['n']} unsafe pairs"
    return "\n".join([*lines, "", f"{asked}, {first['utility']['scored']} questions", ""])


def incoherent_shares(reports: Sequence[Path], model: str, pairs: Path) -> Iterator[float]:
    """Yield the share of each run's outputs that are no longer language.

    As in the fit: an output that loops, or that the model, unrevised, finds less likely than it
    finds 99 of 100 of its own outputs, and of plain refusals and openings.
    """
    spec = ModelSpec(model, params={"max_tokens": MOST_TOKENS}, sends_images=False)
    reader = open_for_reading(LocalOpening(spec, model.removeprefix("local:"))).reader
    every = open_pairs(str(pairs.absolute()), Path()).pairs
    prompts = {pair.id: pair.prompt for pair in every}
    scored: list[list[tuple[str, float]]] = []
    for folder in reports:
        run = read(folder)["run"]
        texts = [(each["pair_id"], whole(each)) for each in outcomes(folder)]
        samples = [
            Sample(asked_by(run["method"], Request(pair, 1, prompts[pair], None, None)), text)
            for pair, text in texts
        ]
        scores = reader.answer_scores(samples)
        scored.append([(text, score) for (_, text), score in zip(texts, scores, strict=True)])
    asked = {each["pair_id"] for each in outcomes(reports[0])}
    plain = samples_of("response", [pair for pair in every if pair.id in asked])
    written = reader.answer_scores([Sample(each.request, each.answer) for each in plain])
    own = [score for text, score in scored[0] if text.strip()]
    least = least_ordinary_score(own, written)
    for answers in scored:
        wrong = [is_incoherent(text, score, least) for text, score in answers]
        yield sum(wrong) / len(wrong)


def asked_by(method: str, request: Request) -> Request:
    """Return what the model was asked; a revision changes nothing of that."""
    if method.startswith("revision"):
        return request
    return replace(open_method(MethodSpec(method)).prepare(request), method="none")


def whole(outcome: Mapping[str, Any]) -> str:
    """Return all that a model said, reasoning included."""
    return " ".join(filter(None, (outcome["reasoning"], outcome["response"])))


def curve(file: Path) -> str:
    """Lay out the curve over alpha of a vector file, as it was measured on development pairs."""
    made = read_vector_file(file)
    places = ", ".join(
        f"{each.layer}" if each.head is None else f"{each.layer}.{each.head}"
        for each in made.places
    )
    lines = [
        f"{file.stem}: {made.vector} of {made.samples}; places {places}; alpha {made.alpha:g}",
        "",
        "| alpha | SRA_u | SRA_s | incoherent | gated: SRA_u | SRA_s | incoherent |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for point in made.curve:
        cells = [f"{point['alpha']:g}"]
        for each in (point, point.get("gated") or {}):
            rates = (each.get(name) for name in ("sra_unsafe", "sra_safe", "incoherent"))
            cells += ["-" if rate is None else f"{100 * rate:.1f} %" for rate in rates]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def read(folder: Path) -> dict[str, Any]:
    """Read the summary of a run."""
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def outcomes(folder: Path) -> Iterator[dict[str, Any]]:
    """Read the outcomes of a run."""
    lines = (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    yield from (json.loads(line) for line in lines)


def percent(rate: Mapping[str, float] | None) -> str:
    """Write a rate with its interval."""
    if rate is None:
        return "-"
    return f"{100 * rate['rate']:.1f} % [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}]"


def estimate(found: Mapping[str, float | None]) -> str:
    """Write a number with its interval, where it has one."""
    value, low, high = found["value"], found["low"], found["high"]
    if value is None:
        return "-"
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
