"""What a run was asked to do: the command line over ``[tool.vscbench]`` of pyproject.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from vscbench.calibration.gate import Gate
from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.errors import UsageError
from vscbench.judges.spec import JudgeSpec, Sight, Ties
from vscbench.methods.open import read_method
from vscbench.methods.protocol import Method, MethodSpec
from vscbench.models.parameters import read_parameter
from vscbench.models.protocol import ModelSpec, ParamValue
from vscbench.pairs.selection import Selection
from vscbench.pairs.split import Split
from vscbench.plugin.gate_file import GATE_TABLE, read_gate, read_gate_file
from vscbench.plugin.options import FLAGS, OPTIONS, destination
from vscbench.plugin.source import Number, Source
from vscbench.reasoning.forms import ReasoningForm, reasoning_forms
from vscbench.records import FIRST_EPOCH, NO_METHOD, Label, Request, Scenario, Variant

DEFAULT_RETRIES = 5
PROBE = "probe"
DEFAULT_JUDGE = "classifier"
DEFAULT_STORE = ".vscbench/store.sqlite"
NO_GATE = "none"
PARAMETERS = ("param", "judge-param", "method-param")
TABLES = ("models", *PARAMETERS)
LISTS = ("block_words",)
REASONING_TAGS = "reasoning_tags"
NAMES = ("model", *(name for name, *_ in (*OPTIONS, *FLAGS)))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice of a run, read once and checked before anything else happens."""

    model: str | None
    api_base: str | None
    params: Mapping[str, ParamValue]
    system: str | None
    pairs: str
    pairs_base: Path
    selection: Selection
    method: MethodSpec
    utility: str | None
    utility_base: Path
    skills: tuple[str, ...]
    grader: str | None
    judge: JudgeSpec
    reasoning: tuple[ReasoningForm, ...]
    policy: Policy
    epochs: int
    concurrency: int | None
    requests_per_minute: float | None
    tokens_per_minute: float | None
    timeout_s: float | None
    retries: int
    most_usd: float | None
    store: Path
    offline: bool
    refresh: bool
    dry_run: bool
    redact: bool
    report: Path
    gate: Gate | None
    baseline: str | None
    baseline_base: Path
    named_models: Mapping[str, Mapping[str, object]]
    block_words: tuple[str, ...] = ()

    def model_spec(self, method: Method, *, sends_images: bool) -> ModelSpec:
        """Say how the system under test is to be opened, to be asked by a method."""
        asked = method.prepare(Request("", FIRST_EPOCH, "?", None, self.system))
        return ModelSpec(
            name=self.model or "",
            api_base=self.api_base,
            params=self.params,
            sends_images=sends_images,
            sends_system=asked.system is not None,
            sends_demonstrations=bool(asked.demonstrations),
            timeout_s=self.timeout_s,
            needs_key=not (self.offline or self.dry_run),
            block_words=self.block_words,
        )


def is_asked_for(config: pytest.Config) -> bool:
    """Whether the command line names a model or any other option of ours."""
    names = (*NAMES, *PARAMETERS, "snapshot-update")
    return any(config.getoption(destination(name), None) is not None for name in names)


def wants_utility(config: pytest.Config) -> bool:
    """Whether ``-m`` asks for questions of utility."""
    return bool(re.search(r"(?<!not )\butility\b", config.option.markexpr or ""))


def read_settings(config: pytest.Config) -> Settings:
    """Read the options of the command line and, below them, those of pyproject.toml.

    Raises:
        UsageError: an option or a key cannot be used; the message names it.
    """
    return settings_of(
        Source(
            lambda name: config.getoption(destination(name), None),
            read_table(config.rootpath / "pyproject.toml"),
            config.invocation_params.dir,
            config.rootpath,
        ),
        PROBE if wants_utility(config) else None,
    )


def settings_of(source: Source, utility: str | None = None) -> Settings:
    """Read every choice of a run.

    Args:
        source: where they are written.
        utility: the questions that are asked where none are named.

    Raises:
        UsageError: an option or a key cannot be used; the message names it.
    """
    settings = _settings(source, utility)
    if settings.offline and settings.refresh:
        option = source.prefix
        raise UsageError(
            f"{option}offline asks nothing and {option}refresh asks everything; choose one"
        )
    for name, given in (("skill", settings.skills), ("grader", settings.grader)):
        if given and settings.utility is None:
            raise UsageError(
                f"{source.known_as(name)}: no questions of utility are asked; add "
                f"{source.prefix}utility probe, or a file of your own"
            )
    return settings


def read_table(path: Path) -> Mapping[str, object]:
    """Read ``[tool.vscbench]`` of a pyproject.toml; empty where there is none.

    Raises:
        UsageError: the file is not TOML, or a key is unknown.
    """
    if not path.is_file():
        return {}
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    table = tool.get("vscbench", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.vscbench] must be a table")
    known = (*NAMES, *TABLES, *LISTS, REASONING_TAGS)
    for key in table:
        if key not in known:
            raise UsageError(
                f"{path}, [tool.vscbench]: unknown key {key!r}; known: {', '.join(sorted(known))}"
            )
    for key in TABLES:
        if not isinstance(table.get(key, {}), dict):
            raise UsageError(f"{path}: [tool.vscbench.{key}] must be a table")
    for key in LISTS:
        _require_texts(path, key, table.get(key, []))
    return table


def texts_of(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    """Return the texts of a list in a table that ``read_table`` has read."""
    value = table.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _require_texts(path: Path, key: str, value: object) -> None:
    texts = value if isinstance(value, list) else [None]
    # A blank text is in every message.
    if not all(isinstance(each, str) and each.strip() for each in texts):
        raise UsageError(
            f"{path}: [tool.vscbench] {key} = {value!r:.80}: a list of texts is needed, such as "
            f'{key} = ["house rule"]'
        )


def forms_in(table: Mapping[str, object]) -> tuple[ReasoningForm, ...]:
    """Return the forms of reasoning: the built-in ones, and those of ``[tool.vscbench]``.

    Raises:
        UsageError: one of the table cannot be used.
    """
    return reasoning_forms(table.get(REASONING_TAGS, []), f"[tool.vscbench] {REASONING_TAGS}")


def _settings(source: Source, utility: str | None) -> Settings:
    models = source.table.get("models", {})
    timeout_s = source.number("timeout", float, 0.001)
    return Settings(
        model=source.text("model"),
        api_base=source.text("api-base"),
        params=_params(source, "param"),
        system=_system(source),
        pairs=source.text("pairs") or "embedded",
        pairs_base=source.base("pairs"),
        selection=Selection(
            scenarios=source.choices("scenario", Scenario),
            categories=source.words("category"),
            variants=source.choices("variant", Variant),
            labels=source.choices("label", Label),
            split=source.optional_choice("split", Split),
            split_seed=source.number("split-seed", int, 0) or 0,
            sample=source.number("sample", int, 1),
            seed=source.number("seed", int, 0) or 0,
        ),
        method=_method(source),
        utility=source.text("utility") or utility,
        utility_base=source.base("utility"),
        skills=source.words("skill"),
        grader=source.text("grader"),
        judge=_judge(source, timeout_s),
        reasoning=forms_in(source.table),
        policy=Policy(
            source.choice("scoring", Scoring, Scoring.PAPER),
            source.choice("blocked", BlockedPolicy, BlockedPolicy.REFUSED),
        ),
        epochs=source.number("epochs", int, 1) or 1,
        concurrency=source.number("concurrency", int, 1),
        requests_per_minute=source.number("rpm", float, 0.1),
        tokens_per_minute=source.number("tpm", float, 1.0),
        timeout_s=timeout_s,
        retries=_or_default(source.number("retries", int, 0), DEFAULT_RETRIES),
        most_usd=source.number("max-cost", float, 0.0),
        store=source.path("store") or source.root / DEFAULT_STORE,
        offline=source.flag("offline"),
        refresh=source.flag("refresh"),
        dry_run=source.flag("dry-run"),
        redact=source.flag("redact"),
        report=source.path("report") or source.root / "reports",
        gate=_gate(source),
        baseline=None if source.text("gate") == NO_GATE else source.text("baseline"),
        baseline_base=source.base("baseline"),
        named_models=models if isinstance(models, dict) else {},
        block_words=texts_of(source.table, "block_words"),
    )


def _or_default(number: Number | None, default: Number) -> Number:
    return default if number is None else number


def _method(source: Source) -> MethodSpec:
    named = source.text("method") or NO_METHOD
    return read_method(named, _params(source, "method-param"), source.base("method"))


def _judge(source: Source, timeout_s: float | None) -> JudgeSpec:
    return JudgeSpec(
        name=source.text("judge") or DEFAULT_JUDGE,
        model=source.text("judge-model"),
        api_base=source.text("judge-api-base"),
        params=_params(source, "judge-param"),
        sees_image=bool(source.choices("judge-sees", Sight)),
        ties=source.choice("judge-tie", Ties, Ties.ERROR),
        timeout_s=timeout_s,
        needs_key=not (source.flag("offline") or source.flag("dry-run")),
        block_words=texts_of(source.table, "block_words"),
    )


def _gate(source: Source) -> Gate | None:
    """Read the gate: a file named on the command line, or what pyproject.toml says."""
    if source.text("gate") in {None, NO_GATE}:
        return None
    written = source.table.get("gate")
    if source.given("gate") is None and isinstance(written, dict):
        return read_gate(written, f"{source.root / 'pyproject.toml'}, {GATE_TABLE}")
    path = source.path("gate")
    return read_gate_file(path) if path else None


def _params(source: Source, name: str) -> dict[str, ParamValue]:
    table = source.table.get(name, {})
    params: dict[str, ParamValue] = dict(table) if isinstance(table, dict) else {}
    for text in source.several(name):
        key, value = read_parameter(f"{source.prefix}{name}", text)
        params[key] = value
    return params


def _system(source: Source) -> str | None:
    path = source.path("system")
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source.known_as('system')}: cannot read {path} ({error})") from error
    if not text:
        raise UsageError(f"{source.known_as('system')}: {path} is empty")
    return text
