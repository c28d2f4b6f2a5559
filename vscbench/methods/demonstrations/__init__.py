"""The demonstrations that few-shot shows by default: a folder of pairs, each with its answer."""
