"""Configuration of pytest for this checkout: its own tests run the same every time."""

import importlib.util
import os


def pytest_configure() -> None:
    """Let property tests draw the same examples on every machine of continuous integration."""
    if importlib.util.find_spec("hypothesis") is None:
        return
    from hypothesis import settings

    settings.register_profile("ci", derandomize=True, deadline=None)
    settings.register_profile("local", deadline=None)
    settings.load_profile("ci" if os.environ.get("CI") else "local")
