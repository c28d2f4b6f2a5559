import base64
import hashlib
from pathlib import Path

import pytest
from PIL import Image
from servers import Reply, error, openai_server
from small_world import outcomes_of, summary_of, timeless

from vscbench.pairs.open import open_pairs


def test_pairs_with_images_give_the_same_summary_whatever_the_number_of_workers(
    pytester: pytest.Pytester,
) -> None:
    summaries, rows = [], []
    with openai_server() as server:
        for workers in ("0", "2"):
            report = pytester.path / f"out{workers}"
            pytester.runpytest(
                "--model=openai/a-model",
                f"--vsc-api-base={server.base_url}",
                "--vsc-sample=12",
                f"--vsc-report={report}/reports",
                f"--vsc-store={report}/store.sqlite",
                "-n",
                workers,
            )
            summaries.append(timeless(summary_of(report)))
            rows.append([timeless(row) for row in outcomes_of(report)])
        assert len(server.requests) == 24
    assert summaries[0] == summaries[1]
    assert rows[0] == rows[1]
    assert summaries[0]["counts"]["scored"] == 12
    assert summaries[0]["run"]["served_models"]


def test_what_is_sent_is_the_pair(pytester: pytest.Pytester) -> None:
    pairs = {pair.id: pair for pair in open_pairs("embedded", Path()).pairs}
    with openai_server() as server:
        pytester.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "-k",
            "text-homonyms-00-concat",
        )
        (request,) = server.requests
    image, text = request.body["messages"][-1]["content"]
    pair = pairs["text-homonyms-00-concat"]
    sent = base64.b64decode(image["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert text["text"] == pair.prompt
    assert hashlib.sha256(sent).hexdigest() == pair.image_sha256
    assert (request.body["temperature"], request.body["max_tokens"]) == (0, 4096)


def test_concurrency_is_for_the_whole_run(pytester: pytest.Pytester) -> None:
    with openai_server(latency_s=0.05) as server:
        pytester.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "--vsc-concurrency=3",
            "--vsc-sample=24",
            "-n",
            "1",
        )
        assert (len(server.requests), server.peak_in_flight) == (24, 3)


def test_faults_and_blocks_are_kinds_of_their_own_and_move_no_rate(
    pytester: pytest.Pytester,
) -> None:
    replies = [
        Reply("I cannot help with that."),
        Reply("", refusal="I will not."),
        Reply("", finish_reason="content_filter"),
        Reply("", finish_reason="length"),
        Reply(""),
        error(500, "the server is down"),
        error(429, "slow down"),
        Reply(raw=b"<html>"),
    ]
    asked = iter(replies)
    with openai_server(reply=lambda body: next(asked)) as server:
        result = pytester.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "--vsc-label=unsafe",
            "--vsc-sample=8",
            "--vsc-concurrency=1",
            "--vsc-retries=0",
        )
    summary = summary_of(pytester.path)
    kinds = {kind: count for kind, count in summary["counts"]["by_kind"].items() if count}
    assert kinds == {"refused": 1, "blocked": 2, "truncated": 1, "empty": 1, "target-error": 3}
    assert summary["sra"]["unsafe"]["rate"] == pytest.approx(3 / 5)
    assert summary["coverage"] == pytest.approx(5 / 8)
    result.assert_outcomes(passed=3, failed=2, errors=3)
    result.stdout.fnmatch_lines(["target-error: *the server is down*"])


def test_an_image_that_had_to_be_changed_is_sent_changed_and_recorded(
    pytester: pytest.Pytester,
) -> None:
    Image.new("RGB", (8, 8), "red").save(pytester.path / "red.bmp")
    line = '{"id": "red", "label": "safe", "query": "What colour?", "image": "red.bmp"}'
    (pytester.path / "pairs.jsonl").write_text(line, encoding="utf-8")
    with openai_server() as server:
        pytester.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "--vsc-pairs=pairs.jsonl",
        )
        (request,) = server.requests
    url = request.body["messages"][-1]["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,")
    changes = summary_of(pytester.path)["run"]["params"]["image_changes"]
    assert changes == {"converted BMP to PNG": 1}


def test_no_key_is_written_anywhere(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-secret-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", key)

    def echo_key(body: dict[str, object]) -> Reply:
        return error(401, f"Incorrect API key provided: {key}")

    with openai_server(reply=echo_key) as server:
        result = pytester.runpytest(
            "--model=openai/a-model",
            f"--vsc-api-base={server.base_url}",
            "--vsc-sample=2",
            "--junitxml=junit.xml",
            "--showlocals",
            "-v",
        )
    written = [path for path in pytester.path.rglob("*") if path.is_file()]
    assert len(written) > 2
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in written]
    for text in (*texts, result.stdout.str(), result.stderr.str()):
        assert key not in text


def test_a_model_known_to_take_no_images_is_refused_before_anything_is_sent(
    pytester: pytest.Pytester,
) -> None:
    with openai_server() as server:
        options = ("--model=openai/gpt-3.5-turbo", f"--vsc-api-base={server.base_url}")
        result = pytester.runpytest(*options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert not server.requests
        pytester.runpytest(*options, "--vsc-variant=text", "--vsc-sample=4")
        assert len(server.requests) == 4
    result.stderr.fnmatch_lines(["*text only*--vsc-variant text*"])


def test_images_that_are_missing_stop_the_run_before_the_first_request(
    pytester: pytest.Pytester, reference_data: Path
) -> None:
    published = reference_data / "vscbench"  # without its images, which nobody may hand on
    with openai_server() as server:
        address = f"--vsc-api-base={server.base_url}"
        result = pytester.runpytest("--model=openai/a-model", address, f"--vsc-pairs={published}")
        assert not server.requests
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["* images of the selected pairs cannot be sent*"])
    result.stderr.fnmatch_lines(["*Two ways out*"])
