import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.secrets import public_address, secret_names, without_secrets


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "x-api-key", "token", "hf_token", "client_secret", "password", "Cookie"],
)
def test_names_that_look_secret(name: str) -> None:
    assert secret_names({name: "x"}) == [name]
    assert secret_names({"extra_headers": {name: "x"}}) == [f"extra_headers.{name}"]


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "input_cost_per_token",
        "max_completion_tokens",
        "budget_tokens",
        "tokenizer",
        "top_k",
        "seed",
        "stop",
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert secret_names({name: 1, "thinking": {name: 2}}) == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key sk-proj-abc123DEF456 is wrong", "sk-proj-abc123DEF456"),
        ("provided: sk-ab********yz.", "sk-ab********yz"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("GET https://h/v1?key=AIzaSyA1234567890", "AIzaSyA1234567890"),
        ("http://me:hunter22@host/v1 refused", "me:hunter22"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig", "eyJhbGciOiJIUzI1NiJ9"),
    ],
)
def test_what_looks_like_a_key_is_removed(text: str, secret: str) -> None:
    assert secret not in without_secrets(text)
    assert "[removed]" in without_secrets(text)


def test_keys_of_the_environment_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "plain-looking-words")
    monkeypatch.setenv("SHORT_KEY", "a")
    said = without_secrets("a fault with plain-looking-words inside")
    assert said == "a fault with [removed] inside"


def test_ordinary_sentences_are_left_alone() -> None:
    sentence = "The model's maximum is 8192 tokens; ask-me-anything and task-lists are fine."
    assert without_secrets(sentence) == sentence


@given(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True),
    st.sampled_from(["localhost:8000", "api.example.com", "[::1]:80"]),
)
def test_an_address_keeps_host_and_path_only(user: str, password: str, host: str) -> None:
    shown = public_address(f"https://{user}:{password}@{host}/v1?key={password}#{user}")
    assert shown == f"https://{host}/v1"


def test_a_key_is_left_out_with_and_without_what_was_pasted_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_API_KEY", " \u201cplain-looking-words\u201d\n")
    assert without_secrets("a fault with plain-looking-words inside") == (
        "a fault with [removed] inside"
    )
