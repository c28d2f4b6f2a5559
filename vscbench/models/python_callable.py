"""The team's own application as the system under test: a callable in a Python module."""

import asyncio
import contextvars
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from vscbench.errors import TargetError, UsageError
from vscbench.models.images import upright_file
from vscbench.models.protocol import Model, ModelSpec, ParamValue
from vscbench.models.python_code import code_sha256
from vscbench.models.python_reply import read_answer
from vscbench.models.secrets import without_secrets
from vscbench.records import Request, Response

CONCURRENCY = 8
FORM = "python:package.module:callable"


def open_python(spec: ModelSpec, target: str) -> Model:
    """Open ``package.module:callable`` as a model.

    It is called as ``callable(text, images)``, ``images`` a list of the image files' bytes (empty
    where the pair has none; of an upright picture, where EXIF says how the file is to be turned),
    and with ``system=...`` where a system prompt is sent. It may be async, and returns a ``str`` or
    a ``vscbench.records.Response``.

    Raises:
        UsageError: there is no such callable, it does not take what it would be given, or
            parameters were asked for that it has no way to receive.
    """
    if spec.params:
        named = ", ".join(spec.params)
        raise UsageError(
            f"--vsc-param {named}: --model={spec.name} takes no parameters; set them in code"
        )
    if spec.api_base:
        raise UsageError(
            f"--vsc-api-base: --model={spec.name} is called in process and has no address; "
            "leave it out"
        )
    function = _find(target)
    _require_signature(function, target, spec.sends_system)
    return PythonModel(spec, target, function)


class PythonModel:
    """Calls an application in process: a sync one in threads of its own, an async one awaited."""

    def __init__(self, spec: ModelSpec, target: str, function: Callable[..., Any]) -> None:
        self._spec = spec
        self._function = function
        self._shown: Mapping[str, ParamValue] = MappingProxyType({"target": target})
        # Taken now, before a run changes what is imported.
        self._identity = MappingProxyType({"target": target, "code_sha256": code_sha256(target)})

    @property
    def name(self) -> str:
        """The name the person gave."""
        return self._spec.name

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """What is called."""
        return self._shown

    @property
    def default_concurrency(self) -> int:
        """How many calls run at once unless the person says otherwise."""
        return CONCURRENCY

    @property
    def identity(self) -> Mapping[str, object]:
        """What is called, and the code around it as far as it was imported."""
        return self._identity

    @property
    def price(self) -> None:
        """Nobody knows what an application spends."""
        return None

    async def respond(self, request: Request) -> Response:
        """Call once.

        Raises:
            TargetError: the callable raised, took too long, or returned something else than
                a ``str`` or a ``Response`` whose fields hold what they should.
            DataError: the image cannot be read.
        """
        image = await asyncio.to_thread(upright_file, request.image) if request.image else None
        images = [image.data] if image is not None else []
        system = {"system": request.system} if self._spec.sends_system else {}
        try:
            async with asyncio.timeout(self._spec.deadline_s) as deadline:
                answer = await _call(self._function, request.prompt, images, **system)
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _cancelled_from_outside():
                raise
            if isinstance(error, TimeoutError) and deadline.expired():
                raise TargetError(f"no answer within {self._spec.deadline_s:g} s") from None
            raise TargetError(_said(error)) from error
        response = read_answer(answer)
        if image is None or image.change is None:
            return response
        changes = filter(None, (image.change, response.image_change))
        return replace(response, image_change=", ".join(changes))

    async def close(self) -> None:
        """Nothing was opened; calls that overran their deadline end with the process."""


def _find(target: str) -> Callable[..., Any]:
    module_name, colon, path = target.partition(":")
    if not (colon and path) or not all(part.isidentifier() for part in module_name.split(".")):
        raise UsageError(f"--model=python:{target}: write {FORM}, for instance python:app.chat:ask")
    found: Any = _import(module_name, target)
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(
                f"--model=python:{target}: '{module_name}' has no '{path}'; {FORM} names "
                "something that the module defines"
            )
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(
            f"--model=python:{target}: '{path}' ({type(found).__name__}) cannot be called; name a "
            "function that takes (text, images)"
        )
    function: Callable[..., Any] = found
    return function


def _import(module_name: str, target: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        # pytest's own console script does not put the current directory on the path.
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UsageError(
                f"--model=python:{target}: there is no module '{error.name}' (looked in {here} and "
                "in what is installed); run from the folder that holds it, or install it"
            ) from None
        raise UsageError(f"--model=python:{target}: importing it failed, {_said(error)}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"--model=python:{target}: importing it failed, {_said(error)}") from error


def _require_signature(function: Callable[..., Any], target: str, sends_system: bool) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some callables written in C do not say
        return
    if _binds(signature, **({"system": "prompt"} if sends_system else {})):
        return
    if sends_system and _binds(signature):
        raise UsageError(
            f"--model=python:{target}: a system prompt is sent, but its signature {signature} has "
            "no keyword 'system'; add one, or run without --vsc-system (where it is that of "
            "safety-prompt: --vsc-method-param place=user)"
        )
    raise UsageError(
        f"--model=python:{target}: it is called as callable(text, images), which its signature "
        f"{signature} does not take"
    )


def _binds(signature: inspect.Signature, **keywords: object) -> bool:
    try:
        signature.bind("text", [], **keywords)
    except TypeError:
        return False
    return True


async def _call(function: Callable[..., Any], *given: object, **keywords: object) -> object:
    if inspect.iscoroutinefunction(function):
        return await function(*given, **keywords)
    answer = await _in_thread(lambda: function(*given, **keywords))
    return await answer if inspect.isawaitable(answer) else answer


async def _in_thread(function: Callable[[], object]) -> object:
    """Run a function in a thread that dies with the process.

    ``asyncio.to_thread`` would share a pool smaller than the concurrency, and a call that never
    returns would keep the interpreter from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(outcome: tuple[object, BaseException | None]) -> None:
        if not done.done():
            done.set_result(outcome)

    def run() -> None:
        try:
            outcome: tuple[object, BaseException | None] = (context.run(function), None)
        except BaseException as error:  # handed over, not swallowed
            outcome = (None, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(deliver, outcome)

    threading.Thread(target=run, name="vscbench-target", daemon=True).start()
    answer, error = await done
    if error is not None:
        raise error
    return answer


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _said(error: BaseException) -> str:
    message = " ".join(without_secrets(str(error)).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
