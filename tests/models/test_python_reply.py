import math
from decimal import Decimal
from typing import Any

import numpy
import pytest

from vscbench.errors import TargetError
from vscbench.models.python_reply import read_answer
from vscbench.records import Finish, Response


class Words(str):
    def __str__(self) -> str:
        return "what it prints as"


def read(**fields: object) -> Response:
    given: dict[str, Any] = {"text": "hello", **fields}
    return read_answer(Response(**given))


@pytest.mark.parametrize("finish", list(Finish))
def test_a_finish_may_be_written_as_a_plain_word(finish: Finish) -> None:
    response = read(text="", finish=str(finish.value))
    assert response.finish is finish


@pytest.mark.parametrize("count", [numpy.int64(5), numpy.uint8(5), numpy.array(5), 5])
def test_a_count_of_any_whole_type_becomes_an_int(count: object) -> None:
    response = read(prompt_tokens=count, completion_tokens=count)
    assert (response.prompt_tokens, response.completion_tokens) == (5, 5)
    assert type(response.prompt_tokens) is type(response.completion_tokens) is int


@pytest.mark.parametrize("cost", [0.25, numpy.float32(0.25), numpy.float64(0.25), Decimal("0.25")])
def test_a_cost_of_any_real_type_becomes_a_float(cost: object) -> None:
    assert read(cost_usd=cost).cost_usd == 0.25
    assert type(read(cost_usd=cost).cost_usd) is float
    assert type(read(cost_usd=0).cost_usd) is float


def test_a_text_of_a_type_of_its_own_becomes_the_same_plain_text() -> None:
    text = Words("what it says")
    for response in (read_answer(text), read(text=text)):
        assert response == Response("what it says")
        assert type(response.text) is str
    assert type(read(served_model=numpy.str_("m-1")).served_model) is str


def test_everything_else_stays_as_it_was_given() -> None:
    given = Response("no", Finish.BLOCKED, "house rules", "m-1", 3, 0, 0.0, "scaled 9x9 to 3x3")
    assert read_answer(given) == given
    assert read_answer(Response("only text")) == Response("only text")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text", None, "text is None (NoneType); it must be a str"),
        ("text", b"hello", "text is b'hello' (bytes)"),
        ("finish", None, "finish is None"),
        ("finish", ["stop"], "finish is ['stop'] (list)"),
        ("reason", 451, "reason is 451 (int); it must be a str"),
        ("served_model", ["m-1"], "served_model is"),
        ("image_change", True, "image_change is True"),
        ("prompt_tokens", 5.0, "prompt_tokens is 5.0 (float); it must be a whole number"),
        ("prompt_tokens", "5", "prompt_tokens is '5'"),
        ("completion_tokens", True, "completion_tokens is True"),
        ("completion_tokens", numpy.bool_(True), "completion_tokens is"),
        ("completion_tokens", -1, "completion_tokens is -1"),
        ("cost_usd", "0.01", "cost_usd is '0.01' (str); it must be a finite number"),
        ("cost_usd", math.nan, "cost_usd is nan"),
        ("cost_usd", math.inf, "cost_usd is inf"),
        ("cost_usd", Decimal("sNaN"), "cost_usd is Decimal('sNaN')"),
        pytest.param("cost_usd", 10**400, "cost_usd is 1000", id="beyond-floats"),
        ("cost_usd", -0.5, "cost_usd is -0.5"),
        ("cost_usd", False, "cost_usd is False"),
    ],
)
def test_a_field_that_holds_what_it_cannot_is_named(field: str, value: object, said: str) -> None:
    with pytest.raises(TargetError) as raised:
        read(**{field: value})
    assert said in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("finish", "meant"),
    [
        ("content_filter", Finish.BLOCKED),
        ("SAFETY", Finish.BLOCKED),
        ("end_turn", Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
    ],
)
def test_a_providers_own_word_is_taken_for_what_it_means(finish: str, meant: Finish) -> None:
    assert read(finish=finish).finish is meant


@pytest.mark.parametrize(
    "fields",
    [
        {"finish": "abort"},
        {"finish": "error", "text": ""},
        {"finish": ""},
        {"finish": "pause_turn"},
        {"finish": "STOP", "ending": "cancelled"},
        {"ending": "a new word"},
    ],
)
def test_what_was_broken_off_is_a_fault_that_may_pass(fields: dict[str, object]) -> None:
    with pytest.raises(TargetError, match="broken off") as raised:
        read(**fields)
    assert raised.value.cause.is_transient


def test_keys_in_a_wrong_field_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", "open-sesame-42")
    with pytest.raises(TargetError, match=r"finish is '\[removed\]'"):
        read(finish="open-sesame-42")


def test_what_is_neither_text_nor_response_is_refused() -> None:
    with pytest.raises(TargetError, match="returned dict; it must return a str or a vscbench"):
        read_answer({"text": "hello"})
