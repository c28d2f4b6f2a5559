"""Open weights behind a server that the run starts itself: vLLM and SGLang."""
