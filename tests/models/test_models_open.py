import pytest

from vscbench.errors import UsageError
from vscbench.models.local.opening import LocalOpening
from vscbench.models.names import load_names
from vscbench.models.open import hosted_opening, local_opening, open_model
from vscbench.models.protocol import ModelSpec

NAMED = load_names({"ours": {"litellm": "openai/ours-v2", "family": "proprietary"}})
TEAM = load_names(
    {
        "team-vl": {
            "hub": "org/aligned",
            "base": "org/base",
            "revision": "v2",
            "needs": ["torchvision"],
        }
    }
)
SERVER = "http://127.0.0.1:9/v1"


def test_a_short_name_of_the_team_opens_its_model() -> None:
    model = open_model(ModelSpec("ours", api_base=SERVER), NAMED)
    assert model.name == "ours"
    assert model.params["model"] == "openai/ours-v2"


def test_open_weights_are_reached_at_the_server_that_serves_them() -> None:
    model = open_model(ModelSpec("llava-1.5-7b", api_base=SERVER), NAMED)
    assert model.params["model"] == "hosted_vllm/llava-hf/llava-1.5-7b-hf"


def test_open_weights_without_a_server_are_loaded_here() -> None:
    opening = local_opening(ModelSpec("llava-1.5-7b"), NAMED)
    assert opening is not None
    assert opening.source == "llava-hf/llava-1.5-7b-hf"
    assert opening.spec.name == "llava-1.5-7b"


def test_open_weights_with_a_server_are_not_loaded_here() -> None:
    assert local_opening(ModelSpec("llava-1.5-7b", api_base=SERVER), NAMED) is None


@pytest.mark.parametrize(
    "name", ["ours", "gpt-4o", "openai/gpt-4o", "embedded", "recorded:a.jsonl", "python:a:b"]
)
def test_what_is_asked_elsewhere_is_not_loaded_here(name: str) -> None:
    assert local_opening(ModelSpec(name), NAMED) is None


def test_a_folder_or_a_hub_id_is_loaded_from_where_it_is() -> None:
    for source in ("/models/ours", "./ours", "org/model"):
        spec = ModelSpec(f"local:{source}")
        assert local_opening(spec, NAMED) == LocalOpening(spec, source)
        assert hosted_opening(spec, NAMED) is None


def test_a_short_name_behind_local_is_what_the_table_says_of_it() -> None:
    spec = ModelSpec("local:team-vl")
    assert local_opening(spec, TEAM) == LocalOpening(
        spec, "org/aligned", "org/base", "v2", ("torchvision",)
    )


def test_a_model_that_is_loaded_here_has_no_address() -> None:
    with pytest.raises(UsageError, match=r"--vsc-api-base: .*hosted_vllm/org/model"):
        local_opening(ModelSpec("local:org/model", api_base=SERVER), NAMED)


def test_local_without_a_source_says_what_belongs_there() -> None:
    with pytest.raises(UsageError, match="local:PATH_OR_ID"):
        local_opening(ModelSpec("local:"), NAMED)


def test_what_is_no_name_and_no_id_is_told_what_comes_close() -> None:
    with pytest.raises(UsageError, match="did you mean claude"):
        open_model(ModelSpec("claud"), NAMED)
