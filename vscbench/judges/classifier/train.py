"""Make the shipped weights anew from the label files.

    python -m vscbench.judges.classifier.train FOLDER_WITH_JSONL OUT

The same files give the same bytes. Needs scikit-learn.
"""

import argparse
from pathlib import Path

from vscbench.errors import DataError
from vscbench.judges.classifier.rows import read_rows
from vscbench.judges.classifier.training import table_of, train
from vscbench.judges.classifier.weights import packed


def main() -> None:
    """Read the labels, learn, and write the file of weights."""
    parser = argparse.ArgumentParser(description="Make the classifier's weights from label files.")
    parser.add_argument(
        "folder", type=Path, help="holds xstest.jsonl, msts.jsonl and msts_multilingual.jsonl"
    )
    parser.add_argument("out", type=Path, help="the file to write, such as weights.tsv")
    given = parser.parse_args()
    try:
        rows = read_rows(given.folder)
    except DataError as error:
        raise SystemExit(f"Error: {error}") from error
    content = packed(*train(table_of(rows)))
    given.out.write_bytes(content)
    print(f"{given.out}: {len(content):,} bytes from {len(rows):,} rows")


if __name__ == "__main__":
    main()
