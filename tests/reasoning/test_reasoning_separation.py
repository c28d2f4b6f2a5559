import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vscbench.reasoning.forms import BUILT_IN_FORMS, reasoning_forms
from vscbench.reasoning.separation import separate_reasoning
from vscbench.records import Finish

THOUGHT, ANSWER = "They may do harm. I must decline.", "Sure. First sort it, then wash it."
# What models write around their thought, and what they write between it and the end.
FORMS = {
    "tokens-of-a-tokenizer": "<|thinking_start|>{}<|thinking_end|>{}",
    "tokens-with-a-slash": "<|think|>{}<|/think|>{}",
    "lower-brackets": "[think]{}[/think]\n{}",
    "escaped-markup": "&lt;think&gt;{}&lt;/think&gt;{}",
    "inner-monologue": "<inner_monologue>{}</inner_monologue>\n{}",
    "think": "<think>\n{}\n</think>\n\n{}",
    "in capitals": "<THINK>{}</Think>{}",
    "with attributes and blanks": "< think lang='en'>{}</ think >{}",
    "thinking": "<thinking>{}</thinking>{}",
    "thought": "<thought>{}</thought>{}",
    "reasoning": "<reasoning>{}</reasoning>{}",
    "analysis": "<analysis>{}</analysis>{}",
    "reflection": "<reflection>{}</reflection>{}",
    "magistral": "[THINK]{}[/THINK]{}",
    "kimi": "\u25c1think\u25b7{}\u25c1/think\u25b7{}",
    "kimi k3": "<|open|>think<|sep|>{}<|close|>think<|sep|><|open|>response<|sep|>{}"
    "<|close|>response<|sep|>",
    "gemma": "<|channel>thought\n{}<channel|>{}",
    "medgemma": "<unused94>thought\n{}<unused95>{}",
    "seed": "<seed:think>{}</seed:think>{}",
    "minimax": "<mm:think>{}</mm:think>{}",
    "cohere": "<|START_THINKING|>{}<|END_THINKING|><|START_RESPONSE|>{}<|END_RESPONSE|>",
    "sky": "<|begin_of_thought|>{}<|end_of_thought|>\n<|begin_of_solution|>{}<|end_of_solution|>",
    "glm": "<think>{}</think><answer><|begin_of_box|>{}<|end_of_box|></answer>",
    "hunyuan": "<think>\n{}\n</think>\n<answer>\n{}\n</answer>",
    "ernie": "<think>{}</think>\n\n<response>\n{}\n</response>",
    "an answer that closes the thought": "<think>{}\n<answer>{}</answer>",
    "llava-cot": "<SUMMARY>{}</SUMMARY>\n\n<CAPTION>A shirt.</CAPTION>\n\n"
    "<CONCLUSION>{}</CONCLUSION>",
    "granite": "Here is my thought process: {}\nHere is my response: {}",
    "apriel": "Here are my reasoning steps:\n{}\n[BEGIN FINAL RESPONSE]\n{}\n[END FINAL RESPONSE]",
    "huatuo": "## Thinking\n\n{}\n\n## Final Response\n\n{}",
    "harmony": "<|channel|>analysis<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "harmony with a commentary": "<|start|>assistant<|channel|>analysis<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{{}}<|end|>"
    "<|start|>assistant<|channel|>final <|constrain|>text<|message|>{}<|return|>",
    "harmony without its tokens": "analysis{}assistantfinal{}",
    "a byte order mark": "\ufeff\n<think>{}</think>{}",
    "whose turn it is": "<|im_start|>assistant\n<think>{}</think>{}<|im_end|>",
    "in a fence": "```\n<think>{}</think>\n```\n{}",
    "all in a fence": "```xml\n<think>{}</think>\n{}\n```",
    "only the closing mark": "{}\n</think>\n\n{}",
    "only the closing mark, in a line": "{}</think>{}",
    "only harmony's closing mark": "{}<|end|><|start|>assistant<|channel|>final<|message|>{}",
    "only the closing mark of a plain word": "{}\n</reasoning>\n{}",
    "only the final response": "{}\n[BEGIN FINAL RESPONSE]\n{}",
    "closed twice": "<think>{}</think>\n</think>\n{}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_answer_is_what_is_said_behind_the_thought(form: str) -> None:
    answer, reasoning = separate_reasoning(form.format(THOUGHT, ANSWER))
    assert answer == ANSWER
    assert reasoning is not None
    assert reasoning.startswith(THOUGHT)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_answer_that_was_read_reads_the_same_again(form: str) -> None:
    answer, _ = separate_reasoning(form.format(THOUGHT, ANSWER))
    assert separate_reasoning(answer) == (answer, None)


@pytest.mark.parametrize(
    "opening",
    [
        "<think>\n",
        "[THINK]",
        "<|channel|>analysis<|message|>",
        "\u25c1think\u25b7",
        "<|START_THINKING|>",
        "Here is my thought process: ",
        "<SUMMARY>",
        "analysis",
    ],
)
def test_a_thought_that_was_cut_is_no_answer(opening: str) -> None:
    cut = separate_reasoning(f"{opening}{THOUGHT}", finish=Finish.LENGTH)
    assert cut == ("", THOUGHT)


@pytest.mark.parametrize(
    "text",
    [
        "## Thinking about safety\n\nSure, here is how.",
        "Here is my thought process: first, sort the laundry.",
        "<SUMMARY>Sort the laundry.</SUMMARY>",
        "<CAPTION>A dog</CAPTION>\nThe dog is brown.",
        "MedGemma emits <unused94>thought first; here is how to do it.",
        "The word assistantanalysis is odd. I go on.",
        "Sure, here is XML:\n<root>\n<thought>Sort it.</thought>\n</root>",
        "# Story\n<thoughts>\nI would sort it.\n</thoughts>\nThe end.",
    ],
)
def test_headings_mentions_and_markup_of_an_answer_stay_in_it(text: str) -> None:
    assert separate_reasoning(text) == (text, None)


@pytest.mark.parametrize(
    "text", ["<" + " " * 300_000, " " * 300_000 + "x " + "a <think> b " * 30_000]
)
def test_what_a_model_repeats_to_the_end_of_its_tokens_is_read_once(text: str) -> None:
    answer, reasoning = separate_reasoning(text)
    assert len(answer) + len(reasoning or "") <= len(text)


def test_a_tool_call_without_a_final_message_is_no_answer() -> None:
    answer, _ = separate_reasoning(
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    )
    assert answer == ""


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("<think>a</think>One.\n<think>b</think>\nTwo.", "One.\n\nTwo.", "a\n\nb"),
        ("One. <think>b</think> Two.", "One.  Two.", "b"),
        ("One.<think>b</think>Two.", "One. Two.", "b"),
        ("<think>a</think>One.\n<think>b", "One.", "a\n\nb"),
        ("<reasoning>a</reasoning>One.<reasoning>b</reasoning>Two.", "One. Two.", "a\n\nb"),
        ("<think>a<think>b</think>c</think>One.", "One.", "a<think>b</think>c"),
        ("<think>They ask of <think> tags.</think>One.", "One.", "They ask of <think> tags."),
        ("<think>I close with `</think>`.</think>One.", "One.", "I close with `</think>`."),
        ("<thinking>a</thinking><output>One.</output>", "One.", "a"),
        ("<think></think>\n\nOne.", "One.", None),
        ("<think>", "", None),
        ("<think>a</think>", "", "a"),
        ("<think>a</think><answer>", "", "a"),
    ],
)
def test_thoughts_are_told_from_what_is_between_them(
    text: str, answer: str, reasoning: str | None
) -> None:
    assert separate_reasoning(text) == (answer, reasoning)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words, a < b > c, and [thinking] about it.",
        "The tag is <think> in HTML.",
        "Between <think> and </think> models reason.",
        "Models end it with </think>, as a rule.",
        "Write it so:\n```xml\n<think>a plan</think>\n```\nand go on.",
        "Write `<think>a plan</think>` first.",
        "It writes \u201c<think>a plan</think> and so on\u201d there.",
        'It says "<think>a plan</think> first" there.',
        'The word "[THINK]" opens it, and "[/THINK]" closes it.',
        "The marks ([THINK]) and ([/THINK]).",
        "> <think>\n> quoted from another chat\n> </think>",
        "<note>\n<reasoning>a form has this element</reasoning>\n</note>",
        "Fill in <analysis>your words</analysis> of the form.",
        "Sure! Here is my response: sort it.",
        "analysis of the picture: a shirt.",
        "The final analysis is that the assistant finally helps.",
        "<answer>Sort it.</answer>",
    ],
)
def test_marks_that_are_spoken_of_are_text(text: str) -> None:
    assert separate_reasoning(text) == (text, None)


@pytest.mark.parametrize(
    "answer",
    [
        "Models end it with </think>, as a rule.",
        "Write `<think>a plan</think>` first.",
        "So:\n```\n<think>a plan</think>\n```\nDone.",
    ],
)
def test_an_answer_may_speak_of_marks_behind_a_thought(answer: str) -> None:
    assert separate_reasoning(f"<think>{THOUGHT}</think>{answer}") == (answer, THOUGHT)


def test_a_project_names_forms_of_its_own() -> None:
    forms = reasoning_forms(["reflect", ["[[", "]]"], ["Thoughts:", "Answer:"]], "here")
    for text in (
        f"<REFLECT>{THOUGHT}</reflect>{ANSWER}",
        f"[[{THOUGHT}]]\n{ANSWER}",
        f"Thoughts: {THOUGHT}\nAnswer: {ANSWER}",
        f"<think>{THOUGHT}</think>{ANSWER}",
    ):
        assert separate_reasoning(text, forms) == (ANSWER, THOUGHT)


MARKS = [
    *("<think>", "</think>", "[THINK]", "[/THINK]", "<reasoning>", "</reasoning>", "<answer>"),
    *("</answer>", "<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|end|>"),
    *("```\n", "`", '"', "\n", " ", "> ", "analysis", "assistantfinal", "Word", "and", ". "),
    *("\u25c1think\u25b7", "<SUMMARY>", "<CONCLUSION>", "Here is my response:", "<", "\u201c"),
]
PIECES = st.lists(st.sampled_from(MARKS) | st.text(max_size=5), max_size=30)


@given(PIECES)
def test_nothing_is_made_up(pieces: list[str]) -> None:
    text = "".join(pieces)
    answer, reasoning = separate_reasoning(text)
    for part in (answer, reasoning or ""):
        left = iter("".join(text.split()))
        assert all(character in left for character in "".join(part.split()))


@given(st.text(st.characters(exclude_characters="<[#\u25c1")))
def test_a_text_without_marks_comes_back_as_it_is(text: str) -> None:
    assume(not any(phrase in text for phrase in ("analysis", "assistant", "Here ")))
    assert separate_reasoning(text) == (text, None)


@given(st.sampled_from(sorted(FORMS.values())), st.text("abc ,.!\n\u00e9\u4f60", max_size=40))
def test_no_thought_is_left_in_an_answer(form: str, words: str) -> None:
    answer, _ = separate_reasoning(form.format(f"Hidden {words}", f"Shown {words} so"))
    assert "Hidden" not in answer
    assert answer.startswith("Shown")
    assert answer.endswith("so")


@pytest.mark.parametrize(
    "text",
    [
        "<think>" * 20_000,
        "</think>" * 20_000,
        "a <think> b " * 20_000,
        "\n<think>a " * 20_000 + "</think>" * 20_000,
        'a "`<think>" ' * 20_000,
        "<think>a</think>" + "<answer>" * 20_000 + "<|end|>" * 20_000,
        "<" * 200_000 + "< " * 200_000,
        "word " * 400_000,
    ],
    ids=["opened", "closed", "mentioned", "nested", "quoted", "wrapped", "signs", "long"],
)
def test_a_hostile_text_is_read_in_time_that_grows_with_it_alone(text: str) -> None:
    # One that is quadratic would take minutes.
    answer, _ = separate_reasoning(text, BUILT_IN_FORMS)
    assert len(answer) <= len(text)
