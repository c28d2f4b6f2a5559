"""A small world for the plugin: a folder with pairs and recorded responses."""

from collections.abc import Callable, Mapping

import pytest
from small_world import RESPONSES, pair_lines, write_lines

Record = Callable[[Mapping[str, str]], None]


@pytest.fixture
def record(pytester: pytest.Pytester) -> Record:
    """Write what the model under test is recorded to have said."""

    def write(responses: Mapping[str, str]) -> None:
        lines = [{"pair_id": pair_id, "response": text} for pair_id, text in responses.items()]
        write_lines(pytester.path / "said.jsonl", lines)

    return write


@pytest.fixture
def world(pytester: pytest.Pytester, record: Record) -> pytest.Pytester:
    """A folder with pairs.jsonl and said.jsonl."""
    write_lines(pytester.path / "pairs.jsonl", pair_lines())
    record(RESPONSES)
    return pytester
