from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.errors import UsageError
from vscbench.methods.protocol import MethodSpec
from vscbench.methods.safety_prompt import REMINDER, SafetyPrompt, open_safety_prompt
from vscbench.records import Request, Response

ASKED = Request("p", 1, "What is this?", Path("a.png"), None)


def test_the_reminder_is_the_system_prompt_where_there_is_no_other() -> None:
    made = SafetyPrompt().prepare(ASKED)
    assert made.system == REMINDER
    assert (made.prompt, made.image) == (ASKED.prompt, ASKED.image)


def test_the_production_prompt_stays_and_comes_first() -> None:
    asked = Request("p", 1, "What is this?", None, "You sell shoes.")
    assert SafetyPrompt().prepare(asked).system == f"You sell shoes.\n\n{REMINDER}"


def test_a_model_without_a_system_turn_can_be_reminded_above_the_question() -> None:
    made = SafetyPrompt(place="user").prepare(ASKED)
    assert made.system is None
    assert made.prompt == f"{REMINDER}\n\nWhat is this?"


def test_a_text_of_ones_own_is_sent_and_is_another_method_to_the_store(tmp_path: Path) -> None:
    (tmp_path / "ours.txt").write_text("Be careful, and be kind.\n", encoding="utf-8")
    ours = open_safety_prompt(MethodSpec("safety-prompt", "ours.txt", base=tmp_path))
    assert ours.prepare(ASKED).system == "Be careful, and be kind."
    keys = {ours.key, SafetyPrompt().key, SafetyPrompt(place="user").key}
    assert len(keys) == 3
    assert ours.prepare(ASKED).method == ours.key


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (MethodSpec("safety-prompt", "gone.txt"), r"safety-prompt:gone\.txt: cannot read"),
        (MethodSpec("safety-prompt", params={"place": "end"}), "one of system, user"),
        (MethodSpec("safety-prompt", params={"text": "x"}), "knows only place"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    spec: MethodSpec, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        open_safety_prompt(MethodSpec(spec.name, spec.source, spec.params, tmp_path))
    assert "\n" not in str(raised.value)


def test_an_empty_file_is_no_reminder(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n", encoding="utf-8")
    with pytest.raises(UsageError, match="is empty"):
        open_safety_prompt(MethodSpec("safety-prompt", "empty.txt", base=tmp_path))


@given(st.text())
def test_a_response_is_left_as_it_is(text: str) -> None:
    assert SafetyPrompt().read(Response(text)) == Response(text)
