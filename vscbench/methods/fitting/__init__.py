"""Fitting the directions in which a local model's activations are revised: pure computation."""
