import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.models.protocol import ParamValue
from vscbench.models.served.engines import SGLANG, VLLM, Engine
from vscbench.models.served.options import read_options, split_parameters

SCALARS = st.one_of(st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
NAMES = st.from_regex(r"[a-z][a-z_]{0,12}[a-z]", fullmatch=True)


def words_of(engine: Engine, **given: ParamValue) -> list[str]:
    return read_options(engine, given).arguments(engine)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (4, ["--it", "4"]),
        (0.9, ["--it", "0.9"]),
        ("bfloat16", ["--it", "bfloat16"]),
        (True, ["--it"]),
        (["a", "b=c", 3], ["--it", "a", "b=c", "3"]),
        ({"image": 2}, ["--it", '{"image": 2}']),
        ("-1", ["--it=-1"]),
    ],
)
def test_an_option_of_the_server_is_passed_as_its_command_line_has_it(
    value: ParamValue, words: list[str]
) -> None:
    assert words_of(VLLM, it=value) == words
    assert words_of(SGLANG, it=value) == words


def test_underscores_become_dashes_and_a_field_behind_a_dot_keeps_them() -> None:
    given: dict[str, ParamValue] = {"compilation_config.cudagraph_mode": "NONE"}
    assert words_of(VLLM, tensor_parallel_size=4) == ["--tensor-parallel-size", "4"]
    assert words_of(VLLM, **{"tensor-parallel-size": 4}) == ["--tensor-parallel-size", "4"]
    assert words_of(VLLM, **given) == ["--compilation-config.cudagraph_mode", "NONE"]


def test_a_switch_is_turned_off_as_the_server_can() -> None:
    off: dict[str, ParamValue] = {"enable_prefix_caching": False}
    assert words_of(VLLM, **off) == ["--no-enable-prefix-caching"]
    with pytest.raises(UsageError, match=r"serve\.enable_prefix_caching=false.*leave it out"):
        words_of(SGLANG, **off)


@given(st.dictionaries(NAMES, SCALARS))
def test_every_word_of_a_value_is_one_word_of_the_command_line(
    options: dict[str, int | str | float],
) -> None:
    known = {
        name: value
        for name, value in options.items()
        if name not in VLLM.reserved and not read_fails(name, value)
    }
    words = read_options(VLLM, known).arguments(VLLM)
    assert sum(word.startswith("--") for word in words) == len(known)


def read_fails(name: str, value: int | str | float) -> bool:
    try:
        read_options(VLLM, {name: value})
    except UsageError:
        return True
    return False


@given(st.dictionaries(NAMES, SCALARS), st.dictionaries(NAMES, SCALARS))
def test_what_is_not_for_the_server_is_for_the_requests(
    requests: dict[str, ParamValue], server: dict[str, ParamValue]
) -> None:
    prefixed = {f"serve.{name}": value for name, value in server.items()}
    assert split_parameters({**requests, **prefixed}) == (requests, server)
    table: dict[str, object] = {**server}
    nested: dict[str, ParamValue] = {**requests, "serve": table}
    assert split_parameters(nested) == (requests, server)


def test_the_command_line_overrides_and_takes_away_what_a_table_says() -> None:
    table: dict[str, object] = {"dtype": "float16", "seed": 1, "env": {"NCCL_DEBUG": "INFO"}}
    params: dict[str, ParamValue] = {"serve": table, "serve.dtype": "bfloat16", "serve.seed": None}
    expected = {"dtype": "bfloat16", "env.NCCL_DEBUG": "INFO"}
    assert split_parameters(params) == ({}, expected)


@pytest.mark.parametrize("engine", [VLLM, SGLANG])
@pytest.mark.parametrize("name", ["host", "port", "api_key", "api-key", "served_model_name"])
def test_what_the_run_says_itself_is_not_to_be_set(engine: Engine, name: str) -> None:
    with pytest.raises(UsageError, match=rf"serve\.{name}: not an option.*--vsc-api-base"):
        read_options(engine, {name: "1"})


@pytest.mark.parametrize("name", ["hf_token", "env.HF_TOKEN"])
def test_a_secret_among_the_options_is_refused_and_not_quoted(name: str) -> None:
    with pytest.raises(UsageError, match="secret") as raised:
        read_options(VLLM, {name: "hf_0123456789"})
    assert "0123456789" not in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {"tensor parallel": 2},
        {"--dtype": "auto"},
        {"env.": "1"},
        {"env.A-B": "1"},
        {"revision": float("inf")},
        {"start_timeout_s": 0},
        {"start_timeout_s": "soon"},
        {"start_timeout_s": True},
    ],
)
def test_what_no_command_line_could_hold_is_told_by_its_name(given: dict[str, ParamValue]) -> None:
    with pytest.raises(UsageError, match=f"--vsc-param serve.{next(iter(given))}"):
        read_options(VLLM, given)


def test_the_deadline_and_the_environment_are_no_words_of_the_command_line() -> None:
    options = read_options(VLLM, {"start-timeout-s": 60, "env.CUDA_VISIBLE_DEVICES": 1})
    assert options.arguments(VLLM) == []
    assert (options.start_timeout_s, options.variables) == (60.0, {"CUDA_VISIBLE_DEVICES": "1"})


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        (VLLM, "tensor_parallel_size"),
        (VLLM, "pipeline-parallel-size"),
        (VLLM, "gpu_memory_utilization"),
        (VLLM, "env.CUDA_VISIBLE_DEVICES"),
        (VLLM, "start_timeout_s"),
        (SGLANG, "tp"),
        (SGLANG, "mem_fraction_static"),
    ],
)
def test_where_and_how_fast_changes_no_answer(engine: Engine, name: str) -> None:
    options = read_options(engine, {name: 1})
    assert options.identity(engine) == {}
    assert name == "start_timeout_s" or len(options.shown()) == 1


@pytest.mark.parametrize(
    "name",
    ["dtype", "quantization", "revision", "max_model_len", "an_option_of_tomorrow", "env.VLLM_X"],
)
def test_any_other_option_is_part_of_what_the_model_is(name: str) -> None:
    identity = read_options(VLLM, {name: "x"}).identity(VLLM)
    assert identity == {name: "x"}
    json.dumps(identity)


def test_one_option_is_the_same_however_it_was_written() -> None:
    one, other = (
        read_options(VLLM, given) for given in ({"max-model-len": 8}, {"max_model_len": 8})
    )
    assert one == other
