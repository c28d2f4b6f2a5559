import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored import files_of, key_of, stored_response

from vscbench.engine.sqlite_store import open_store

TESTS = Path(__file__).resolve().parents[1]
POSIX = pytest.mark.skipif(os.name != "posix", reason="rights and limits as POSIX has them")
CAN_MOUNT = (
    shutil.which("unshare") is not None
    and subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode == 0
)
MOUNTS = pytest.mark.skipif(not CAN_MOUNT, reason="no mount of one's own (unshare -rm)")
# Adds answers until the store says why it takes no more.
FILL = """
from pathlib import Path
from stored import stored_response
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import StoreError

store = open_store(Path("store.sqlite"))
number = 0
try:
    while number < 2000:
        store.add([stored_response(f"pair-{number}", "x" * 2000)])
        number += 1
except StoreError as error:
    print(number, error)
try:
    store.close()
except StoreError as error:
    print(error)
"""
OPEN = """
from pathlib import Path
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import StoreError

try:
    open_store(Path("store.sqlite")).close()
except StoreError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two answers, closed."""
    path = tmp_path / "store.sqlite"
    store = open_store(path)
    store.add([stored_response("a"), stored_response("b", "x" * 50_000)])
    store.close()
    return path


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that another user can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def run_python(code: str, folder: Path, *before: str) -> str:
    """Run code in a folder, after what a shell does first there; return what it printed."""
    shell = ["unshare", "-rm", "sh", "-ec", f'{"; ".join(before)}; exec "$@"', "sh"]
    command = shell if before else []
    done = subprocess.run(
        [*command, sys.executable, "-c", code],
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@POSIX
def test_a_store_that_may_only_be_read_is_read_and_not_written(
    path: Path, open_to_all: Path
) -> None:
    shutil.copy(path, open_to_all / "store.sqlite")
    (open_to_all / "store.sqlite").chmod(0o444)
    open_to_all.chmod(0o555)
    # Root may write everywhere: be somebody else.
    code = """
import os
from pathlib import Path
from stored import key_of
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import StoreError
if os.geteuid() == 0:
    os.setuid(65534)
store = open_store(Path("store.sqlite"), writable=False)
print(len(store.responses([key_of("a"), key_of("b")])))
store.close()
for name in ("store.sqlite", "new.sqlite", "new/store.sqlite"):
    try:
        open_store(Path(name))
    except StoreError as error:
        print(error)
"""
    said = run_python(code, open_to_all).splitlines()
    open_to_all.chmod(0o755)
    assert said[0] == "2"
    assert said[1].startswith("store.sqlite: cannot be opened as needed; give yourself the right")
    assert said[2].startswith("new.sqlite: cannot be made (Permission denied); choose another")
    assert said[3].startswith("new/store.sqlite: cannot be made (Permission denied)")
    assert list(files_of(open_to_all)) == ["store.sqlite"]


@MOUNTS
def test_a_read_only_file_system_is_told(path: Path) -> None:
    here = path.parent
    said = run_python(
        OPEN,
        here,
        f"mount --bind '{here}' '{here}'",
        f"mount -o remount,bind,ro '{here}'",
        f"cd '{here}'",
    )
    assert "store.sqlite: cannot be opened as needed" in said


@MOUNTS
def test_a_full_disk_is_told_and_what_was_stored_stays(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    said = run_python(
        FILL + "import shutil; shutil.copytree('.', '../kept')",
        tmp_path,
        f"mount -t tmpfs -o size=400k tmpfs '{tmp_path}/small'",
        f"cd '{tmp_path}/small'",
    )
    stored = int(said.split()[0])
    assert "store.sqlite: no room left on the disk; make some and run" in said
    assert stored > 0
    _assert_holds(tmp_path / "kept", stored)


@POSIX
def test_a_file_that_may_not_grow_is_told_and_what_was_stored_stays(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    said = run_python(limit + FILL, tmp_path)
    stored = int(said.split()[0])
    assert "what was stored stays" in said
    assert stored > 0
    _assert_holds(tmp_path, stored)


def _assert_holds(folder: Path, stored: int) -> None:
    """Find every answer that ``add`` had returned for, in a store that takes more again."""
    store = open_store(folder / "store.sqlite")
    assert len(store.responses([key_of(f"pair-{number}") for number in range(stored)])) == stored
    store.add([stored_response("one more")])
    store.close()
