"""The files a run writes, and its closing table."""

from vscbench.report.outcomes import read_outcomes
from vscbench.report.schema import load_schema

__all__ = ["load_schema", "read_outcomes"]
