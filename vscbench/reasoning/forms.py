"""The forms in which models mark their reasoning, as data; a project can name more."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vscbench.errors import UsageError


class Marks(StrEnum):
    """What the marks of a form are, which decides where they count.

    None of them counts in code or in quotes.
    """

    SPECIAL = "special"  # tokens of a vocabulary, which nobody else writes: they count anywhere
    TAG = "tag"  # made for reasoning; in mid-sentence they are mentioned, not used
    WORD = "word"  # other markup uses such tags too: they count once the text began with one
    PROSE = "prose"  # plain phrases: they count where the text begins with them


@dataclass(frozen=True, slots=True)
class ReasoningForm:
    """How reasoning is marked: regular expressions for what opens it and what closes it."""

    opening: str
    closing: str
    marks: Marks = Marks.TAG


def tag_form(name: str, marks: Marks = Marks.TAG) -> ReasoningForm:
    """Return the form ``<name>...</name>``, in any case, with blanks and attributes."""
    return ReasoningForm(opening_tag(name), closing_tag(name), marks)


def literal_form(opening: str, closing: str, marks: Marks = Marks.TAG) -> ReasoningForm:
    """Return the form whose marks are exactly these."""
    return ReasoningForm(re.escape(opening), re.escape(closing), marks)


# Every tag begins so; it lets a scan pass over all that cannot be one.
TAG_BEGINS: Final = r"<\s*(?:\\?/\s*)?[A-Za-z]"


def opening_tag(name: str) -> str:
    """Return the expression of ``<name>``."""
    return rf"(?i:<\s*{re.escape(name)}(?:\s[^<>]*)?(?<!/)>)"


def closing_tag(name: str) -> str:
    """Return the expression of ``</name>``; JSON may have escaped its slash."""
    return rf"(?i:<\s*\\?/\s*{re.escape(name)}\s*>)"


# Behind the name of a harmony channel: to whom it goes, in which format, and the message's token.
_CHANNEL_REST: Final = r"(?:[^<\n]{0,99}(?:<\|constrain\|>[^<\n]{0,99})?<\|message\|>)?"
# What stands between two messages of an assistant.
_CHANNEL: Final = r"(?:<\|end\|>\s*)?(?:<\|start\|>\s*assistant[^<\n]{0,99})?<\|channel\|>\s*"

BUILT_IN_FORMS: Final[tuple[ReasoningForm, ...]] = (
    # DeepSeek, Qwen, GLM, InternVL, MiMo-VL, Skywork-R1V, Hunyuan, Ernie, EXAONE, Seed, MiniMax ...
    *map(tag_form, ("think", "thinking", "seed:think", "mm:think")),
    *map(tag_form, ("longcat_think", "think_fast", "think_faster")),
    literal_form("&lt;think&gt;", "&lt;/think&gt;"),  # a server or an export that escapes markup
    *(  # Magistral's, and its like
        literal_form(f"[{name}]", f"[/{name}]")
        for name in ("think", "THINK", "thinking", "THINKING")
    ),
    *(
        ReasoningForm(
            rf"<\|(?i:{name}(?:_start)?\|>)",
            rf"<\|(?i:(?:/{name}|end_?{name}|end_of_{name}|{name}_end)\|>)",
            Marks.SPECIAL,
        )
        for name in ("think", "thinking", "thought", "reasoning")
    ),
    ReasoningForm(  # gpt-oss
        rf"{_CHANNEL}(?:analysis|commentary){_CHANNEL_REST}",
        rf"{_CHANNEL}final{_CHANNEL_REST}",
        Marks.SPECIAL,
    ),
    # The same, once a detokeniser has left its special tokens out.
    ReasoningForm("assistant(?:analysis|commentary)", "assistantfinal"),
    ReasoningForm("analysis(?=[A-Z])", "assistantfinal", Marks.PROSE),
    literal_form("\u25c1think\u25b7", "\u25c1/think\u25b7", Marks.SPECIAL),  # Kimi-VL
    literal_form("<|open|>think<|sep|>", "<|close|>think<|sep|>", Marks.SPECIAL),  # Kimi K3
    literal_form("<|START_THINKING|>", "<|END_THINKING|>", Marks.SPECIAL),  # Cohere
    literal_form("<|begin_of_thought|>", "<|end_of_thought|>", Marks.SPECIAL),  # Sky-T1
    ReasoningForm(r"<\|channel>\s*thought", r"<channel\|>", Marks.SPECIAL),  # Gemma 4
    ReasoningForm(r"<unused94>\s*thought", "<unused95>", Marks.SPECIAL),  # MedGemma
    *(  # models that were trained on a template of such elements
        tag_form(name, Marks.WORD)
        for name in (
            *("reasoning", "reason", "reflection", "analysis", "rationale", "thought", "thoughts"),
            *("scratchpad", "inner_monologue", "monologue", "chain_of_thought", "cot"),
        )
    ),
    literal_form("<SUMMARY>", "<CONCLUSION>", Marks.PROSE),  # LLaVA-CoT
    literal_form("<CAPTION>", "<CONCLUSION>", Marks.PROSE),
    literal_form("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]", Marks.WORD),  # Apriel
    ReasoningForm(  # Granite
        "Here(?: is|'s) my thought process:", "Here(?: is|'s) my response:", Marks.PROSE
    ),
    ReasoningForm(r"## Thinking\b", r"## Final Response\b:?", Marks.PROSE),  # HuatuoGPT
)

# What encloses the final answer of models that reason before it: what opens it, what closes it.
ANSWER_FORMS: Final[tuple[tuple[str, str], ...]] = (
    *(
        (opening_tag(name), closing_tag(name))
        for name in ("answer", "response", "output", "solution", "conclusion", "final_answer")
    ),
    *(
        (re.escape(opening), re.escape(closing))
        for opening, closing in (
            ("<|begin_of_box|>", "<|end_of_box|>"),
            ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
            ("<|begin_of_solution|>", "<|end_of_solution|>"),
            ("<|open|>response<|sep|>", "<|close|>response<|sep|>"),
            ("[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"),
        )
    ),
)
# Tokens behind a final answer, and closing marks whose opening one was that of a form above.
ANSWER_ENDS: Final = (
    *("<|return|>", "<|end|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>"),
    *("<|END_OF_TURN_TOKEN|>", "<end_of_turn>", "</s>", "</CONCLUSION>", "[END FINAL RESPONSE]"),
)


# Special tokens of vocabularies by which reasoning is marked, alone or several together.
_MARKING_TOKENS: Final = frozenset(
    (
        *("[THINK]", "[/THINK]", "\u25c1think\u25b7", "\u25c1/think\u25b7", "<think>", "</think>"),
        *("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>"),
        *("<|channel>", "<channel|>", "<unused94>", "<unused95>"),
        *("<|START_THINKING|>", "<|END_THINKING|>", "<|begin_of_thought|>", "<|end_of_thought|>"),
        *("<|open|>", "<|close|>", "<|sep|>", "<seed:think>", "</seed:think>"),
        *("<mm:think>", "</mm:think>", "<thought>", "</thought>"),
    )
)


def marks_reasoning(token: str) -> bool:
    """Whether a special token of a vocabulary is, or is part of, a mark of reasoning."""
    return token in _MARKING_TOKENS


def reasoning_forms(tags: object, place: str) -> tuple[ReasoningForm, ...]:
    """Return the built-in forms behind those that a project names.

    Args:
        tags: a list of names (``reflect`` for ``<reflect>...</reflect>``) and of pairs of marks.
        place: where they are written, for messages.

    Raises:
        UsageError: one cannot be used; says which, and what to write.
    """
    if not isinstance(tags, list):
        raise UsageError(f"{place}: must be a list, such as ['reflect', ['[[', ']]']]")
    return (*(_named_form(each, place) for each in tags), *BUILT_IN_FORMS)


def _named_form(tag: object, place: str) -> ReasoningForm:
    match tag:
        case str(name) if re.fullmatch(r"<?[A-Za-z][\w:.-]*>?", name.strip()):
            return tag_form(name.strip().strip("<>"))
        case [str(first), str(second)] if first.strip() and second.strip():
            opening, closing = first.strip(), second.strip()
            element = re.fullmatch(r"<([A-Za-z][\w:.-]*)>", opening)
            if element and closing == f"</{element[1]}>":
                return tag_form(element[1])
            if opening != closing:
                return literal_form(opening, closing)
    raise UsageError(
        f"{place}: {tag!r:.80} is neither a name, such as 'reflect' for <reflect>...</reflect>, "
        "nor a pair of two different marks, such as ['[[', ']]']"
    )
