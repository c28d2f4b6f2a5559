"""Keeps requests in flight and brings each case its own outcome."""
