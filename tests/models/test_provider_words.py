from hypothesis import given
from hypothesis import strategies as st

from vscbench.models.provider_words import (
    BLOCKS,
    BREAKS,
    CUTS,
    LONGEST_LINE,
    NO_BLOCKS,
    ORDINARY,
    TOOLS,
    found_categories,
    one_line,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("action", "filtered", "type", "name", "severity", "violence")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def test_no_word_has_two_meanings() -> None:
    groups = [BLOCKS, NO_BLOCKS, CUTS, BREAKS, ORDINARY, TOOLS]
    words = [word for group in groups for word in group]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)


def test_only_what_a_filter_acted_on_is_found_once_and_in_order() -> None:
    said = {
        "hate": {"filtered": False, "severity": "high"},
        "violence": {"filtered": True, "severity": "high"},
        "jailbreak": {"detected": True, "filtered": False},
        "custom_blocklists": {"filtered": True, "details": [{"filtered": True, "id": "ours"}]},
        "again": [{"name": "violence", "filtered": True, "severity": "high"}],
        "words": [{"match": "xyzzy", "action": "BLOCKED"}, {"match": "plugh", "action": "NONE"}],
    }
    assert found_categories(said) == ["violence high", "custom_blocklists", "words"]


@given(JSON)
def test_any_json_can_be_searched(said: object) -> None:
    found = found_categories(said)
    assert len(found) == len(set(found))


@given(st.text())
def test_a_line_is_one_and_short(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert len(line) <= LONGEST_LINE + len("...")
