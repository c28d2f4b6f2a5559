"""The options that every command with a judge has, and what they mean."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vscbench.judges.spec import JudgeSpec, Sight, Ties

if TYPE_CHECKING:
    from vscbench.engine.store import Store

Command = Callable[..., Any]
OPTIONS = (
    click.option("--judge-model", metavar="ID", help="The LLM behind 'rubric': any litellm id."),
    click.option("--judge-api-base", metavar="URL", help="Address of the judge's server."),
    click.option(
        "--judge-param",
        metavar="KEY=VALUE",
        multiple=True,
        help="A parameter of the judge's model; may be repeated.",
    ),
    click.option(
        "--judge-sees",
        type=click.Choice([each.value for each in Sight]),
        help="Also give the judge the pair's image.",
    ),
    click.option(
        "--judge-tie",
        type=click.Choice([each.value for each in Ties]),
        default=Ties.ERROR.value,
        show_default=True,
        help="Who decides a panel's tie: nobody, or its last judge.",
    ),
    click.option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(min=1),
        help="Requests to the judge's model in flight.",
    ),
    click.option(
        "--store",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="Where verdicts that cost something are kept.  [default: the store of pytest here]",
    ),
)


def judge_options(command: Command) -> Command:
    """Add the options to a command, as ``judge_*``, ``concurrency`` and ``store``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def judge_spec(  # noqa: PLR0913 - one argument an option
    name: str,
    *,
    judge_model: str | None = None,
    judge_api_base: str | None = None,
    judge_param: Sequence[str] = (),
    judge_sees: str | None = None,
    judge_tie: str = Ties.ERROR,
    **others: object,
) -> JudgeSpec:
    """Say how the judge is to be opened, from a command's options.

    Raises:
        UsageError: a parameter is no KEY=VALUE, or pyproject.toml cannot be used.
    """
    from vscbench.models.parameters import read_parameter

    return JudgeSpec(
        name=name,
        model=judge_model,
        api_base=judge_api_base,
        params=dict(read_parameter("--judge-param", text) for text in judge_param),
        sees_image=judge_sees is not None,
        ties=Ties(judge_tie),
        block_words=_block_words(),
    )


def _block_words() -> tuple[str, ...]:
    from vscbench.cli_runs import project_root
    from vscbench.plugin.settings import read_table, texts_of

    return texts_of(read_table(project_root() / "pyproject.toml"), "block_words")


@contextmanager
def judge_store(spec: JudgeSpec, path: Path | None) -> "Iterator[Store | None]":
    """Open the store of a judge that costs something; a free one needs none, and none is made.

    Args:
        spec: the judge.
        path: the store's file, or ``None`` for the one that pytest would use here.

    Raises:
        StoreError: it cannot be used.
    """
    from vscbench.judges.open import asks_a_model

    if not asks_a_model(spec.name):
        yield None
        return
    from vscbench.cli_store import store_file
    from vscbench.engine.sqlite_store import open_store

    store = open_store(store_file(path))
    try:
        yield store
    finally:
        store.close()
