import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from PIL import Image

from vscbench.errors import TargetError, UsageError
from vscbench.models.protocol import ModelSpec
from vscbench.models.python_callable import open_python
from vscbench.records import Finish, Request, Response

TEXT_ONLY = Request("p", 0, "hello", None, None)
APP = """
import asyncio, sys, threading, time
from vscbench.records import Finish, Response

def echo(text, images):
    return f"{text} with {[len(image) for image in images]}"

def look(text, images):
    import io
    from PIL import Image
    with Image.open(io.BytesIO(images[0])) as image:
        return f"{image.format} {image.size}"

async def slowly(text, images):
    await asyncio.sleep(0)
    return f"awaited {text}"

lazily = lambda text, images: slowly(text, images)

def told(text, images, *, system=None):
    return f"{system}: {text}"

def blocked(text, images):
    return Response("", Finish.BLOCKED, reason="house rules")

def blocked_in_words(text, images):
    return Response("", "blocked", prompt_tokens=True)

class Assistant:
    def __call__(self, text, images):
        return "called"
    async def ask(self, text, images, **more):
        return f"asked {sorted(more)}"

assistant = Assistant()
number = 5

def fails(text, images):
    raise ValueError("no\\nsuch thing")

def stops(text, images):
    raise StopIteration("at the end")

def leaves(text, images):
    sys.exit(3)

async def leaves_too(text, images):
    sys.exit(3)

async def cancels(text, images):
    raise asyncio.CancelledError

async def own_timeout(text, images):
    raise TimeoutError("upstream")

def interrupted(text, images):
    raise KeyboardInterrupt

def nothing(text, images):
    return None

def one(text):
    return text

def three(text, images, style):
    return text

together = threading.Barrier(12)

def meets(text, images):
    together.wait(20)
    return text

never = threading.Event()

def hangs(text, images):
    never.wait()

async def hangs_too(text, images):
    await asyncio.Event().wait()
"""


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "the_app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "broken_app.py").write_text("import not_installed_here\n", encoding="utf-8")
    (tmp_path / "exiting_app.py").write_text("raise SystemExit('no config')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    for name in ("the_app", "broken_app", "exiting_app"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def answers(
    target: str, *requests: Request, timeout_s: float = 30.0, sends_system: bool = False
) -> list[Response]:
    spec = ModelSpec(f"python:{target}", timeout_s=timeout_s, sends_system=sends_system)
    model = open_python(spec, target)

    async def ask() -> list[Response]:
        found = await asyncio.gather(*(model.respond(request) for request in requests))
        await model.close()
        return list(found)

    return asyncio.run(ask())


def answer(target: str, request: Request = TEXT_ONLY, timeout_s: float = 30.0) -> Response:
    return answers(target, request, timeout_s=timeout_s)[0]


def refusal(target: str, *, sends_system: bool = False) -> str:
    with pytest.raises(UsageError) as raised:
        open_python(ModelSpec(f"python:{target}", sends_system=sends_system), target)
    return str(raised.value)


def fault(target: str, timeout_s: float = 30.0) -> str:
    with pytest.raises(TargetError) as raised:
        answer(target, timeout_s=timeout_s)
    return str(raised.value)


def test_gets_text_and_the_files_bytes(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (9, 9), "teal").save(image)
    size = image.stat().st_size
    assert answer("the_app:echo").text == "hello with []"
    response = answer("the_app:echo", Request("p", 0, "hello", image, None))
    assert response == Response(f"hello with [{size}]")


def test_a_photo_that_lies_on_its_side_is_handed_over_upright(tmp_path: Path) -> None:
    image, exif = Image.new("RGB", (40, 20)), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    response = answer("the_app:look", Request("p", 0, "hello", tmp_path / "a.jpg", None))
    assert response.text == "JPEG (20, 40)"
    assert response.image_change == "turned upright (EXIF orientation 6)"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("the_app:slowly", "awaited hello"),
        ("the_app:lazily", "awaited hello"),
        ("the_app:assistant", "called"),
        ("the_app:assistant.ask", "asked []"),
    ],
)
def test_sync_async_objects_and_methods_are_called(target: str, text: str) -> None:
    assert answer(target) == Response(text)


def test_a_response_goes_through_as_it_is() -> None:
    assert answer("the_app:blocked") == Response("", Finish.BLOCKED, reason="house rules")


def test_the_system_prompt_is_a_keyword() -> None:
    request = Request("p", 0, "hello", None, "Be kind.")
    assert answers("the_app:told", request, sends_system=True)[0].text == "Be kind.: hello"
    assert answers("the_app:told", TEXT_ONLY)[0].text == "None: hello"
    kept = answers("the_app:assistant.ask", request, sends_system=True)
    assert kept[0].text == "asked ['system']"


def test_sync_calls_run_side_by_side() -> None:
    requests = [Request(str(n), 0, str(n), None, None) for n in range(12)]
    assert [r.text for r in answers("the_app:meets", *requests)] == [str(n) for n in range(12)]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("the_app:fails", "ValueError: no such thing"),
        ("the_app:stops", "StopIteration"),
        ("the_app:leaves", "SystemExit: 3"),
        ("the_app:leaves_too", "SystemExit: 3"),
        ("the_app:cancels", "CancelledError"),
        ("the_app:own_timeout", "TimeoutError: upstream"),
        ("the_app:blocked_in_words", "a Response whose prompt_tokens is True (bool)"),
        ("the_app:nothing", "returned NoneType; it must return a str"),
    ],
)
def test_what_goes_wrong_in_the_application_is_an_error(target: str, said: str) -> None:
    assert said in fault(target)


def test_keys_in_an_exception_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", "open-sesame-42")
    leak = 'def ask(text, images):\n    raise ValueError("login open-sesame-42 failed")\n'
    (tmp_path / "leaky_app.py").write_text(leak, encoding="utf-8")
    assert fault("leaky_app:ask") == "ValueError: login [removed] failed"


@pytest.mark.parametrize("target", ["the_app:hangs", "the_app:hangs_too"])
def test_a_call_that_does_not_come_back_is_an_error(target: str) -> None:
    assert fault(target, timeout_s=0.2) == "no answer within 0.2 s"


def test_an_interrupt_is_not_an_error_of_the_application() -> None:
    with pytest.raises(KeyboardInterrupt):
        answer("the_app:interrupted")


def test_a_hanging_call_does_not_keep_the_process_alive(tmp_path: Path) -> None:
    script = """
        import asyncio
        from vscbench.models.protocol import ModelSpec
        from vscbench.models.python_callable import open_python
        from vscbench.records import Request
        model = open_python(ModelSpec("m", timeout_s=0.2), "the_app:hangs")
        try:
            asyncio.run(model.respond(Request("p", 0, "hello", None, None)))
        except Exception as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("no answer within 0.2 s\n", "")


@pytest.mark.parametrize("target", ["the_app", "the_app:", ":echo", "the app:echo", "a/b.py:f", ""])
def test_a_target_of_another_form_says_what_to_write(target: str) -> None:
    assert "write python:package.module:callable" in refusal(target)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_app:ask", "there is no module 'no_such_app'"),
        ("the_app.inner:ask", "there is no module 'the_app.inner'"),
        ("broken_app:ask", "importing it failed, ModuleNotFoundError: No module named 'not_inst"),
        ("exiting_app:ask", "importing it failed, SystemExit: no config"),
        ("the_app:asks", "'the_app' has no 'asks'"),
        ("the_app:assistant.asks", "'the_app' has no 'assistant.asks'"),
        ("the_app:number", "'number' (int) cannot be called"),
        ("the_app:one", "signature (text) does not take"),
        ("the_app:three", "signature (text, images, style) does not take"),
    ],
)
def test_what_cannot_be_called_is_refused_before_anything_is_asked(target: str, said: str) -> None:
    assert said in refusal(target)


def test_a_system_prompt_needs_a_callable_that_takes_one() -> None:
    assert "has no keyword 'system'" in refusal("the_app:echo", sends_system=True)


def test_parameters_and_addresses_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^--vsc-param temperature: --model=python:x takes"):
        open_python(ModelSpec("python:x", params={"temperature": 0.5}), "the_app:echo")
    with pytest.raises(UsageError, match=r"^--vsc-api-base: --model=python:x is"):
        open_python(ModelSpec("python:x", "http://localhost"), "the_app:echo")


def test_outputs_say_what_was_called() -> None:
    model = open_python(ModelSpec("python:the_app:echo"), "the_app:echo")
    assert model.name == "python:the_app:echo"
    assert model.params == {"target": "the_app:echo"}
    assert model.default_concurrency == 8
