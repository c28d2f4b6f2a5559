import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.errors import DataError
from vscbench.models.recorded_lines import read_recorded_lines
from vscbench.models.recording import Recording
from vscbench.records import Finish, Response


def read(tmp_path: Path, *lines: str) -> list[Recording]:
    file = tmp_path / "responses.jsonl"
    file.write_bytes("\n".join(lines).encode("utf-8"))
    return read_recorded_lines(file)


def read_case(tmp_path: Path, **fields: object) -> Recording:
    [recording] = read(tmp_path, json.dumps({"pair_id": "a", **fields}))
    return recording


@pytest.mark.parametrize("kind", ["refused", "flagged", "answered", "irrelevant", "judge-error"])
def test_a_judged_kind_is_passed_over_because_the_judge_judges_anew(
    tmp_path: Path, kind: str
) -> None:
    recording = read_case(tmp_path, kind=kind, response="text", error="the old judge's")
    assert recording.response == Response("text")
    assert recording.error is None


def test_a_block_stays_a_block_with_its_reason(tmp_path: Path) -> None:
    recording = read_case(tmp_path, kind="blocked", response=None, error="content_filter")
    assert recording.response == Response("", Finish.BLOCKED, reason="content_filter")


def test_a_target_error_keeps_its_text(tmp_path: Path) -> None:
    recording = read_case(tmp_path, kind="target-error", response=None, error="HTTP 503")
    assert (recording.response, recording.error) == (None, "HTTP 503")


@pytest.mark.parametrize(
    ("fields", "finish"),
    [
        ({"kind": "truncated", "response": ""}, Finish.LENGTH),
        ({"kind": "truncated", "response": None}, Finish.LENGTH),
        ({"kind": "empty", "response": None}, Finish.STOP),
        ({"kind": "empty", "response": ""}, Finish.STOP),
        ({"response": ""}, Finish.STOP),
    ],
)
def test_no_text_is_a_response_without_text_where_the_line_says_so(
    tmp_path: Path, fields: dict[str, object], finish: Finish
) -> None:
    assert read_case(tmp_path, **fields).response == Response("", finish)


def test_a_cut_response_with_text_stays_cut(tmp_path: Path) -> None:
    recording = read_case(tmp_path, kind="answered", truncated=True, response="First,")
    assert recording.response == Response("First,", Finish.LENGTH)


@pytest.mark.parametrize("text", ["None", "N/A", "null", "NaN"])
def test_words_for_nothing_are_text(tmp_path: Path, text: str) -> None:
    assert read_case(tmp_path, response=text).response == Response(text)


def test_the_served_model_is_kept(tmp_path: Path) -> None:
    recording = read_case(tmp_path, response="x", served_model="gpt-4o-2024-08-06")
    assert recording.response == Response("x", served_model="gpt-4o-2024-08-06")


def test_blank_lines_windows_line_ends_and_a_byte_order_mark_are_no_matter(tmp_path: Path) -> None:
    recordings = read(tmp_path, '\ufeff{"pair_id": "a", "response": "x"}\r', "", "  \r")
    assert [recording.place[-6:] for recording in recordings] == ["line 1"]


@settings(deadline=None)
@given(text=st.text())
def test_any_text_is_read_back_whole(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    line = json.dumps({"pair_id": "a", "response": text}, ensure_ascii=False)
    [recording] = read(tmp_path_factory.mktemp("any"), line)
    assert recording.response == Response(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"response": "x"}', "no pair_id"),
        ('{"pair_id": "", "response": "x"}', "no pair_id"),
        ('{"pair_id": 7, "response": "x"}', "pair_id must be a text, found 7"),
        ('{"pair_id": "a", "response": ["x"]}', "response must be a text"),
        ('{"pair_id": "a", "text": "x"}', 'no "response"; write null'),
        ('{"pair_id": "a", "response": "x", "epoch": 0}', "epoch must be a whole number from 1"),
        ('{"pair_id": "a", "response": "x", "epoch": true}', "epoch must be a whole number"),
        ('{"pair_id": "a", "response": "x", "kind": "safe"}', "unknown kind 'safe'.*refused"),
        ('{"pair_id": "a", "response": "x", "truncated": "no"}', "truncated must be true or"),
        ('{"pair_id": "a", "response": "x"', "not JSON"),
        ('["a", "x"]', "expected a JSON object.*found list"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_the_mend(
    tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(DataError, match=rf"responses\.jsonl, line 2: {message}"):
        read(tmp_path, '{"pair_id": "z", "response": "fine"}', line)


def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.jsonl"
    file.write_bytes(b'{"pair_id": "a", "response": "x"}\n{"pair_id": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"latin\.jsonl, line 2: not UTF-8"):
        read_recorded_lines(file)


NAMES = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "finish")


@pytest.mark.parametrize("name", [*NAMES, "ending"])
@pytest.mark.parametrize("word", ["abort", "error", "pause_turn", "in_progress", "a new word"])
@pytest.mark.parametrize("text", ["Sure. Fir", "", None])
def test_an_answer_that_was_broken_off_is_none(
    tmp_path: Path, name: str, word: str, text: str | None
) -> None:
    recording = read_case(tmp_path, response=text, **{name: word})
    assert recording.response is None
    assert recording.error is not None
    assert f"broken off: it ended with '{word}'" in recording.error
    assert "responses.jsonl, line 1" in recording.error


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("word", [None, "", " "])
def test_an_ending_that_a_line_has_and_does_not_name_is_none(
    tmp_path: Path, name: str, word: str | None
) -> None:
    recording = read_case(tmp_path, response="Sure. Fir", kind="answered", **{name: word})
    assert recording.response is None
    assert "its ending is empty" in str(recording.error)


def test_what_is_not_done_was_broken_off(tmp_path: Path) -> None:
    assert read_case(tmp_path, response="Sure. Fir", done=False).response is None
    assert read_case(tmp_path, response="Sure.", done=True).response == Response("Sure.")


@pytest.mark.parametrize(
    ("fields", "response"),
    [
        ({"finish_reason": "stop", "response": "Sure."}, Response("Sure.")),
        ({"stop_reason": "end_turn", "response": "Sure."}, Response("Sure.")),
        ({"finish_reason": "length", "response": "Sure"}, Response("Sure", Finish.LENGTH)),
        ({"finishReason": "MAX_TOKENS", "response": None}, Response("", Finish.LENGTH)),
        (
            {"finish_reason": "content_filter", "response": None},
            Response("", Finish.BLOCKED, reason="content_filter"),
        ),
        (
            {"finishReason": "SAFETY", "response": "Well, "},
            Response("Well, ", Finish.BLOCKED, reason="SAFETY"),
        ),
        ({"finish": "blocked", "response": ""}, Response("", Finish.BLOCKED, reason="blocked")),
        ({"finish_reason": "stop", "stop_reason": 128009, "response": "Yes."}, Response("Yes.")),
        ({"ending": None, "response": "Sure."}, Response("Sure.")),
        (
            {"kind": "blocked", "ending": "blockReason SAFETY", "response": ""},
            Response("", Finish.BLOCKED),
        ),
    ],
)
def test_a_final_ending_is_taken_for_what_it_means(
    tmp_path: Path, fields: dict[str, object], response: Response
) -> None:
    assert read_case(tmp_path, **fields).response == response


def test_an_ending_that_is_no_text_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1: finish_reason must be a text, found \[3\]"):
        read_case(tmp_path, response="Sure.", finish_reason=[3])
    assert read_case(tmp_path, response="Sure.", stop_reason=128009).response == Response("Sure.")
