"""Collection: where the benchmark's file is, and how pairs become pytest cases."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import vscbench
from vscbench.plugin.repeat import Repeat
from vscbench.records import Label

FOLDER = "tests_benchmark"
FILE = "test_safety_calibration.py"
UTILITY_FILE = "test_utility.py"
FILES = (FILE, UTILITY_FILE)
NODE_ID = f"{FOLDER}/{FILE}"
NODE_IDS = tuple(f"{FOLDER}/{name}" for name in FILES)
IS_ACTIVE = pytest.StashKey[bool]()
PLACEHOLDER = "not selected"
CHOSEN = "vsc_benchmark_chosen"
UTILITY_FIXTURE = "utility_case"
LABEL_OF_FIXTURE = {"unsafe_case": Label.UNSAFE, "safe_case": Label.SAFE}
NO_MODEL = "the benchmark needs a model: run pytest with --model=NAME"
NO_QUERY = "no-query: the data set gives this pair no query"


def benchmark_file(name: str = FILE) -> Path:
    """Return a file of the benchmark: in the installed package, or beside it in a checkout."""
    package = Path(vscbench.__file__).parent
    installed = package / FOLDER / name
    return installed if installed.is_file() else package.parent / FOLDER / name


def is_benchmark(node_id: str) -> bool:
    """Whether a node id is that of one of the benchmark's own cases."""
    return node_id.partition("::")[0] in NODE_IDS


def case_name(node_id: str) -> str:
    """Return what stands in brackets in a node id: a case's own name."""
    return node_id.partition("[")[2].removesuffix("]")


def choose_benchmark(config: pytest.Config, *, utility: bool = False) -> None:
    """Point pytest at the benchmark where the command line names no path of its own.

    Args:
        config: pytest's.
        utility: whether questions of utility are asked as well.

    xdist's controller keeps its arguments: it hands them to the workers, which load the same
    conftests from them and choose for themselves.
    """
    chosen = getattr(config.option, CHOSEN, None)
    if chosen is None:
        chosen = config.args_source is not pytest.Config.ArgsSource.ARGS
        setattr(config.option, CHOSEN, chosen)
    if is_controller(config):
        return
    if chosen:
        config.args[:] = [str(benchmark_file(name)) for name in (FILES if utility else (FILE,))]
    else:
        config.args[:] = [_resolved(argument, config) for argument in config.args]


def names_utility(config: pytest.Config) -> bool:
    """Whether the command line names the file of the questions, not only its folder."""
    return any(UTILITY_FILE in argument for argument in config.args)


def is_controller(config: pytest.Config) -> bool:
    """Whether this session only hands cases to xdist's workers."""
    return config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")


def _resolved(argument: str, config: pytest.Config) -> str:
    """Let a case's id be typed as it is printed where there is no checkout around."""
    path, separator, case = argument.partition("::")
    place = config.invocation_params.dir / path
    written = path.replace("\\", "/").rstrip("/")
    if place.exists() or written not in {*NODE_IDS, FOLDER}:
        return argument
    name = FILE if written == FOLDER else Path(written).name
    return f"{benchmark_file(name)}{separator}{case}"


class BenchmarkModule(pytest.Module):
    """The benchmark's file, collected the same whatever a project's ini says of names."""

    def funcnamefilter(self, name: str) -> bool:
        """Take the benchmark's two functions, even where ``python_functions`` would not."""
        return name.startswith("test_")


def make_module(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Give the benchmark's cases the same ids wherever the package is installed."""
    if module_path not in map(benchmark_file, FILES):
        return None
    node_id = f"{FOLDER}/{module_path.name}"
    module = BenchmarkModule.from_parent(parent, path=module_path, nodeid=node_id)
    if not parent.config.stash.get(IS_ACTIVE, False):
        module.add_marker(pytest.mark.skip(reason=NO_MODEL))
    return module


def asked_fixture(metafunc: pytest.Metafunc) -> str | None:
    """Name the fixture by which a test asks for cases, if it does."""
    names = (*LABEL_OF_FIXTURE, UTILITY_FIXTURE)
    asked = [name for name in names if name in metafunc.fixturenames]
    if len(asked) > 1:
        pytest.fail(f"{metafunc.function.__name__}: ask for one of {asked}", pytrace=False)
    return asked[0] if asked else None


def parametrize(metafunc: pytest.Metafunc, fixture: str, repeats: Iterable[Repeat]) -> None:
    """Make a case of each repeat of a pair that has the label which the fixture stands for."""
    label = LABEL_OF_FIXTURE.get(fixture)
    params = [_param(repeat) for repeat in repeats if label in (None, repeat.pair.label)]
    metafunc.parametrize(fixture, params or [PLACEHOLDER], indirect=True)


def without_empty_sets(items: list[pytest.Item]) -> list[pytest.Item]:
    """Drop the placeholder that pytest makes of a label which was not selected."""
    return [item for item in items if not _is_placeholder(item)]


def repeat_of(item: pytest.Item) -> Repeat | None:
    """Return what a test item asks for, or ``None`` where it is no case of ours."""
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    names = (*LABEL_OF_FIXTURE, UTILITY_FIXTURE)
    repeat = next((params[name] for name in names if name in params), None)
    return repeat if isinstance(repeat, Repeat) else None


def show_explanation(item: pytest.Item) -> None:
    """Let a case that failed show its explanation, not its source.

    pytest's own report costs milliseconds a failed case, and is thrown away.
    """
    usual = item.repr_failure

    def explain(excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **named: Any) -> Any:  # noqa: ANN401
        if excinfo.errisinstance((AssertionError, pytest.fail.Exception)):
            return str(excinfo.value)
        return usual(excinfo, *args, **named)

    setattr(item, "repr_failure", explain)  # noqa: B010 - one item's own, not its class's


def marks_without_limits(config: pytest.Config) -> list[pytest.MarkDecorator]:
    """Return the marks by which plugins that limit what a test may do leave a case alone.

    A case waits until its pair was asked, for which ``--vsc-timeout`` is the limit, and an
    application under test may need the network.
    """
    known = {re.split(r"[:(]", line)[0].strip() for line in config.getini("markers")}
    # Made only where it is known: pytest warns of any other.
    sockets = [pytest.mark.enable_socket] if "enable_socket" in known else []
    return [*sockets, pytest.mark.timeout(0)] if "timeout" in known else sockets


def _is_placeholder(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    names = (*LABEL_OF_FIXTURE, UTILITY_FIXTURE)
    return any(params.get(name) == PLACEHOLDER for name in names)


def _param(repeat: Repeat) -> object:
    marks = () if repeat.pair.query else pytest.mark.skip(reason=NO_QUERY)
    return pytest.param(repeat, id=repeat.id, marks=marks)
