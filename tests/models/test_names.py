import re
from importlib.metadata import version
from pathlib import Path

import pytest

from vscbench.errors import UsageError
from vscbench.models.litellm_setup import load_litellm
from vscbench.models.names import FAMILIES, NamedModel, load_names

NAMES = load_names({})


def refusal(table: dict[str, dict[str, object]]) -> str:
    with pytest.raises(UsageError) as raised:
        load_names(table)
    return str(raised.value)


def test_every_name_can_be_typed_and_says_what_it_is() -> None:
    for name, named in NAMES.items():
        assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", name), name
        assert named.name == name
        assert named.family in FAMILIES
        assert named.about
        assert named.litellm or named.hub
        assert named.hub is None or re.fullmatch(r"[\w.-]+/[\w.-]+", named.hub), name


@pytest.mark.skipif(
    tuple(map(int, version("litellm").split(".")[:2])) < (1, 106),
    reason="the table names models that an older litellm does not know yet",
)
def test_every_litellm_id_is_in_litellms_own_table_and_takes_images() -> None:
    table = load_litellm().model_cost
    for name, named in NAMES.items():
        if named.litellm:
            entry = table.get(named.litellm) or table.get(named.litellm.partition("/")[2])
            assert entry, f"{name}: {named.litellm}"
            assert entry["mode"] in ("chat", "responses"), name
            assert entry.get("supports_vision"), name


PAPER_AND_TODAY = """
    gpt claude gemini llava-1.5 llava-next qwen2-vl qwen2.5-vl qwen3-vl internvl deepseek-vl
    janus-pro idefics3 smolvlm llama-3.2 gemma-3 pixtral instructblip blip2 vlguard spa-vl
"""


@pytest.mark.parametrize("family", PAPER_AND_TODAY.split())
def test_every_family_has_a_name(family: str) -> None:
    assert any(name.startswith(family) for name in NAMES)


def test_the_names_of_the_design_are_there() -> None:
    assert {"claude", "gpt-4o", "gemini", "llava-1.5-7b"} <= NAMES.keys()
    assert NAMES["gpt-4o"] == NamedModel(
        "gpt-4o", "proprietary", "openai/gpt-4o", about="OpenAI GPT-4o; in the paper"
    )


def test_open_weights_leave_the_address_to_the_person() -> None:
    for named in NAMES.values():
        assert (named.litellm is None) == (named.family != "proprietary"), named.name
        assert (named.hub is None) == (named.family == "proprietary"), named.name


NEEDS = {
    "torchvision": ("qwen2-vl", "qwen2.5-vl", "qwen3-vl", "internvl", "smolvlm", "pixtral-12b"),
    "num2words": ("smolvlm",),
}


@pytest.mark.parametrize("package", NEEDS)
def test_what_a_processor_needs_is_said_of_those_that_need_it_and_of_no_other(package: str) -> None:
    for name, named in NAMES.items():
        assert (package in named.needs) == name.startswith(NEEDS[package]), name


@pytest.mark.parametrize("size", ["7b", "13b"])
def test_weights_in_llavas_original_layout_name_the_llava_of_their_size(size: str) -> None:
    aligned = [each for each in NAMES.values() if each.family == "safety-aligned"]
    same_size = [each for each in aligned if each.name.endswith(f"-{size}")]
    assert {each.base for each in same_size} == {f"llava-hf/llava-1.5-{size}-hf"}
    assert NAMES[f"llava-1.5-{size}"].hub == f"llava-hf/llava-1.5-{size}-hf"


def test_only_what_is_no_whole_checkpoint_has_a_base() -> None:
    for named in NAMES.values():
        assert (named.base is None) == (named.family != "safety-aligned"), named.name


def test_a_user_adds_names_and_changes_fields_of_packaged_ones() -> None:
    names = load_names(
        {
            "our-vlm": {"litellm": "hosted_vllm/our-vlm", "images": True},
            "our-weights": {"hub": "us/ours", "family": "safety-aligned"},
            "claude": {"litellm": "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"},
        }
    )
    assert names["our-vlm"] == NamedModel(
        "our-vlm", "proprietary", "hosted_vllm/our-vlm", images=True
    )
    assert names["our-weights"].family == "safety-aligned"
    assert names["claude"].litellm == "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert names["claude"].family == "proprietary"
    assert names.keys() - NAMES.keys() == {"our-vlm", "our-weights"}


def test_a_user_pins_the_revision_of_packaged_weights() -> None:
    pinned = load_names({"qwen3-vl-8b": {"revision": "0c351dd"}})["qwen3-vl-8b"]
    packaged = NAMES["qwen3-vl-8b"]
    assert (pinned.revision, packaged.revision) == ("0c351dd", None)
    assert (pinned.hub, pinned.needs) == (packaged.hub, ("torchvision",))


def test_a_user_names_an_adapter_with_its_base_and_what_it_needs() -> None:
    table = {"ours": {"hub": "us/ours-lora", "base": "us/ours", "needs": ["torchvision"]}}
    ours = load_names(table)["ours"]
    assert (ours.hub, ours.base, ours.needs) == ("us/ours-lora", "us/ours", ("torchvision",))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"Our VLM": {"litellm": "a/b"}}, "'Our VLM': a short name is made of"),
        ({"ours": {"model": "a/b"}}, "ours.model: no such field"),
        ({"ours": {"litellm": 5}}, "ours.litellm = 5: a string is needed"),
        ({"ours": {"litellm": "gpt"}}, "ours.litellm = 'gpt': PROVIDER/MODEL is needed"),
        ({"ours": {"litellm": "a/b", "images": "yes"}}, "ours.images = 'yes': true or false"),
        ({"ours": {"litellm": "a/b", "family": "big"}}, "ours.family = 'big': one of proprietary"),
        ({"ours": {"hub": "a/b", "needs": "torch"}}, "ours.needs = 'torch': a list of packages"),
        ({"ours": {"hub": "a/b", "needs": [3]}}, "ours.needs = [3]: a list of packages is needed"),
        ({"ours": {"hub": "a/b", "revision": 3}}, "ours.revision = 3: a string is needed"),
        ({"ours": {"images": True}}, "ours: say which model, with 'litellm' or 'hub'"),
        ({"ours": "a/b"}, "ours = 'a/b': a table is needed"),
    ],
)
def test_what_will_not_do_is_named_by_its_key(
    table: dict[str, dict[str, object]], said: str
) -> None:
    assert f"[tool.vscbench.models] {said}" in refusal(table)


PAGE = Path(__file__).parents[2] / "docs" / "local_models.md"


def test_the_page_of_local_models_lists_every_short_name_with_its_weights() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, named in NAMES.items():
        if named.hub:
            assert f"`{name}` → `{named.hub}`" in text, name


def test_the_classes_of_that_page_are_transformers_own() -> None:
    auto = pytest.importorskip(
        "transformers.models.auto.modeling_auto", reason="the classes are those of transformers"
    )
    known = set(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.values())
    classes = set(re.findall(r"`(\w+ForConditionalGeneration)`", PAGE.read_text(encoding="utf-8")))
    assert len(classes) > 12
    assert classes <= known
