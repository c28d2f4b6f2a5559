"""Test-time calibration methods: a pair's request is changed, or a local model's activations."""
