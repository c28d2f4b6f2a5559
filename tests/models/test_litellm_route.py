import pytest

from vscbench.errors import UsageError
from vscbench.models.litellm_route import (
    PLACEHOLDER_KEY,
    Route,
    find_route,
    require_images,
)
from vscbench.models.litellm_setup import load_litellm
from vscbench.models.protocol import ModelSpec

LITELLM = load_litellm()
HERE = "http://localhost:8000/v1"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE", "AZURE", "HOSTED_VLLM"):
        for ending in ("API_KEY", "API_BASE", "BASE_URL", "API_VERSION"):
            monkeypatch.delenv(f"{name}_{ending}", raising=False)


def route(litellm_id: str, api_base: str | None = None) -> Route:
    return find_route(LITELLM, litellm_id, ModelSpec(litellm_id, api_base))


def refusal(litellm_id: str, api_base: str | None = None) -> str:
    with pytest.raises(UsageError) as raised:
        route(litellm_id, api_base)
    return str(raised.value)


def test_an_unknown_provider_comes_with_a_near_one_and_what_to_write() -> None:
    said = refusal("opnai/gpt-4o")
    assert "no provider 'opnai'" in said
    assert "did you mean openai/..." in said
    assert "hosted_vllm/MODEL with --vsc-api-base" in said


def test_a_missing_key_is_named_before_the_first_request() -> None:
    assert "Set OPENAI_API_KEY" in refusal("openai/gpt-4o")
    assert "Set ANTHROPIC_API_KEY" in refusal("anthropic/claude-sonnet-4-5")
    said = refusal("gemini/gemini-2.5-flash")
    assert "GEMINI_API_KEY" in said
    assert " or " in said


def test_a_blank_key_is_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert "Set OPENAI_API_KEY" in refusal("openai/gpt-4o")


def test_only_the_variables_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_BASE", "https://example.openai.azure.com")
    monkeypatch.setenv("AZURE_API_KEY", "k" * 20)
    monkeypatch.delenv("AZURE_API_VERSION", raising=False)
    assert route("azure/my-deployment").api_base == "https://example.openai.azure.com"
    monkeypatch.delenv("AZURE_API_BASE")
    said = refusal("azure/my-deployment")
    assert "Set AZURE_API_BASE and AZURE_API_VERSION" in said


def test_credentials_that_live_elsewhere_are_not_asked_for() -> None:
    assert route("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0").api_key is None
    assert route("ollama/llava").api_key is None


def test_a_server_of_ones_own_gets_a_placeholder_unless_there_is_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert route("openai/whatever", HERE).api_key == PLACEHOLDER_KEY
    assert route("hosted_vllm/whatever", HERE).api_key == PLACEHOLDER_KEY
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "k" * 20)
    assert route("openai/whatever", HERE).api_key is None
    assert route("hosted_vllm/whatever", HERE).api_key is None


def test_a_server_of_ones_own_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "add --vsc-api-base" in refusal("hosted_vllm/llava")
    assert "starts with http://" in refusal("hosted_vllm/llava", "localhost:8000")
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", HERE)
    assert route("hosted_vllm/llava").api_base == HERE


def test_a_model_that_does_not_converse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    assert "'embedding'" in refusal("openai/text-embedding-3-small")


def test_facts_are_the_providers_own_model() -> None:
    assert route("openai/gpt-4o", HERE).facts["supports_vision"] is True
    assert route("hosted_vllm/gpt-4o", HERE).facts == {}
    assert route("openai/of-our-own", HERE).facts == {}


def test_a_model_known_to_take_text_only_is_refused_with_two_ways_out() -> None:
    blind = route("openai/gpt-3.5-turbo", HERE)
    with pytest.raises(UsageError) as raised:
        require_images(blind, ModelSpec("gpt"), None)
    said = str(raised.value)
    assert "'--vsc-variant text'" in said
    assert "images = true" in said
    assert 'litellm = "openai/gpt-3.5-turbo"' in said


def test_the_table_of_names_overrides_what_litellm_knows() -> None:
    blind, seeing = route("openai/gpt-3.5-turbo", HERE), route("openai/gpt-4o", HERE)
    require_images(blind, ModelSpec("gpt"), True)
    require_images(blind, ModelSpec("gpt", sends_images=False), None)
    require_images(seeing, ModelSpec("gpt"), None)
    require_images(route("openai/of-our-own", HERE), ModelSpec("gpt"), None)
    with pytest.raises(UsageError):
        require_images(seeing, ModelSpec("gpt"), False)


@pytest.mark.parametrize("address", [None, HERE])
def test_a_key_that_no_request_can_carry_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-corp-SECRETSECRET\n")
    said = refusal("openai/gpt-4o", address)
    assert "no key in OPENAI_API_KEY that can be sent: it has a line end" in said
    assert "SECRET" not in said


def test_what_was_pasted_around_an_address_is_taken_off_and_not_within_it() -> None:
    assert route("hosted_vllm/llava", f" {HERE}\n").api_base == HERE
    assert "a quotation mark \u201d (U+201D) at its end" in refusal("openai/a", f"{HERE}\u201d")
