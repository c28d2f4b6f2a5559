import http.client
import json
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections import Counter
from pathlib import Path

import faulty_provider
import pytest
from faulty_provider import FAULTS, Mix, Sent, choose, read_mix, running_provider
from hypothesis import given
from hypothesis import strategies as st

FINAL = [sent for sent in Sent if sent not in FAULTS]


def post(url: str, text: str, connection: http.client.HTTPConnection | None = None) -> bytes:
    """Ask once, and return status, headers and body as they came."""
    address = urllib.parse.urlsplit(url)
    client = connection or http.client.HTTPConnection(address.netloc, timeout=20)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})
    client.request("POST", f"{address.path}/chat/completions", body)
    answer = client.getresponse()
    return f"{answer.status}\n{answer.headers}".encode() + answer.read()


def body_of(answer: bytes) -> dict[str, object]:
    body: dict[str, object] = json.loads(answer.partition(b"\n\n")[2])
    return body


def always(sent: Sent) -> Mix:
    return {sent: 1.0}


@pytest.mark.parametrize(
    ("sent", "status", "part"),
    [
        (Sent.RATE_LIMIT, b"429", b"rate_limit_exceeded"),
        (Sent.SERVER_ERROR, b"500", b"server_error"),
        (Sent.UNAUTHORIZED, b"401", b"invalid_api_key"),
        (Sent.FILTER_400, b"400", b'"code": "content_filter"'),
        (Sent.BLOCK, b"200", b'"finish_reason": "content_filter"'),
        (Sent.REFUSAL, b"200", b'"content": null, "refusal": "I will'),
        (Sent.EMPTY, b"200", b'"content": "", "refusal": null'),
        (Sent.TEXT_REFUSAL, b"200", b'"content": "I\'m sorry, but I can\'t'),
        (Sent.TEXT_ANSWER, b"200", b'"content": "Gladly'),
    ],
)
def test_each_kind_has_its_own_form_on_the_wire(
    tmp_path: Path, sent: Sent, status: bytes, part: bytes
) -> None:
    with running_provider(tmp_path / "log", always(sent)) as provider:
        answer = post(provider.url, "Hello?")
    assert answer.startswith(status)
    assert part in answer
    assert body_of(answer)
    (attempt,) = provider.attempts()
    assert (attempt.text, attempt.sent, attempt.answered) == ("Hello?", sent, True)


def test_broken_json_is_half_an_answer_of_the_length_it_says(tmp_path: Path) -> None:
    with running_provider(tmp_path / "log", always(Sent.BROKEN_JSON)) as provider:
        answer = post(provider.url, "Hello?")
    assert answer.startswith(b"200")
    with pytest.raises(json.JSONDecodeError):
        body_of(answer)


def test_a_reset_comes_before_an_answer_or_in_the_middle_of_it(tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    with running_provider(tmp_path / "log", always(Sent.RESET)) as provider:
        for number in range(20):
            try:
                post(provider.url, f"Number {number}?")
            except (ConnectionError, http.client.HTTPException) as error:
                found[type(error).__name__] += 1
    assert found.total() == 20
    assert not any(attempt.answered for attempt in provider.attempts())


def test_a_rate_limit_says_when_to_come_back(tmp_path: Path) -> None:
    with running_provider(tmp_path / "log", always(Sent.RATE_LIMIT), retry_after_s=3) as provider:
        assert b"Retry-After: 3\n" in post(provider.url, "Hello?")


def test_the_same_is_sent_again_in_another_order_and_another_process(tmp_path: Path) -> None:
    mix = read_mix("rate_limit=0.2,reset=0.1,block=0.3,empty=0.2")
    texts = [f"Number {number}?" for number in range(12)] * 3
    sent = []
    for name, order in (("one", texts), ("two", texts[::-1])):
        with running_provider(tmp_path / name, mix, seed=7, latency_s=0) as provider:
            for text in order:
                try:
                    post(provider.url, text)
                except (ConnectionError, http.client.HTTPException):
                    continue
        attempts = provider.attempts()
        sent.append({(each.text, each.number): (each.sent, each.said) for each in attempts})
    assert sent[0] == sent[1]
    assert len(sent[0]) == 36
    assert len({kind for kind, _ in sent[0].values()}) > 3


def test_a_client_that_leaves_before_its_answer_was_not_answered(tmp_path: Path) -> None:
    with running_provider(tmp_path / "log", {}, latency_s=30) as provider:
        address = urllib.parse.urlsplit(provider.url)
        body = json.dumps({"messages": [{"role": "user", "content": "Hello?"}]}).encode()
        with socket.create_connection((address.hostname, address.port)) as client:
            head = f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
        (attempt,) = provider.wait_for(1, deadline_s=20)
    assert not attempt.answered


def test_one_connection_asks_again_and_again(tmp_path: Path) -> None:
    with running_provider(tmp_path / "log", {}, latency_s=0) as provider:
        netloc = urllib.parse.urlsplit(provider.url).netloc
        connection = http.client.HTTPConnection(netloc, timeout=20)
        answers = [post(provider.url, text, connection) for text in ("a" * 300_000, "b", "a")]
        connection.close()
    assert len({str(body_of(answer)["id"]) for answer in answers}) == 3
    assert [attempt.number for attempt in provider.attempts()] == [1, 1, 1]


def test_in_flight_counts_those_that_wait_at_the_same_time(tmp_path: Path) -> None:
    with running_provider(tmp_path / "log", {}, latency_s=1) as provider:
        texts = [f"Number {number}?" for number in range(8)]
        clients = [threading.Thread(target=post, args=(provider.url, text)) for text in texts]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        post(provider.url, "And one more?")
    counts = [attempt.in_flight for attempt in provider.attempts()]
    assert (max(counts), counts[-1]) == (8, 1)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, faulty_provider.__file__, "--until-input-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(20) == 0


contents = st.text("0123456789abcdef", min_size=1)
rates = st.dictionaries(st.sampled_from(list(Sent)), st.floats(0, 0.09))


@given(st.integers(), contents, rates)
def test_the_answer_does_not_depend_on_how_often_it_was_asked(
    seed: int, content: str, mix: dict[Sent, float]
) -> None:
    sent = [choose(seed, content, number, mix) for number in range(1, 30)]
    assert len({each for each in sent if each not in FAULTS}) <= 1


@given(st.integers(), contents, st.sampled_from(FAULTS), st.sampled_from(FINAL))
def test_what_is_certain_always_comes(seed: int, content: str, fault: Sent, final: Sent) -> None:
    assert choose(seed, content, 1, {final: 1.0}) is final
    assert choose(seed, content, 1, {final: 1.0, fault: 1.0}) is fault


def test_rates_are_those_of_the_mix() -> None:
    mix = read_mix("rate_limit=0.10,server_error=0.05,block=0.02,text_refusal=0.4")
    sent = Counter(choose(3, f"{content:x}", 1, mix) for content in range(20_000))
    shares = {kind: count / 20_000 for kind, count in sent.items()}
    without_faults = 0.85
    assert shares[Sent.RATE_LIMIT] == pytest.approx(0.10, abs=0.01)
    assert shares[Sent.SERVER_ERROR] == pytest.approx(0.05, abs=0.01)
    assert shares[Sent.BLOCK] == pytest.approx(0.02 * without_faults, abs=0.01)
    assert shares[Sent.TEXT_REFUSAL] == pytest.approx(0.4 * without_faults, abs=0.01)


def test_a_mix_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValueError, match="rate_limits"):
        read_mix("rate_limits=0.1")
