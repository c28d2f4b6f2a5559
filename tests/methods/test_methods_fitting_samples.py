from dataclasses import replace
from pathlib import Path

import pytest
from small_pairs import make_pair

from vscbench.methods.fitting.samples import (
    OPENINGS,
    REFUSALS,
    beginnings,
    prompt_samples,
    samples_of,
    samples_sha256,
)
from vscbench.methods.vector_header import SampleKind
from vscbench.records import Label, Pair


def some_pairs() -> list[Pair]:
    return [
        make_pair("tea"),
        make_pair("door", Label.UNSAFE),
        make_pair("lamp", Label.UNSAFE),
        replace(make_pair("silent", Label.UNSAFE), query=""),
    ]


def test_texts_are_every_query_without_an_answer_and_unsafe_ones_are_positive() -> None:
    samples = samples_of("texts", some_pairs())
    said = [(each.request.pair_id, each.answer, each.is_positive) for each in samples]
    assert said == [("tea", None, False), ("door", None, True), ("lamp", None, True)]
    assert samples == prompt_samples(some_pairs())
    assert [each.request.prompt for each in samples] == [
        each.prompt for each in some_pairs() if each.query
    ]


@pytest.mark.parametrize("kind", ["response", "responses"])
def test_responses_are_refusals_and_agreements_to_each_unsafe_query(kind: SampleKind) -> None:
    samples = samples_of(kind, some_pairs())
    by_pair = {
        name: [each for each in samples if each.request.pair_id == name]
        for name in ("door", "lamp")
    }
    assert sum(map(len, by_pair.values())) == len(samples)
    for name, here in by_pair.items():
        assert {each.cluster for each in here} == {name}
        for side, sentences in ((True, REFUSALS), (False, OPENINGS)):
            said = [each.answer for each in here if each.is_positive is side]
            begun = [
                sentence
                for sentence in sentences
                if any(answer and sentence.startswith(answer) for answer in said)
            ]
            assert begun == list(sentences[:1] if kind == "response" else sentences)
            assert len(set(said)) == len(said)


def test_one_response_ends_alike_on_both_sides() -> None:
    refusal, opening = (each.answer for each in samples_of("response", some_pairs()[:2]))
    assert refusal is not None and opening is not None
    assert refusal.split()[-4:] == opening.split()[-4:]


def test_several_responses_are_read_from_their_first_word_on() -> None:
    assert beginnings(["No, I will not do it."]) == ("No,", "No, I will not")
    assert beginnings(["No.", "I will not."]) == ("No.", "I")


def test_samples_are_told_apart_by_what_the_model_reads_of_them(tmp_path: Path) -> None:
    image = tmp_path / "seen.png"
    image.write_bytes(b"one")
    seen = replace(make_pair("seen", Label.UNSAFE), image=image)
    pairs = [*some_pairs(), seen]
    kinds: tuple[SampleKind, ...] = ("texts", "response", "responses")
    digests = [samples_sha256(samples_of(kind, pairs)) for kind in kinds]
    assert len(set(digests)) == 3
    assert samples_sha256(samples_of("texts", pairs)) == digests[0]
    renamed = [replace(each, id=f"other-{each.id}") for each in pairs]
    assert samples_sha256(samples_of("texts", renamed)) == digests[0]
    image.write_bytes(b"two")
    assert samples_sha256(samples_of("texts", pairs)) != digests[0]
