from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair, request_for

from vscbench.engine.jobs import Job, JobQueue


def job(number: int) -> Job:
    pair = make_pair(f"pair-{number}")
    return Job(number, request_for(pair), [pair])


def drain(queue: JobQueue, now: float = 0.0) -> list[int]:
    numbers = []
    while found := queue.peek(now):
        queue.remove(found)
        numbers.append(found.number)
    return numbers


def test_jobs_go_in_the_order_in_which_they_came() -> None:
    queue = JobQueue()
    for number in range(4):
        queue.add(job(number))
    assert drain(queue) == [0, 1, 2, 3]


def test_a_job_that_waits_for_another_attempt_goes_first_once_it_is_due() -> None:
    queue = JobQueue()
    queue.add(job(5))
    queue.delay(job(1), ready_at=2.0)
    queue.delay(job(0), ready_at=3.0)
    assert queue.next_due() == 2.0
    early = queue.peek(1.9)
    assert early is not None
    assert early.number == 5
    assert drain(queue, now=2.5) == [1, 5]
    assert drain(queue, now=3.0) == [0]


@given(st.sets(st.integers(0, 30)), st.integers(1, 5), st.sets(st.integers(0, 30)))
def test_after_enough_failures_only_what_will_run_or_is_waited_for_goes(
    failed: set[int], most: int, wanted: set[int]
) -> None:
    queue = JobQueue(most_failures=most)
    for number in range(31):
        queue.add(job(number))
    for number in failed:
        queue.case_failed(number)
    for number in wanted:
        queue.want((f"pair-{number}", 1))
    last = sorted(failed)[most - 1] if len(failed) >= most else 31
    assert drain(queue) == [n for n in range(31) if n < last or n in wanted]


def test_without_maxfail_failures_hold_nothing_back() -> None:
    queue = JobQueue()
    queue.add(job(3))
    for number in range(3):
        queue.case_failed(number)
    assert drain(queue) == [3]


def test_clearing_gives_back_every_job() -> None:
    queue = JobQueue()
    queue.add(job(0))
    queue.delay(job(1), ready_at=99.0)
    assert {each.number for each in queue.clear()} == {0, 1}
    assert len(queue) == 0
    assert queue.peek(100.0) is None
