import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.models.local.parameters import (
    DEFAULT_MAX_TOKENS,
    DTYPES,
    NAMES,
    LocalParameters,
    read_local_parameters,
)
from vscbench.models.protocol import ParamValue


def test_without_parameters_it_is_greedy_and_the_machine_decides() -> None:
    read = read_local_parameters({})
    assert read == LocalParameters()
    assert (read.temperature, read.max_tokens) == (0.0, DEFAULT_MAX_TOKENS)
    assert (read.dtype, read.device, read.attn_implementation, read.batch_tokens) == (None,) * 4
    assert read.trust_remote_code is False


def test_every_parameter_arrives() -> None:
    read = read_local_parameters(
        {
            "max_tokens": 7,
            "temperature": 1,
            "top_p": 0.5,
            "top_k": 3,
            "repetition_penalty": 1.25,
            "seed": 9,
            "dtype": "float16",
            "device": "cuda:1",
            "attn_implementation": "eager",
            "batch_tokens": 4096,
            "revision": "v1",
            "base": "org/base",
            "adapter": "org/adapter",
            "trust_remote_code": True,
            "processor.max_pixels": 99,
            "processor.size": {"height": 2},
        }
    )
    assert read == LocalParameters(
        max_tokens=7,
        temperature=1.0,
        top_p=0.5,
        top_k=3,
        repetition_penalty=1.25,
        seed=9,
        dtype="float16",
        device="cuda:1",
        attn_implementation="eager",
        batch_tokens=4096,
        revision="v1",
        base="org/base",
        adapter="org/adapter",
        trust_remote_code=True,
        processor={"max_pixels": 99, "size": {"height": 2}},
    )


@pytest.mark.parametrize("name", ["max_token", "tensor_parallel_size", "processor", "Seed", ""])
def test_a_parameter_that_nobody_reads_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(UsageError, match=rf"--vsc-param {name}: .*max_tokens.*processor\.NAME"):
        read_local_parameters({name: 1})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("max_tokens", 0, "a whole number from 1"),
        ("max_tokens", 8.0, "a whole number"),
        ("max_tokens", True, "a whole number"),
        ("max_tokens", None, "a whole number"),
        ("max_tokens", "many", "a whole number"),
        ("top_k", -1, "a whole number from 0"),
        ("seed", -1, "a whole number from 0"),
        ("batch_tokens", 0, "a whole number from 1"),
        ("temperature", -0.1, "a number from 0"),
        ("temperature", float("inf"), "a number from 0"),
        ("temperature", float("nan"), "a number from 0"),
        ("temperature", True, "a number from 0"),
        ("top_p", 0, "a number from 1e-06 to 1"),
        ("top_p", 1.5, "a number from 1e-06 to 1"),
        ("repetition_penalty", 0, "a number from 0.001"),
        ("repetition_penalty", "high", "a number from 0.001"),
        ("dtype", "int8", "bfloat16, float16, float32"),
        ("trust_remote_code", "yes", "true or false"),
        ("trust_remote_code", 1, "true or false"),
    ],
)
def test_a_value_that_will_not_do_is_named_with_what_would(
    name: str, value: ParamValue, wanted: str
) -> None:
    with pytest.raises(UsageError) as raised:
        read_local_parameters({name: value})
    assert str(raised.value).startswith(f"--vsc-param {name}={value}: ")
    assert wanted in str(raised.value)


@pytest.mark.parametrize("name", ["repetition_penalty", "batch_tokens", "device", "revision"])
def test_null_leaves_it_to_the_machine_or_the_checkpoint(name: str) -> None:
    assert read_local_parameters({name: None}) == LocalParameters()


def test_a_revision_of_digits_is_still_a_name() -> None:
    assert read_local_parameters({"revision": 1234567}).revision == "1234567"


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_that_is_offered_is_one_of_torch(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="names its dtypes")
    assert getattr(torch, read_local_parameters({"dtype": dtype}).dtype or "").is_floating_point


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.dictionaries(st.sampled_from([*NAMES, "processor.size", "other"]), VALUES))
def test_anything_is_either_read_or_refused_by_its_name(params: dict[str, ParamValue]) -> None:
    try:
        read = read_local_parameters(params)
    except UsageError as error:
        assert str(error).startswith("--vsc-param ")
    else:
        assert read.max_tokens >= 1
        assert 0 <= read.temperature < float("inf")
        assert 0 < read.top_p <= 1
        assert read.top_k >= 0
