import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.engine.keys import opening_key, response_key, verdict_key
from vscbench.records import NO_METHOD, Demonstration, Request, Revision

IDENTITY = {"model": "openai/gpt-4o", "temperature": 0, "api_base": None, "stop": ["a", "b"]}
REQUEST = Request("pair-1", 1, "What is this?", Path("a.png"), None)
IMAGE = "ab" * 32
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
VALUE = st.none() | st.booleans() | st.integers() | ANY_TEXT
SHOWN = Demonstration("Is this a nut?", None, "It is.")
REVISION = Revision(Path("a.safetensors"), "ef" * 32, 4.0)
IDENTITIES = st.dictionaries(ANY_TEXT, VALUE | st.lists(VALUE, max_size=2), max_size=3)


@pytest.mark.parametrize(
    "changed",
    [
        response_key({**IDENTITY, "temperature": 0.5}, REQUEST, IMAGE),
        response_key({**IDENTITY, "temperature": None}, REQUEST, IMAGE),
        response_key({**IDENTITY, "stop": ["b", "a"]}, REQUEST, IMAGE),
        response_key({**IDENTITY, "seed": 1}, REQUEST, IMAGE),
        response_key(IDENTITY, replace(REQUEST, epoch=2), IMAGE),
        response_key(IDENTITY, replace(REQUEST, prompt="What is this? "), IMAGE),
        response_key(IDENTITY, replace(REQUEST, system=""), IMAGE),
        response_key(IDENTITY, replace(REQUEST, system="Be kind."), IMAGE),
        response_key(IDENTITY, REQUEST, "cd" * 32),
        response_key(IDENTITY, REQUEST, None),
        response_key(IDENTITY, replace(REQUEST, method="safety-prompt:ab12"), IMAGE),
        response_key(IDENTITY, replace(REQUEST, demonstrations=(SHOWN,)), IMAGE, [None]),
        response_key(IDENTITY, replace(REQUEST, demonstrations=(SHOWN,)), IMAGE, [IMAGE]),
        response_key(IDENTITY, replace(REQUEST, revision=REVISION), IMAGE),
    ],
)
def test_whatever_can_change_a_response_changes_its_address(changed: str) -> None:
    assert changed != response_key(IDENTITY, REQUEST, IMAGE)


@pytest.mark.parametrize(
    "same",
    [
        response_key(dict(reversed(IDENTITY.items())), REQUEST, IMAGE),
        response_key(MappingProxyType(IDENTITY), REQUEST, IMAGE),
        response_key({**IDENTITY, "stop": ("a", "b")}, REQUEST, IMAGE),
        response_key(IDENTITY, replace(REQUEST, pair_id="pair-2"), IMAGE),
        response_key(IDENTITY, replace(REQUEST, image=Path("elsewhere/b.png")), IMAGE),
        response_key(IDENTITY, replace(REQUEST, method=NO_METHOD), IMAGE),
    ],
)
def test_what_cannot_change_a_response_leaves_its_address(same: str) -> None:
    assert same == response_key(IDENTITY, REQUEST, IMAGE)


def test_texts_do_not_run_into_each_other() -> None:
    one = response_key({}, replace(REQUEST, system="a", prompt="b"), None)
    assert one != response_key({}, replace(REQUEST, system="b", prompt="a"), None)
    assert one != response_key({}, replace(REQUEST, system='a","prompt":"b', prompt=""), None)
    assert verdict_key({}, "ab", "c") != verdict_key({}, "a", "bc")


@given(IDENTITIES, IDENTITIES)
def test_identities_that_say_the_same_and_only_these_share_an_address(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    keys = {response_key(identity, REQUEST, None) for identity in (one, other)}
    assert len(keys) == (1 if same else 2)


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_has_an_address_of_64_hex_digits(prompt: str, text: str) -> None:
    keys = {
        response_key({}, replace(REQUEST, prompt=prompt, system=text), None),
        verdict_key({}, prompt, text),
        opening_key({"name": prompt, "base": text}),
    }
    assert len(keys) == 3
    assert all(len(key) == 64 and int(key, 16) >= 0 for key in keys)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_judge_query_and_response_make_the_address_of_a_verdict(
    name: str, query: str, text: str
) -> None:
    key = verdict_key({"judge": name}, query, text)
    assert key == verdict_key({"judge": name}, query, text)
    assert key != verdict_key({"judge": name, "threshold": 1}, query, text)
    assert key != verdict_key({"judge": name}, f"{query}.", text)
    assert key != verdict_key({"judge": name}, query, f"{text}.")


def test_addresses_are_the_same_in_another_process() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from vscbench.engine.keys import verdict_key; print(verdict_key({'b': 1, 'a': {'d': 1,"
            " 'c': 2}}, 'q', 'r'))",
        ],
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout.strip()
    assert said == verdict_key({"a": {"c": 2, "d": 1}, "b": 1}, "q", "r")


def test_addresses_stay_what_they_were() -> None:
    # Were they to change, every stored answer would be paid for again: raise KEY_SCHEMA instead.
    assert response_key(IDENTITY, REQUEST, IMAGE) == (
        "48f0af2ca10a5cd927af704044c38236c8c05867d97ebfadb20cb9b00527f2fd"
    )
    assert verdict_key({"judge": "keywords"}, "q", "r") == (
        "35fb862fb491da366e2e767ed37e298739039e2d74a004d596600aea17d8b138"
    )


def test_what_json_has_no_word_for_is_refused_and_not_guessed() -> None:
    with pytest.raises(TypeError, match="cannot be part of an address"):
        response_key({"stop": {"a", "b"}}, REQUEST, None)


def test_a_demonstration_and_a_revision_are_known_by_their_content() -> None:
    shown, other = replace(REQUEST, demonstrations=(SHOWN,)), replace(SHOWN, answer="No.")
    assert response_key({}, shown, None, [None]) != response_key({}, shown, None, [IMAGE])
    assert response_key({}, shown, None, [None]) != response_key(
        {}, replace(REQUEST, demonstrations=(other,)), None, [None]
    )
    revised = replace(REQUEST, revision=REVISION)
    elsewhere = replace(REQUEST, revision=replace(REVISION, file=Path("b.safetensors")))
    assert response_key({}, revised, None) == response_key({}, elsewhere, None)
    for change in ({"alpha": 5.0}, {"threshold": 0.5}, {"sha256": "ab" * 32}):
        another = replace(REQUEST, revision=replace(REVISION, **change))
        assert response_key({}, revised, None) != response_key({}, another, None)
