"""Marks the root of the checkout: pytest puts this folder on the path from which tests import.

The plugin is found by its entry point, here as anywhere; what the project's own tests need stands
in ``tests/conftest.py``.
"""
