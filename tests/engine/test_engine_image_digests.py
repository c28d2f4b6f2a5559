import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored import stored_response

from vscbench.engine.image_digests import SETTLED_S, ImageDigests, KnownFile
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import DataError

LONG_AGO = 1_000_000_000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Files that nobody touched for a while; a test takes the next."""
    folder = tmp_path_factory.mktemp("settled")
    files = [folder / f"{number}.png" for number in range(20)]
    for file in files:
        file.write_bytes(b"one")
    clock = folder / "clock"  # the file system's own
    clock.touch()
    deadline = time.monotonic() + 60
    while clock.stat().st_mtime - files[-1].stat().st_ctime <= SETTLED_S + 0.1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        clock.write_bytes(b"tick")
    return iter(files)


@pytest.fixture
def image(settled: Iterator[Path]) -> Path:
    return next(settled)


def remembered(path: Path) -> Iterator[str]:
    with sqlite3.connect(path) as connection:
        yield from (name for (name,) in connection.execute("SELECT path FROM images"))
    connection.close()


def mark_remembered(path: Path) -> None:
    """Make what is remembered wrong, to see whether it is used or the file is read."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE images SET body = replace(body, ?, 'known')", [sha256(b"one")])
    connection.close()


def test_the_digest_is_that_of_the_bytes(image: Path, tmp_path: Path) -> None:
    digests = ImageDigests(dict)
    assert digests.digest(image) == sha256(b"one")
    empty = tmp_path / "empty"
    empty.touch()
    assert digests.digest(empty) == sha256(b"")


def test_an_unchanged_file_is_known_in_the_next_run_without_being_read(
    image: Path, tmp_path: Path
) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(path)
    store.image_digest(image)
    store.close()
    mark_remembered(path)
    again = open_store(path)
    assert again.image_digest(image) == "known"
    assert again.image_digest(Path(os.path.relpath(image))) == "known"
    again.close()


def test_a_changed_file_is_read_again(image: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    assert store.image_digest(image) == sha256(b"one")
    times = image.stat()
    image.write_bytes(b"two")
    # As a tool that keeps times would leave it: same size, same modification time.
    os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.image_digest(image) == sha256(b"two")
    store.close()


def test_a_file_put_in_the_place_of_another_is_read(image: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    assert store.image_digest(image) == sha256(b"one")
    other = tmp_path / "b.png"
    other.write_bytes(b"two")
    os.replace(other, image)
    assert store.image_digest(image) == sha256(b"two")
    store.close()


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    # It may be written again within one tick of the clock, and look the same.
    digests = ImageDigests(dict)
    path = tmp_path / "a.png"
    for content in (b"one", b"two", b"six"):
        path.write_bytes(content)
        assert digests.digest(path) == sha256(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    digests.digest(path)
    assert digests.take_new() == {}


def test_a_file_that_nobody_touched_is_remembered_once(image: Path) -> None:
    digests = ImageDigests(dict)
    digests.digest(image)
    digests.digest(image)
    (known,) = digests.take_new().values()
    assert known.sha256 == sha256(b"one")
    assert digests.take_new() == {}


def test_what_was_remembered_wrongly_of_another_look_is_not_used(image: Path) -> None:
    digests = ImageDigests(lambda: {str(image): KnownFile("3 0 0 0", "wrong")})
    assert digests.digest(image) == sha256(b"one")


def test_digests_are_written_with_the_next_answers(image: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    store.image_digest(image)
    assert list(remembered(tmp_path / "store.sqlite")) == []
    store.add([stored_response("a")])
    assert list(remembered(tmp_path / "store.sqlite")) == [str(image)]
    store.close()


def test_a_store_opened_to_be_read_digests_too(image: Path, tmp_path: Path) -> None:
    open_store(tmp_path / "store.sqlite").close()
    store = open_store(tmp_path / "store.sqlite", writable=False)
    assert store.image_digest(image) == sha256(b"one")
    store.close()
    assert list(remembered(tmp_path / "store.sqlite")) == []


def test_spoiled_memories_cost_time_only(image: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO images VALUES ('x', 'not JSON')")
    connection.close()
    store = open_store(path)
    assert store.image_digest(image) == sha256(b"one")
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_utf8_is_a_name(tmp_path: Path, image: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.symlink_to(image.parent)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    store = open_store(tmp_path / "store.sqlite")
    assert store.image_digest(folder / image.name) == sha256(b"one")
    store.close()
    mark_remembered(tmp_path / "store.sqlite")
    again = open_store(tmp_path / "store.sqlite")
    assert again.image_digest(folder / image.name) == "known"
    again.close()


def test_an_image_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    digests = ImageDigests(dict)
    with pytest.raises(DataError, match=r"absent\.png: the image cannot be read \(No such file"):
        digests.digest(tmp_path / "absent.png")
    with pytest.raises(DataError, match="cannot be read"):
        digests.digest(tmp_path)
