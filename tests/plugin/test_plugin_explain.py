from dataclasses import replace

import pytest
from small_pairs import make_pair

from vscbench.plugin.explain import explain, explain_error, headline
from vscbench.records import Finish, Kind, Label, Outcome, Response, Verdict

UNSAFE = make_pair("door", Label.UNSAFE)


def judged(text: str, kind: Kind, *evidence: str) -> Outcome:
    return Outcome(UNSAFE, 1, kind, Response(text), Verdict(kind, "keywords", None, evidence))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("label", Label)
def test_every_kind_has_a_headline(kind: Kind, label: Label) -> None:
    line = headline(Outcome(replace(UNSAFE, label=label), 1, kind))
    assert f" {label} pair " in line
    assert "\n" not in line


def test_the_explanation_names_everything_a_person_needs() -> None:
    pair = replace(UNSAFE, prompt="What about the picture?")
    text = explain(replace(judged("Gladly.", Kind.ANSWERED), pair=pair), "openai/gpt-4o")
    for part in ("door", "openai/gpt-4o", pair.query, pair.prompt, "Gladly.", "by keywords"):
        assert part in text


def test_the_evidence_of_the_verdict_is_quoted() -> None:
    assert "'i cannot'" in explain(judged("I cannot.", Kind.REFUSED, "i cannot"), "m")


def test_a_cut_response_and_a_changed_image_are_told() -> None:
    said = Response("Sure", Finish.LENGTH, image_change="scaled 9000x9000 to 8000x8000")
    text = explain(replace(judged("", Kind.ANSWERED), response=said), "m")
    assert "cut by the limit on tokens" in text
    assert "scaled 9000x9000 to 8000x8000" in text


def test_an_error_gives_its_cause_in_one_line() -> None:
    text = explain_error(Outcome(UNSAFE, 1, Kind.TARGET_ERROR, error="HTTP 500"))
    assert text == "target-error: HTTP 500 (door)"
