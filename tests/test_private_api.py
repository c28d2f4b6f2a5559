"""What is used of litellm, pytest and syrupy beyond their documented interfaces.

A release that changes one of these fails here with its name, and the upper bound in
``pyproject.toml`` stays below it. Those of transformers stand in
``tests/models/local/test_local_internals.py``.
"""

import dataclasses
import inspect
from contextvars import ContextVar
from importlib.metadata import version

import pytest


def is_not_as_known(distribution: str) -> str:
    return f"{distribution} {version(distribution)} is not as vscbench knows it"


def test_litellm_sends_through_one_transport_that_can_be_watched() -> None:
    from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

    send = LiteLLMAiohttpTransport.handle_async_request
    assert inspect.iscoroutinefunction(send), is_not_as_known("litellm")
    assert [*inspect.signature(send).parameters] == ["self", "request"], is_not_as_known("litellm")


def test_litellm_can_be_called_unlogged_and_closed() -> None:
    import litellm
    from litellm._internal_context import is_internal_call
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    assert isinstance(is_internal_call, ContextVar), is_not_as_known("litellm")
    calls = {
        name: getattr(GLOBAL_LOGGING_WORKER, name, None) for name in ("start", "flush", "stop")
    }
    assert all(map(callable, calls.values())), is_not_as_known("litellm")
    assert isinstance(litellm.in_memory_llm_clients_cache.cache_dict, dict)
    close = getattr(litellm, "close_litellm_async_clients", None)
    assert inspect.iscoroutinefunction(close), is_not_as_known("litellm")


def test_pytest_finds_the_root_again_once_our_options_are_known(
    pytestconfig: pytest.Config,
) -> None:
    from _pytest.config.findpaths import determine_setup

    wanted = {"inifile", "override_ini", "args", "rootdir_cmd_arg", "invocation_dir"}
    assert set(inspect.signature(determine_setup).parameters) == wanted, is_not_as_known("pytest")
    held = ("_rootpath", "_inipath", "_inicache", "_configure_python_path", "known_args_namespace")
    missing = [name for name in held if not hasattr(pytestconfig, name)]
    assert not missing, is_not_as_known("pytest")


def test_pytest_keeps_its_options_where_syrupys_are_taken_out(pytestconfig: pytest.Config) -> None:
    parser = pytestconfig._parser
    strings = parser.optparser._option_string_actions
    group = next(each for each in parser._groups if each.name == "vscbench")
    (option,) = [each for each in group.options if "--vsc-model" in each.names()]
    assert strings["--vsc-model"] is option._action, is_not_as_known("pytest")
    assert option._action in parser.optparser._actions, is_not_as_known("pytest")


def test_syrupys_assertion_is_made_without_its_fixture() -> None:
    from syrupy.assertion import SnapshotAssertion

    fields = {each.name for each in dataclasses.fields(SnapshotAssertion)}
    wanted = {"session", "extension_class", "test_location", "update_snapshots"}
    assert wanted <= fields, is_not_as_known("syrupy")
