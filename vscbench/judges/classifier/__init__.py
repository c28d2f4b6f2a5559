"""A judge that needs no key and no network: weighed words and cues, learned from labels."""
