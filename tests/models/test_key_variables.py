import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.models.key_variables import (
    address_fault,
    require_sendable_keys,
    require_sendable_token,
)

KEY = "sk-corp-SECRETSECRET0123456789"


def refused(provider: str, name: str, value: str) -> str:
    """What is said of a key; it is never shown."""
    with pytest.raises(UsageError) as caught:
        require_sendable_keys(f"{provider}/some-vlm", provider, {name: value})
    message = str(caught.value)
    assert message.startswith(f"--model={provider}/some-vlm: no key in {name} that can be sent: ")
    assert "SECRET" not in message.replace(name, "")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (f"{KEY}\n", "a line end (U+000A) at its end"),
        (f"{KEY}\r\n", "a line end (U+000A) at its end"),
        (f"{KEY}\r", "a carriage return (U+000D) at its end"),
        (f" {KEY}", "a space (U+0020) at its start"),
        (f"{KEY}\t", "a tab (U+0009) at its end"),
        (f"{KEY[:9]}\n{KEY[9:]}", "a line end (U+000A) in its middle"),
        (f"\u201c{KEY}\u201d", "a quotation mark \u201c (U+201C) at its start"),
        (f'"{KEY}"', 'a quotation mark " (U+0022) at its start'),
        (f"{KEY}'", "a quotation mark ' (U+0027) at its end"),
        (KEY.replace("-", "\u2011"), "(U+2011, non-breaking hyphen) in its middle"),
        (KEY.replace("-", "\u2013"), "(U+2013, en dash) in its middle"),
        (f"\ufeff{KEY}", "a byte order mark (U+FEFF) at its start"),
        (f"{KEY}\u200b", "(U+200B, zero width space) at its end"),
        (f"{KEY}\u00a0", "(U+00A0, no-break space) at its end"),
        (f"{KEY}\0", "(U+0000, a control character) at its end"),
        (f"Bearer {KEY}", "it begins with 'Bearer'"),
        (f"OPENAI_API_KEY={KEY}", "it begins with the variable's own name"),
        (" \n", "it holds white space alone"),
    ],
)
def test_what_is_wrong_with_a_key_is_told_and_the_key_is_not(value: str, said: str) -> None:
    assert said in refused("openai", "OPENAI_API_KEY", value)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("azure", "AZURE_API_KEY"),
        ("azure", "AZURE_AD_TOKEN"),
        ("azure_ai", "AZURE_AI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("anthropic", "ANTHROPIC_AUTH_TOKEN"),
        ("bedrock", "AWS_SECRET_ACCESS_KEY"),
        ("bedrock", "AWS_ACCESS_KEY_ID"),
        ("bedrock", "AWS_SESSION_TOKEN"),
        ("bedrock", "AWS_BEARER_TOKEN_BEDROCK"),
        ("gemini", "GEMINI_API_KEY"),
        ("gemini", "GOOGLE_API_KEY"),
        ("together_ai", "TOGETHERAI_API_KEY"),
        ("huggingface", "HF_TOKEN"),
        ("perplexity", "PERPLEXITYAI_API_KEY"),
        ("hosted_vllm", "HOSTED_VLLM_API_KEY"),
        ("custom_openai", "OPENAI_API_KEY"),
    ],
)
def test_it_is_told_of_every_providers_variables(provider: str, name: str) -> None:
    refused(provider, name, f"{KEY}\n")
    require_sendable_keys(f"{provider}/some-vlm", provider, {name: KEY})


def test_other_variables_may_hold_what_they_like() -> None:
    others = {
        "ANTHROPIC_API_KEY": f"{KEY}\n",
        "OPENAI_API_BASE": "http://localhost:8000/v1 ",
        "OPENAI_TOKEN_FILE": "/run/my secrets/key",
        "OPENAI_API_KEY": "",
    }
    require_sendable_keys("openai/some-vlm", "openai", others)
    document = {"VERTEXAI_KEY": '{\n  "type": "service_account"\n}'}
    require_sendable_keys("vertex_ai/some-vlm", "vertex_ai", document)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'`")))
def test_a_key_of_visible_ascii_is_sent(key: str) -> None:
    require_sendable_keys("openai/some-vlm", "openai", {"OPENAI_API_KEY": key})


@given(st.text(max_size=20), st.characters(exclude_categories=["Cs"]), st.text(max_size=20))
def test_any_other_character_is_refused(before: str, character: str, after: str) -> None:
    if "!" <= character <= "~":
        return
    with pytest.raises(UsageError, match="no key in OPENAI_API_KEY that can be sent"):
        value = f"{before}{character}{after}"
        require_sendable_keys("openai/some-vlm", "openai", {"OPENAI_API_KEY": value})


def test_the_hubs_token_is_looked_at_as_its_library_sends_it() -> None:
    require_sendable_token("--model=local:a/b", {"HF_TOKEN": "hf_abcdefgh\n"})
    with pytest.raises(UsageError, match=r"no key in HF_TOKEN that can be sent.*U\+201C"):
        require_sendable_token("--model=local:a/b", {"HF_TOKEN": "\u201chf_abcdefgh\u201d"})


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_no_request_can_go_through_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=rf"{name}: no address of a proxy.*line end"):
        require_sendable_keys("openai/a", "openai", {name: "http://user:secret@proxy:3128\n"})


def test_an_address_may_be_of_any_script_and_has_no_space() -> None:
    assert address_fault("http://b\u00fccher.example:8000/v1") is None
    assert address_fault("http://localhost:8000/v1\u200b") == (
        "a character that does not belong there (U+200B, zero width space) at its end"
    )
    assert address_fault("http://local host:8000") == "a space (U+0020) in its middle"
