"""``vscbench method``: fitting a method to a local model, and looking at what was fitted."""

import math
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from vscbench.cli_options import judge_options, judge_spec
from vscbench.cli_runs import project_reasoning
from vscbench.errors import UsageError
from vscbench.records import Scenario, Variant
from vscbench.visible import visible

if TYPE_CHECKING:
    from vscbench.models.local.opening import LocalOpening

Choice = TypeVar("Choice", bound=StrEnum)
LEVELS = {"revision-layer": "layer", "revision-head": "head"}
# As many places, and such pushes in standard deviations, as are worth a try where nothing is known.
PLACES = {"layer": 3, "head": 24}
ALPHAS = {"layer": "0,0.25,0.5,0.75,1,1.25,1.5,2", "head": "0,2,4,6,8,12,16"}
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def method() -> None:
    """Fit calibration methods that need it, and look at what was fitted."""


@method.command()
@click.argument("name", type=click.Choice(list(LEVELS)), metavar="NAME")
@click.option("-o", "--output", metavar="FILE", type=FILE, required=True, help="The vector file.")
@click.option(
    "--model", metavar="NAME", required=True, help="local:PATH_OR_ID, or a name of open weights."
)
@click.option(
    "--param", metavar="KEY=VALUE", multiple=True, help="As --vsc-param; may be repeated."
)
@click.option(
    "--pairs",
    metavar="NAME_OR_PATH",
    default="embedded",
    show_default=True,
    help="The set; only its development half is used.",
)
@click.option("--scenario", metavar="A,B", default="", help="Only these scenarios.")
@click.option("--category", metavar="A,B", default="", help="Only these categories.")
@click.option("--variant", metavar="A,B", default="", help="Only these variants.")
@click.option("--sample", metavar="N", type=click.IntRange(min=1), help="Only so many pairs.")
@click.option(
    "--split-seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which halves; --vsc-split knows those of 0.",
)
@click.option(
    "--samples",
    type=click.Choice(["texts", "response", "responses"]),
    default="responses",
    show_default=True,
    help="What is contrasted: unsafe with safe queries, or refusals with agreement to unsafe ones.",
)
@click.option(
    "--vector",
    type=click.Choice(["mass-mean", "probe"]),
    default="mass-mean",
    show_default=True,
    help="The difference of the means, or a linear probe's weights.",
)
@click.option(
    "--places",
    metavar="K",
    type=click.IntRange(min=1),
    help=f"Layers or heads.  [default: {PLACES['layer']} layers, {PLACES['head']} heads]",
)
@click.option(
    "--alphas",
    metavar="A,B",
    help="In standard deviations; 0 is always there.  "
    f"[default: {ALPHAS['layer']} for layers, {ALPHAS['head']} for heads]",
)
@click.option(
    "--judge", metavar="NAME", default="classifier", show_default=True, help="As --vsc-judge."
)
@judge_options
def fit(  # noqa: PLR0913 - one argument an option
    name: str,
    *,
    output: Path,
    model: str,
    param: tuple[str, ...],
    pairs: str,
    scenario: str,
    category: str,
    variant: str,
    sample: int | None,
    split_seed: int,
    samples: str,
    vector: str,
    places: int | None,
    alphas: str | None,
    judge: str,
    store: Path | None,
    concurrency: int | None,
    **judge_settings: object,
) -> None:
    """Fit NAME (revision-layer or revision-head) to a model whose weights are loaded here.

    Only the development half of the pairs is used. Directions, places and the gate are made from
    one part of it; alpha is chosen on the rest: the one with the highest mean of SRA_u and SRA_s,
    among those at which the share of incoherent outputs is at most 10 points above that at 0.

    The gate is in the file too: revision-gated takes it as it is.
    """
    # Imported where they are used, so that other commands do not wait for them.
    from vscbench.pairs.selection import Selection

    level = LEVELS[name]
    selection = Selection(
        scenarios=_choices("--scenario", Scenario, scenario),
        categories=_words(category),
        variants=_choices("--variant", Variant, variant),
        sample=sample,
    )
    spec = judge_spec(judge, **judge_settings)  # type: ignore[arg-type]
    tried = read_alphas(alphas or ALPHAS[level])
    opening = _opening(model, param)
    _require_place(output)
    from vscbench.cli_method_fit import FitAsked
    from vscbench.cli_method_fit import fit as fit_now

    asked = FitAsked(
        level=cast(Any, level),
        opening=opening,
        pairs=pairs,
        selection=selection,
        split_seed=split_seed,
        samples=cast(Any, samples),
        vector=cast(Any, vector),
        places=places or PLACES[level],
        alphas=tried,
        judge=spec,
        store=store,
        concurrency=concurrency,
        output=output,
        forms=project_reasoning(),
    )
    file = fit_now(asked, _tell, _progress(sys.stderr.isatty()))
    from vscbench.cli_method_text import curve_lines

    for line in curve_lines(file):
        click.echo(line)
    click.echo(f"\nvectors: {output}  (--vsc-method {name}:{output} --vsc-split test)")


@method.command()
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Say what a vector FILE holds: for which model, its places, and the curve over alpha."""
    from vscbench.cli_method_text import about_lines, curve_lines, place_lines
    from vscbench.methods.vectors import read_vector_file

    found = read_vector_file(file)
    for line in (*about_lines(found), "", *place_lines(found), "", *curve_lines(found)):
        click.echo(visible(line, len(line)))


def read_alphas(text: str) -> tuple[float, ...]:
    """Read the alphas to try, each once and in order; 0 is always among them.

    Raises:
        UsageError: one is no number.
    """
    found = {0.0}
    for word in _words(text):
        try:
            alpha = float(word)
        except ValueError:
            alpha = math.nan
        if not math.isfinite(alpha):
            raise UsageError(f"--alphas: {word!r} is not a number")
        found.add(alpha)
    return tuple(sorted(found))


def _opening(model: str, param: Sequence[str]) -> "LocalOpening":
    """Say how the model is opened.

    Raises:
        UsageError: its weights are not loaded here.
    """
    from vscbench.cli_runs import named_models
    from vscbench.models.local.opening import require_packages
    from vscbench.models.open import local_opening
    from vscbench.models.parameters import read_parameter
    from vscbench.models.protocol import ModelSpec

    params = dict(read_parameter("--param", text) for text in param)
    opening = local_opening(ModelSpec(model, params=params), named_models())
    if opening is None:
        raise UsageError(
            f"--model {model}: its activations cannot be read; fitting needs weights that are "
            "loaded here: --model local:PATH_OR_ID"
        )
    require_packages(opening)
    return opening


def _require_place(output: Path) -> None:
    """Check that the file can be written before the work is done, which may take hours."""
    if not output.absolute().parent.is_dir():
        raise UsageError(f"-o {output}: there is no folder {output.absolute().parent}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _choices(option: str, kind: type[Choice], text: str) -> tuple[Choice, ...]:
    try:
        return tuple(kind(word) for word in _words(text))
    except ValueError:
        wrong = next(word for word in _words(text) if word not in set(kind))
        raise UsageError(f"{option}: {wrong!r} is none of {', '.join(kind)}") from None


def _tell(line: str) -> None:
    click.echo(visible(line, len(line)), err=True)


def _progress(shown: bool) -> Callable[[int, int], None]:
    def show(done: int, number: int) -> None:
        end = "\n" if done == number else ""
        click.echo(f"\rasked {done} of {number}{end}", nl=False, err=True)

    return show if shown else lambda done, number: None
