import concurrent.futures
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from local_models import open_tiny, some_requests

from vscbench.errors import DataError, TargetError, UsageError, VscbenchError
from vscbench.models.local.rows import Row
from vscbench.models.local.scheduler import Ready, Scheduler
from vscbench.models.local.tasks import MOST_PASSED, Answer, Task, choose
from vscbench.records import FIRST_EPOCH, Request

WAIT_S = 60.0
END = 7


def request(name: str, length: int = 1, *, image: Path | None = None) -> Request:
    return Request(name, FIRST_EPOCH, "x" * length, image, None)


@dataclass
class LetterRows:
    """Makes a row as long as its prompt; a prompt of two question marks cannot be put."""

    limit: int = 4
    gate: threading.Event | None = None

    def make(self, asked: Request) -> Row:
        if self.gate is not None:
            self.gate.wait(WAIT_S)
        if asked.prompt == "??":
            raise DataError("no such image")
        inputs = {"input_ids": torch.zeros(1, len(asked.prompt))}
        if asked.image is not None:
            inputs["pixel_values"] = torch.zeros(1)
        return Row(inputs, len(asked.prompt), self.limit, seed=len(asked.pair_id))


@dataclass
class LetterGenerator:
    """Counts up to a row's seed, one number a step, in a memory of so many tokens."""

    memory: int = 10**6
    most_rows: int = 8
    ends: frozenset[int] = frozenset({END})
    together: list[list[int]] = field(default_factory=list)
    fault: Exception | None = None
    unbearable: int | None = None
    started: Callable[[], None] = lambda: None

    def answer(self, rows: Sequence[Row], finish: Callable[[Sequence[Row]], None]) -> None:
        self.together.append([row.length for row in rows])
        self.started()
        going = list(rows)
        while going:
            if self.fault is not None:
                raise self.fault
            if self.unbearable in {row.length for row in going}:
                raise IndexError("index 9 is out of bounds")
            if sum(row.most_tokens for row in going) > self.memory:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
            for row in going:
                row.tokens.append(END if len(row.tokens) == row.seed % 4 else 0)
            ended = [row for row in going if row.tokens[-1] == END or len(row.tokens) == row.limit]
            going = [row for row in going if row not in ended]
            finish(ended)


def scheduler(
    generator: LetterGenerator, rows: LetterRows | None = None, tokens: int = 10**6
) -> Scheduler:
    return Scheduler((rows or LetterRows()).make, lambda: Ready(generator, tokens), 2, WAIT_S)


def answers(
    futures: Sequence["concurrent.futures.Future[Answer]"],
) -> list[Answer | BaseException]:
    concurrent.futures.wait(futures, WAIT_S)
    return [each.exception(0) or each.result(0) for each in futures]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=30),
    st.integers(20, 400),
    st.integers(1, 8),
)
def test_every_row_that_fits_by_itself_is_answered_however_little_memory_there_is(
    lengths: list[int], memory: int, most_rows: int
) -> None:
    batch = LetterGenerator(memory, most_rows)
    busy = scheduler(batch)
    asked = [request("p" * (number % 7), length) for number, length in enumerate(lengths)]
    found = answers([busy.submit(each) for each in asked])
    for each, answer in zip(asked, found, strict=True):
        if len(each.prompt) + 4 > memory:
            assert isinstance(answer, TargetError)
        else:
            assert isinstance(answer, Answer)
            seed = len(each.pair_id)
            assert answer.row.tokens == [0] * (seed % 4) + [END]
            assert answer.ended


@dataclass
class JudgedGenerator(LetterGenerator):
    """Says of each row once whether it is revised, as a gate does; a second look would differ."""

    looks: int = 0

    def answer(self, rows: Sequence[Row], finish: Callable[[Sequence[Row]], None]) -> None:
        for row in rows:
            if row.is_revised is None:
                self.looks += 1
                row.is_revised = row.length % 2 == 0
        super().answer(rows, finish)


def test_what_a_gate_said_of_a_row_holds_when_it_begins_anew() -> None:
    batch = JudgedGenerator(memory=40)
    busy = scheduler(batch)
    found = answers([busy.submit(request("p" * 3, length)) for length in range(8, 16)])
    assert len(batch.together) > 1 + 8 * 8 // 40  # memory ran out, and rows began anew
    assert batch.looks == 8
    for length, answer in zip(range(8, 16), found, strict=True):
        assert isinstance(answer, Answer)
        assert answer.row.is_revised is (length % 2 == 0)


def test_what_is_meant_for_a_person_is_told_in_its_own_words() -> None:
    busy = scheduler(LetterGenerator(fault=UsageError("layer 3 has no heads")))
    (told,) = answers([busy.submit(request("a"))])
    assert isinstance(told, TargetError)
    assert str(told) == "the model failed at it: layer 3 has no heads"


def test_a_row_that_does_not_fit_alone_is_told_so_and_the_others_go_on() -> None:
    busy = scheduler(LetterGenerator(memory=20))
    asked = [request("a", 3), request("b", 100), request("c", 5)]
    small, large, other = answers([busy.submit(each) for each in asked])
    assert isinstance(large, TargetError) and "memory" in str(large)
    assert isinstance(small, Answer) and isinstance(other, Answer)


def test_a_request_that_cannot_be_prepared_is_told_so_alone() -> None:
    busy = scheduler(LetterGenerator())
    asked = [request("a"), Request("b", FIRST_EPOCH, "??", None, None), request("c")]
    good, wrong, other = answers([busy.submit(each) for each in asked])
    assert isinstance(wrong, DataError)
    assert isinstance(good, Answer) and isinstance(other, Answer)


def test_weights_that_cannot_be_loaded_are_told_to_every_request_then_and_later() -> None:
    def load() -> Ready:
        raise UsageError("the weights lack a layer")

    busy = Scheduler(LetterRows().make, load, 2, WAIT_S)
    found = answers([busy.submit(request(name)) for name in "abc"])
    found += answers([busy.submit(request("later"))])
    assert [str(each) for each in found] == ["the weights lack a layer"] * 4


def test_a_defect_while_generating_is_told_to_every_request_with_what_it_was() -> None:
    busy = scheduler(LetterGenerator(fault=IndexError("index 9 is out of bounds")))
    for answer in answers([busy.submit(request(name)) for name in "abc"]):
        assert isinstance(answer, VscbenchError)
        assert "IndexError: index 9 is out of bounds" in str(answer)


def test_one_request_that_the_model_cannot_bear_costs_no_other_its_answer() -> None:
    busy = scheduler(LetterGenerator(unbearable=13))
    asked = [request(f"p{length}", length) for length in range(1, 30)]
    found = answers([busy.submit(each) for each in asked])
    for each, answer in zip(asked, found, strict=True):
        if len(each.prompt) == 13:
            assert isinstance(answer, TargetError) and "IndexError" in str(answer)
        else:
            assert isinstance(answer, Answer)


def test_a_model_that_fails_at_everything_ends_the_run_after_a_few_tries() -> None:
    batch = LetterGenerator(fault=RuntimeError("device-side assert"))
    busy = scheduler(batch)
    found = answers([busy.submit(request(f"p{length}", length)) for length in range(1, 30)])
    assert all("device-side assert" in str(answer) for answer in found)
    assert sum(type(answer) is TargetError for answer in found) == 2
    assert len(batch.together) < 10


def test_the_first_batch_waits_for_those_that_are_on_their_way() -> None:
    gate, batch = threading.Event(), LetterGenerator()
    busy = scheduler(batch, LetterRows(gate=gate))
    futures = [busy.submit(request(name)) for name in "abcdefgh"]
    gate.set()
    answers(futures)
    assert len(batch.together[0]) == 8


def test_a_request_alone_does_not_wait_for_company_that_never_comes() -> None:
    (answer,) = answers([scheduler(LetterGenerator()).submit(request("a"))])
    assert isinstance(answer, Answer)


def test_a_row_is_cut_by_its_length_and_says_so() -> None:
    (answer,) = answers([scheduler(LetterGenerator(), LetterRows(limit=2)).submit(request("abc"))])
    assert isinstance(answer, Answer)
    assert not answer.ended
    assert answer.row.tokens == [0, 0]


def test_a_row_s_latency_begins_when_it_is_taken_up() -> None:
    gate = threading.Event()
    busy = scheduler(LetterGenerator(), LetterRows(gate=gate))
    began = time.monotonic()
    future = busy.submit(request("a"))
    gate.set()
    (answer,) = answers([future])
    assert isinstance(answer, Answer)
    assert 0 <= answer.latency_s <= time.monotonic() - began


def waiting_tasks(lengths: Sequence[tuple[int, bool]], limit: int = 2) -> list[Task]:
    tasks = []
    for length, seeing in lengths:
        inputs = {"pixel_values": torch.zeros(1)} if seeing else {}
        waiting: concurrent.futures.Future[Answer] = concurrent.futures.Future()
        tasks.append(Task(request("p"), waiting, Row(inputs, length, limit, 0)))
    return tasks


LENGTHS = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=20)


@given(LENGTHS, st.integers(1, 10), st.integers(1, 300))
def test_the_longest_are_taken_first_with_their_like_as_many_as_fit(
    lengths: list[tuple[int, bool]], rows: int, tokens: int
) -> None:
    tasks = waiting_tasks(lengths)
    taken = [task.row for task in choose(tasks, rows, tokens) if task.row]
    every = [task.row for task in tasks if task.row]
    assert bool(taken) == bool(every)
    assert len(taken) <= rows
    assert len({row.has_image for row in taken}) <= 1
    if taken:
        longest = max(row.length for row in every)
        assert taken[0].length == longest
        assert len(taken) == 1 or len(taken) * (longest + 2) <= tokens
        left = [row for row in every if row.has_image is taken[0].has_image and row not in taken]
        assert all(row.length <= taken[-1].length for row in left)
        assert not left or len(taken) == rows or (len(taken) + 1) * (longest + 2) > tokens


@given(LENGTHS.filter(bool), st.data(), st.integers(1, 10))
def test_one_that_was_passed_over_too_often_leads_whatever_its_length(
    lengths: list[tuple[int, bool]], data: st.DataObject, rows: int
) -> None:
    tasks = waiting_tasks(lengths)
    forgotten = data.draw(st.sampled_from(tasks))
    forgotten.passed = MOST_PASSED
    taken = choose(tasks, rows, 10**6)
    assert taken[0] is forgotten
    assert len(set(map(id, taken))) == len(taken)


def test_a_short_request_is_answered_however_many_longer_ones_come_after_it() -> None:
    generator = LetterGenerator(most_rows=1)
    busy = scheduler(generator)
    futures = [busy.submit(request("a", 1))]

    def one_more() -> None:
        if len(generator.together) < 3 * MOST_PASSED:
            futures.append(busy.submit(request("b", 20)))

    generator.started = one_more
    futures += [busy.submit(request("b", 20)) for _ in range(4)]
    answers(futures[:1])
    assert len(generator.together) < 3 * MOST_PASSED


def test_memory_that_ran_out_is_told_to_the_person_once_with_the_last_size() -> None:
    busy = scheduler(LetterGenerator(memory=40))
    answers([busy.submit(request("p" * 3, length)) for length in range(8, 16)])
    (note,) = busy.notes
    assert note.startswith("memory ran out: batches were made smaller, to ")
    assert "--vsc-param batch_tokens=" in note


def test_requests_of_many_lengths_are_answered_by_a_real_model(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model = open_tiny(tiny("llava"))
    requests = some_requests(tmp_path, 12)
    found = answers([model._scheduler.submit(each) for each in requests])
    assert all(isinstance(each, Answer) for each in found)
