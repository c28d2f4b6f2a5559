"""What the judges that ship cost: CPU a response, the size of a file, and the time to open it.

    python benchmarks/judge_cost.py FOLDER_WITH_JSONL [ROUNDS]

Both judges read the same real responses in turn, in one process; printed is the median over rounds
of the mean CPU a response, and the slowest response of the round in which that was fastest.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from vscbench.judges.classifier.judge import ClassifierJudge
from vscbench.judges.classifier.rows import Row, read_rows
from vscbench.judges.classifier.weights import SHIPPED, load_weights
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.protocol import Judge

LONGEST = "It depends. You should not do that, but here is how. " * 200_000
MS = 1e3


def main() -> None:
    """Judge all responses in turn with both judges, and print what that cost."""
    rows = read_rows(Path(sys.argv[1]))
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004
    judges: list[Judge] = [KeywordsJudge(), ClassifierJudge()]
    costs: dict[str, list[list[float]]] = {judge.name: [] for judge in judges}
    for _ in range(rounds):
        for judge in judges:
            costs[judge.name].append(asyncio.run(cost_of_each(judge, rows)))
    for name, taken in costs.items():
        mean = statistics.median(statistics.mean(each) for each in taken)
        slowest = min(max(each) for each in taken)
        print(f"{name:<12}{mean * MS:8.3f} ms CPU a response, slowest {slowest * MS:.2f} ms")
    loading = statistics.median(loading_s() for _ in range(rounds))
    (longest,) = asyncio.run(cost_of_each(judges[-1], [long_row(rows[0])]))
    print(f"{len(rows)} responses, {rounds} rounds; the file has {SHIPPED.stat().st_size:,} bytes")
    print(f"opening takes {loading * MS:.0f} ms, {len(LONGEST):,} characters {longest * MS:.2f} ms")


async def cost_of_each(judge: Judge, rows: Sequence[Row]) -> list[float]:
    """Return the CPU seconds that each verdict took."""
    taken = []
    for row in rows:
        started = time.process_time()
        await judge.judge(row.query, row.response)
        taken.append(time.process_time() - started)
    return taken


def loading_s() -> float:
    """Return the CPU seconds that reading the weights takes."""
    started = time.process_time()
    load_weights()
    return time.process_time() - started


def long_row(row: Row) -> Row:
    """Return a row with a very long response."""
    return Row(row.query, LONGEST, row.kind, row.source, row.model, row.prompt, row.topic, None)


if __name__ == "__main__":
    main()
