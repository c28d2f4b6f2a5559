"""Telemetry and progress bars of the libraries that load weights, switched off."""

import os


def be_quiet() -> None:
    """Switch them off; for all of it, before torch and transformers are imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # What reads a GGUF file has a bar that asks for nothing else.
    os.environ.setdefault("TQDM_DISABLE", "1")
    # Rows are prepared on threads of our own.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def hide_loading_bar() -> None:
    """Switch off the bar of transformers, which asks for more than an environment variable."""
    from transformers.utils import logging

    logging.disable_progress_bar()
