"""Local models, side by side in one run: our engine against what people do without one.

    python -m benchmarks.local [--device cpu] [--size tiny] [--requests 512] [--rounds 3]
        [--subset 24] [--fixed-rows N] [--only NAME,...] [--threads N] [--limit-s 420]

Each answers pairs of the shipped set, images included, with the same LLaVA of random weights
(speed does not depend on their values):

- ``ours``: the engine's scheduler and batches, given all requests at once;
- ``fixed``: ``generate`` on batches in the order of the file, each until its longest answer ends,
  at the best of several sizes (tried first, on part of the requests);
- ``one by one``: ``generate`` on one request at a time, as the paper's scripts do;
- ``serve``: ``transformers serve``, asked by 16 clients at once (pip install fastapi uvicorn).

Random weights never end an answer, so each request has a length of its own, drawn once; nobody
knows it before it is reached. The slow ones get every so many requests only (``--subset``); tokens
a second are compared. All contenders run in turn in each round, each once before without being
timed; medians are printed. On a CPU every text of every round has to be that of ``ours``, or the
exit status is 1; on a GPU sums in another order may change a token. What differs is printed.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import torch
import transformers

from benchmarks.engine import describe_machine
from benchmarks.generation.contenders import in_file_order, one_by_one, ours
from benchmarks.generation.counting import Steps
from benchmarks.generation.gpu import Samples, watched
from benchmarks.generation.llava import SIZES, Llava, build
from benchmarks.generation.roofline import H200, Peaks, least_seconds, shape_of
from benchmarks.generation.serving import missing_packages, running_server
from benchmarks.generation.work import Work, make_work

OURS, FIXED, ALONE, SERVE = "ours", "fixed", "one by one", "serve"
FIXED_ROWS = {"cpu": (16, 32, 64), "cuda": (32, 64, 128)}
TRIED_REQUESTS = 128
WARMING = 4
HEADINGS = ("requests", "tokens", "seconds", "requests/s", "tokens/s", "ours is", "equal texts")
GIB = 1024**3
SHOWN = 20


@dataclass(slots=True)
class Contender:
    """One way to answer, the requests it gets, and what came of each round."""

    name: str
    work: Work
    answer: Callable[[Work], list[str]]
    seconds: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Answer its requests once, and keep how long that took."""
        began = time.perf_counter()
        self.texts = self.answer(self.work)
        self.seconds.append(time.perf_counter() - began)

    @property
    def tokens_per_s(self) -> list[float]:
        """Of each round."""
        return [self.work.tokens / seconds for seconds in self.seconds]


@dataclass(slots=True)
class Bench:
    """A model, what it is asked, and what was seen of our engine."""

    llava: Llava
    work: Work
    steps: Steps = field(default_factory=Steps)
    peak_bytes: int = 0
    samples: Samples = field(default_factory=Samples)

    def ours(self, work: Work) -> list[str]:
        """Answer with our engine."""
        is_gpu = self.llava.model.device.type == "cuda"
        if is_gpu:
            torch.cuda.reset_peak_memory_stats()
        with watched() as self.samples:
            answers, self.steps = ours(self.llava, work)
        self.peak_bytes = torch.cuda.max_memory_allocated() if is_gpu else 0
        return self._texts(answers)

    def fixed(self, rows: int) -> Callable[[Work], list[str]]:
        """Return what answers so many requests at a time."""
        return lambda work: self._texts(in_file_order(self.llava, work, rows))

    def alone(self, work: Work) -> list[str]:
        """Answer one request at a time."""
        return self._texts(one_by_one(self.llava, work))

    def _texts(self, answers: Sequence[Sequence[int]]) -> list[str]:
        decode = self.llava.processor.tokenizer.decode
        return [decode(answer, skip_special_tokens=True).strip() for answer in answers]


def main() -> None:
    """Run every contender in turn, round by round, and print the table."""
    began = time.monotonic()
    options = read_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    dtype = "bfloat16" if options.device == "cuda" else "float32"
    bench = Bench(
        build(SIZES[options.size], options.device, dtype), make_work(options.requests, options.seed)
    )
    print(describe(bench, options), flush=True)
    with ExitStack() as ending:
        contenders = list(choose(bench, options, dtype, ending))
        for contender in contenders:
            contender.answer(contender.work.every(WARMING))
        run_rounds(contenders, options.rounds, began + options.limit_s)
    print(table(contenders))
    print(account(bench))
    if options.peak_tflops and options.peak_tbs:
        peaks = Peaks(options.peak_tflops * 1e12, options.peak_tbs * 1e12)
        print(share_of_roofline(bench, contenders[0], peaks))
    differ = [line for each in contenders for line in each.unequal]
    print("\n".join(differ[:SHOWN]))
    if differ and options.device == "cpu":
        raise SystemExit(f"{len(differ)} texts are not ours")


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=sorted(FIXED_ROWS), default="cpu")
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--requests", type=int, default=512)
    parser.add_argument("--rounds", type=int, help="default: 3 on a CPU, 2 on a GPU")
    parser.add_argument("--subset", type=int, default=24, help="requests for the slow ones")
    parser.add_argument("--fixed-rows", type=int, help="of a batch; default: the best of several")
    parser.add_argument("--only", default="", help="contenders beside ours, or parts of names")
    parser.add_argument("--threads", type=int, help="of torch; default: its own choice")
    parser.add_argument("--seed", type=int, default=0, help="of the lengths of answers")
    parser.add_argument("--limit-s", type=float, default=420, help="no round begins after that")
    parser.add_argument("--peak-tflops", type=float, help="of the machine; on a GPU: an H200's")
    parser.add_argument("--peak-tbs", type=float, help="of its memory, in TB/s; likewise")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.device == "cpu" else 2)
    if options.device == "cuda":
        options.peak_tflops = options.peak_tflops or H200.flop_per_s / 1e12
        options.peak_tbs = options.peak_tbs or H200.bytes_per_s / 1e12
    return options


def describe(bench: Bench, options: argparse.Namespace) -> str:
    """Return what is measured, and on what."""
    parameters = sum(each.numel() for each in bench.llava.model.parameters())
    lengths = sorted(map(bench.work.limit, bench.work.requests))
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    return (
        f"{describe_machine()}; torch {torch.__version__}, transformers "
        f"{transformers.__version__}; {name}, {torch.get_num_threads()} threads, "
        f"{bench.llava.model.dtype}\n"
        f"LLaVA '{options.size}': {parameters / 1e6:.1f} M parameters, "
        f"{bench.llava.size.image_tokens} tokens an image; {len(lengths)} requests, answers of "
        f"{lengths[0]} to {lengths[-1]} tokens, median {statistics.median(lengths):g}"
    )


def choose(
    bench: Bench, options: argparse.Namespace, dtype: str, ending: ExitStack
) -> Iterator[Contender]:
    """Make the contenders that are asked for; ours is always the first."""
    asked = [part.strip() for part in options.only.split(",")]
    wanted = {name for name in (FIXED, ALONE, SERVE) if any(part in name for part in asked)}
    subset = bench.work.every(options.subset)
    yield Contender(OURS, bench.work, bench.ours)
    if FIXED in wanted:
        rows = options.fixed_rows or best_rows(bench, FIXED_ROWS[options.device])
        yield Contender(f"{FIXED}, {rows} rows", bench.work, bench.fixed(rows))
    if ALONE in wanted:
        yield Contender(ALONE, subset, bench.alone)
    if SERVE in wanted and (missing := missing_packages()):
        print(f"skipped: transformers serve needs {', '.join(missing)}: pip install them")
    elif SERVE in wanted:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        server = ending.enter_context(running_server(bench.llava, folder, options.device, dtype))
        yield Contender(SERVE, subset, server.texts)


def best_rows(bench: Bench, sizes: Sequence[int]) -> int:
    """Return the size of fixed batches that is fastest on part of the requests."""
    tried = bench.work.every(TRIED_REQUESTS)
    bench.fixed(sizes[0])(tried.every(WARMING))
    taken = {}
    for rows in sizes:
        began = time.perf_counter()
        bench.fixed(rows)(tried)
        taken[rows] = time.perf_counter() - began
    said = ", ".join(f"{rows} rows {seconds:.1f} s" for rows, seconds in taken.items())
    print(f"fixed batches, tried on {len(tried.requests)} requests: {said}", flush=True)
    return min(taken, key=lambda rows: taken[rows])


def run_rounds(contenders: Sequence[Contender], rounds: int, ending: float) -> None:
    """Run the contenders in turn, so that a busy moment of the machine hits all of them.

    No round begins, but for the first, that would not be over at ``ending`` if it took as long as
    the one before.
    """
    took_s = 0.0
    for number in range(1, rounds + 1):
        began = time.monotonic()
        if took_s and began + took_s > ending:
            print(f"round {number} and those after it are left out: the time is up")
            return
        for contender in contenders:
            gc.collect()
            contender.run()
            contender.unequal += differences(contender, contenders[0], number)
            took = f"{contender.seconds[-1]:.2f} s"
            print(f"round {number}: {contender.name}: {took}", file=sys.stderr, flush=True)
        took_s = time.monotonic() - began


def table(contenders: Sequence[Contender]) -> str:
    """Return the medians of all rounds, a row a contender."""
    heading = f"{'':<18}" + "".join(f"{name:>13}" for name in HEADINGS)
    return "\n".join(["", heading, *(row(each, contenders[0]) for each in contenders), ""])


def row(contender: Contender, first: Contender) -> str:
    """Return one row; the ratio is the median of those of the rounds."""
    seconds = statistics.median(contender.seconds)
    speeds = zip(first.tokens_per_s, contender.tokens_per_s, strict=True)
    ratio = statistics.median(mine / theirs for mine, theirs in speeds)
    count = len(contender.work.requests)
    cells = (
        f"{count}",
        f"{contender.work.tokens}",
        f"{seconds:.2f}",
        f"{count / seconds:.2f}",
        f"{statistics.median(contender.tokens_per_s):.0f}",
        "" if contender is first else f"{ratio:.2f} x",
        f"{equal_texts(contender):.2%}",
    )
    return f"{contender.name:<18}" + "".join(f"{each:>13}" for each in cells)


def equal_texts(contender: Contender) -> float:
    """Return the share of a contender's texts, of all rounds, that are those of the first."""
    texts = len(contender.work.requests) * len(contender.seconds)
    return 1 - len(contender.unequal) / texts


def differences(contender: Contender, first: Contender, number: int) -> list[str]:
    """Say which texts of a round are not those of the first, and from which word on."""
    said = dict(zip(first.work.requests, first.texts, strict=True))
    found = []
    for request, text in zip(contender.work.requests, contender.texts, strict=True):
        if said[request] != text:
            ours, theirs = said[request].split(), text.split()
            alike = len(
                list(takewhile(lambda two: two[0] == two[1], zip(ours, theirs, strict=False)))
            )
            found.append(
                f"round {number}: {request.pair_id}, epoch {request.epoch}: ours and "
                f"{contender.name} differ from word {alike + 1} of {len(ours)} on"
            )
    return found


def account(bench: Bench) -> str:
    """Say what our engine computed in the last round, and what that took of a GPU."""
    steps = bench.steps
    said = (
        f"ours, last round: {len(steps.prompts)} prompts of {sum(steps.prompts)} tokens, "
        f"{len(steps.rows)} steps of {statistics.fmean(steps.rows):.1f} rows"
    )
    if bench.llava.model.device.type == "cpu":
        return said
    return f"{said}\n{bench.samples}; torch held {bench.peak_bytes / GIB:.1f} GiB at most"


def share_of_roofline(bench: Bench, first: Contender, peaks: Peaks) -> str:
    """Say how near the last round of our engine was to what the machine can do at best."""
    seconds = first.seconds[-1]
    least = least_seconds(bench.steps, shape_of(bench.llava.model), peaks)
    return (
        f"roofline ({peaks.flop_per_s / 1e12:g} TFLOP/s, {peaks.bytes_per_s / 1e12:g} TB/s): "
        f"prompts {least.prompts_s:.2f} s + steps {least.steps_s:.2f} s = "
        f"{least.seconds / seconds:.1%} of {seconds:.2f} s; {least.flop / 1e12:.2f} TFLOP, "
        f"{least.flop / seconds / 1e12:.3g} TFLOP/s"
    )


if __name__ == "__main__":
    main()
