import pytest

from vscbench.errors import UsageError
from vscbench.models.names import load_names
from vscbench.models.open import open_model
from vscbench.models.protocol import ModelSpec

NAMED = load_names({"ours": {"litellm": "openai/ours-v2", "family": "proprietary"}})
SERVER = "http://127.0.0.1:9/v1"


def test_a_short_name_of_the_team_opens_its_model() -> None:
    model = open_model(ModelSpec("ours", api_base=SERVER), NAMED)
    assert model.name == "ours"
    assert model.params["model"] == "openai/ours-v2"


def test_open_weights_are_reached_at_the_server_that_serves_them() -> None:
    model = open_model(ModelSpec("llava-1.5-7b", api_base=SERVER), NAMED)
    assert model.params["model"] == "hosted_vllm/llava-hf/llava-1.5-7b-hf"


@pytest.mark.parametrize("name", ["llava-1.5-7b", "local:llava-hf/llava-1.5-7b-hf"])
def test_open_weights_without_a_server_say_how_to_serve_them(name: str) -> None:
    with pytest.raises(UsageError, match=r"vllm serve llava-hf/llava-1\.5-7b-hf"):
        open_model(ModelSpec(name), NAMED)


def test_what_is_no_name_and_no_id_is_told_what_comes_close() -> None:
    with pytest.raises(UsageError, match="did you mean claude"):
        open_model(ModelSpec("claud"), NAMED)
