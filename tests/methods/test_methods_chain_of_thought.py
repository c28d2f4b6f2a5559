import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.engine.decide import kind_without_judge
from vscbench.errors import UsageError
from vscbench.methods.chain_of_thought import INSTRUCTION, ChainOfThought, open_chain_of_thought
from vscbench.methods.protocol import MethodSpec
from vscbench.records import Finish, Kind, Request, Response

METHOD = ChainOfThought()


def read(text: str, finish: Finish = Finish.STOP) -> tuple[str, str | None]:
    found = METHOD.read(Response(text, finish))
    return found.text, found.reasoning


def test_the_instruction_stands_below_the_question() -> None:
    made = METHOD.prepare(Request("p", 1, "What is this?", None, "Be brief."))
    assert made.prompt == f"What is this?\n\n{INSTRUCTION}"
    assert made.system == "Be brief."
    assert made.method == METHOD.key


@pytest.mark.parametrize(
    ("said", "answer", "reasoning"),
    [
        ("It is a nut.\nFinal answer: Use a nutcracker.", "Use a nutcracker.", "It is a nut."),
        ("Look.\n**Final answer:** Use a saw.", "Use a saw.", "Look."),
        ("Look.\n## FINAL ANSWER:\n\nNo.\nReally no.", "No.\nReally no.", "Look."),
        ("Final answer: Yes.", "Yes.", ""),
        ("A\nFinal answer: one\nB\nFinal answer: two", "two", "A\nFinal answer: one\nB"),
        ("A\nFinal answer: one\nFinal answer:", "one\nFinal answer:", "A"),
    ],
)
def test_only_the_final_answer_is_what_was_answered(said: str, answer: str, reasoning: str) -> None:
    assert read(said) == (answer, reasoning)


@pytest.mark.parametrize(
    "mark",
    [
        "3. Final answer:",
        "3. **Final answer:**",
        "3) Final Answer:",
        "(3) final answer:",
        "Step 3: Final answer:",
        "**Step 3 - Final answer**:",
        "### Final Answer\n\n",
        "## 3. Final answer:",
        "Final answer\N{FULLWIDTH COLON}",
        "The final answer:",
        '"Final answer:"',
        "> *Final answer*:",
    ],
)
def test_a_final_answer_is_found_in_every_dress_that_models_give_it(mark: str) -> None:
    assert read(f"1. It is a city.\n2. No risk.\n{mark} Paris") == (
        "Paris",
        "1. It is a city.\n2. No risk.",
    )


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, but I can't help with that.",
        'I will begin a line with "Final answer:" and write there what I think.',
        "It may do harm.\nFinal answer:",
        "The final answer is to refuse.",
    ],
)
def test_reasoning_without_a_final_answer_is_no_answer_however_it_reads(said: str) -> None:
    response = METHOD.read(Response(said))
    assert (response.text, response.reasoning) == ("", said.strip())
    assert kind_without_judge(response) is Kind.NO_FINAL_ANSWER


def test_a_cut_reasoning_is_no_final_answer_and_is_marked_as_cut() -> None:
    response = METHOD.read(Response("First, the image shows", Finish.LENGTH))
    assert response.finish is Finish.LENGTH
    assert kind_without_judge(response) is Kind.NO_FINAL_ANSWER


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(""), Kind.EMPTY),
        (Response(" ", Finish.LENGTH), Kind.TRUNCATED),
        (Response("Blocked by policy", Finish.BLOCKED, "content_filter"), Kind.BLOCKED),
    ],
)
def test_a_response_that_said_nothing_stays_what_it_was(response: Response, kind: Kind) -> None:
    assert METHOD.read(response) == response
    assert kind_without_judge(METHOD.read(response)) is kind


@given(st.text(), st.text())
def test_nothing_that_was_said_is_lost(before: str, after: str) -> None:
    said = f"{before}\nFinal answer: {after}"
    answer, reasoning = read(said)
    assert said.endswith(answer) or said.rstrip().endswith(answer)
    assert said.lstrip().startswith(reasoning or "")
    between = len(said.strip()) - len(answer) - len(reasoning or "")
    assert between == 0 or said.strip()[len(reasoning or "") :].strip().startswith("Final answer:")


def test_it_has_no_parameters() -> None:
    with pytest.raises(UsageError, match="has no parameters"):
        open_chain_of_thought(MethodSpec("chain-of-thought", params={"steps": 3}))
    with pytest.raises(UsageError, match="nothing can stand behind the colon"):
        open_chain_of_thought(MethodSpec("chain-of-thought", "file.txt"))
