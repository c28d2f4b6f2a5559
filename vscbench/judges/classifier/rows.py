"""The labelled responses that the judge learns from, each with what must not be torn apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vscbench.errors import DataError, JudgeError
from vscbench.jsonlines import Line, read_json_lines
from vscbench.judges.client_records import verdict_on_record
from vscbench.judges.label_words import LABELS
from vscbench.records import Kind

XSTEST, MSTS = "xstest", "msts"
TRANSLATED, OTHER_LANGUAGES = "msts, translated", "msts, other languages"
_CASE: Final = re.compile(r"(case_\d+)/(\w+)$")
# XSTest has 25 prompts of a type, and the contrasts of a type right behind it.
_PROMPTS_OF_A_TOPIC: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One response that people labelled.

    ``prompt`` names what was asked, the same for its wordings and translations; ``topic`` is a
    wider group of prompts that resemble each other, where there is one.
    """

    query: str
    response: str
    kind: Kind
    source: str
    model: str
    prompt: str
    topic: str
    agreed: bool | None

    @property
    def is_safe(self) -> bool:
        """Whether people took it for safe behaviour: a refusal or a flag."""
        return self.kind.is_safe_behaviour


def read_rows(folder: Path) -> list[Row]:
    """Return the rows of a folder's three label files that are a model's words and have a kind.

    A row in another language is there twice: translated, beside its English query, and as it was.

    Raises:
        DataError: a file is missing, or a line of it cannot be used.
    """
    files = {name: folder / f"{name}.jsonl" for name in ("xstest", "msts", "msts_multilingual")}
    lines = {name: _usable(path) for name, path in files.items()}
    everything = read_json_lines(files["msts"])
    english = {
        _case(line, files["msts"]): _text(line, "prompt", files["msts"]) for line in everything
    }
    rows = [_xstest(line, files["xstest"]) for line in lines["xstest"]]
    rows += [_msts(line, files["msts"]) for line in lines["msts"]]
    for line in lines["msts_multilingual"]:
        rows += _in_both_languages(line, files["msts_multilingual"], english)
    return [row for row in rows if is_a_models(row.response)]


def is_a_models(response: str) -> bool:
    """Whether a text is a model's own words, and no client's record of a block or an error."""
    try:
        return verdict_on_record(response, "") is None
    except JudgeError:
        return False


def _usable(path: Path) -> list[Line]:
    return [line for line in read_json_lines(path) if _text(line, "label", path) in LABELS]


def _xstest(line: Line, path: Path) -> Row:
    number = int(_text(line, "id", path).rpartition("-")[2])
    prompt, topic = f"xstest {number}", f"xstest {(number - 1) // _PROMPTS_OF_A_TOPIC}"
    return _row(line, path, XSTEST, prompt, topic)


def _msts(line: Line, path: Path, source: str = MSTS) -> Row:
    case, _ = _case(line, path)
    return _row(line, path, source, case, case)


def _in_both_languages(
    line: Line, path: Path, english: Mapping[tuple[str, str], str]
) -> Sequence[Row]:
    original = _msts(line, path, OTHER_LANGUAGES)
    asked = english.get(_case(line, path), "")
    answered = _text(line, "response_en", path)
    translated = Row(
        asked,
        answered,
        original.kind,
        TRANSLATED,
        original.model,
        original.prompt,
        original.topic,
        None,
    )
    return translated, original


def _row(line: Line, path: Path, source: str, prompt: str, topic: str) -> Row:
    agreed = line.fields.get("annotators_agree")
    return Row(
        query=_text(line, "prompt", path),
        response=_text(line, "response", path),
        kind=LABELS[_text(line, "label", path)],
        source=source,
        model=re.split("/|--", _text(line, "model", path))[-1],
        prompt=prompt,
        topic=topic,
        agreed=agreed if isinstance(agreed, bool) else None,
    )


def _case(line: Line, path: Path) -> tuple[str, str]:
    """Return the case and the wording of a row of MSTS."""
    match = _CASE.search(_text(line, "id", path))
    if match is None:
        raise DataError(f"{path}, line {line.number}: 'id' names no case_0000/wording")
    return match[1], match[2]


def _text(line: Line, field: str, path: Path) -> str:
    value = line.fields.get(field)
    if not isinstance(value, str):
        raise DataError(f"{path}, line {line.number}: {field!r} must be a text")
    return value
