"""Models whose weights are loaded here, by transformers, in one process for the whole run."""
