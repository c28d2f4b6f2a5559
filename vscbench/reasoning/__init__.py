"""Reasoning that models write around their answers, and the final answer without it."""
