import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageFile
from small_pairs import make_pair, request_for

from vscbench.engine.archive import StoreArchive
from vscbench.engine.image_digests import image_address
from vscbench.engine.keys import response_key
from vscbench.engine.sqlite_store import SqliteStore, open_store
from vscbench.engine.store import StoredResponse
from vscbench.engine.whole_images import (
    Case,
    not_stored,
    require_whole_images,
    with_unseen_images,
)
from vscbench.errors import DataError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.models.images import limits_of
from vscbench.records import Demonstration, Response

IDENTITY: dict[str, object] = {"image_limits": limits_of("openai", "gpt-4o").describe()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with_store = open_store(tmp_path / "store.sqlite")
    yield with_store
    with_store.close()


def picture(path: Path, format: str = "JPEG", *, cut: bool = False) -> Path:
    Image.effect_noise((64, 48), 40).convert("RGB").save(path, format)
    if cut:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def case(name: str, image: Path | None) -> Case:
    pair = replace(make_pair(name), image=image)
    return pair, request_for(pair)


def keep(store: SqliteStore, one: Case) -> None:
    """Store an answer as earlier versions did: under the digest of the image's bytes."""
    pair, request = one
    assert pair.image is not None
    key = response_key(IDENTITY, request, store.image_digest(pair.image))
    store.add([StoredResponse(key, pair.id, 1, "says", Response("Sure."), 0.1, 1.0)])


def asked(store: SqliteStore, cases: list[Case]) -> list[Case]:
    """What is left to be decoded, once cases are looked up."""
    archive = StoreArchive(store, "says", IDENTITY, KeywordsJudge(), refresh=False)
    try:
        return asyncio.run(not_stored(with_unseen_images(cases, store), archive, KeywordsJudge()))
    finally:
        archive.close()


@pytest.fixture
def nothing_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_an_image_that_was_cut_off_is_named_with_its_pairs(
    store: SqliteStore, tmp_path: Path, format: str
) -> None:
    whole, cut = picture(tmp_path / "whole", format), picture(tmp_path / "cut", format, cut=True)
    cases = [case("a", whole), case("b", cut), case("c", cut), case("d", None)]
    with pytest.raises(DataError) as caught:
        require_whole_images(asked(store, cases), store)
    message = str(caught.value)
    assert message.startswith("2 images of the selected pairs cannot be sent; nothing was asked:")
    assert f"b: {cut} does not decode" in message
    assert f"c: {cut} does not decode" in message
    assert str(whole) not in message
    assert "vscbench data check" in message


def test_a_demonstration_is_sent_too(store: SqliteStore, tmp_path: Path) -> None:
    pair, request = case("a", None)
    shown = Demonstration("What is this?", picture(tmp_path / "cut", cut=True), "A cup.")
    cases = [(pair, replace(request, demonstrations=(shown,)))]
    with pytest.raises(DataError, match=r"a: .*cut does not decode"):
        require_whole_images(asked(store, cases), store)


def test_another_package_that_lets_pillow_pad_cut_files_changes_nothing(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for format in ("JPEG", "PNG"):
        cases = [case("a", picture(tmp_path / format, format, cut=True))]
        with pytest.raises(DataError, match="does not decode"):
            require_whole_images(asked(store, cases), store)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_an_image_that_is_gone_is_named(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png is missing"):
        require_whole_images(with_unseen_images([case("a", tmp_path / "gone.png")], store), store)


def test_one_pixel_is_an_image(store: SqliteStore, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "a", "JPEG")
    require_whole_images([case("a", tmp_path / "a")], store)


def test_a_second_frame_that_is_broken_is_never_shown(store: SqliteStore, tmp_path: Path) -> None:
    frames = [Image.effect_noise((64, 48), 40) for _ in range(3)]
    path = tmp_path / "a"
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    require_whole_images(asked(store, [case("a", path)]), store)


def test_what_was_decoded_once_is_not_again_wherever_it_lies(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cases = [case("a", picture(tmp_path / "a")), case("b", picture(tmp_path / "b", "PNG"))]
    store = open_store(tmp_path / "store.sqlite")
    require_whole_images(asked(store, cases), store)
    store.close()
    (tmp_path / "b").rename(tmp_path / "elsewhere")
    again = open_store(tmp_path / "store.sqlite")
    request.getfixturevalue("nothing_decodes")
    assert with_unseen_images([cases[0], case("b", tmp_path / "elsewhere")], again) == []
    again.close()


@pytest.mark.usefixtures("nothing_decodes")
def test_what_is_answered_in_the_store_is_not_decoded(store: SqliteStore, tmp_path: Path) -> None:
    one, other = case("a", picture(tmp_path / "a")), case("b", picture(tmp_path / "b"))
    keep(store, one)
    assert asked(store, [one, other]) == [other]


def test_answers_to_a_photo_that_lay_on_its_side_are_not_found(
    store: SqliteStore, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    side = tmp_path / "side"
    Image.effect_noise((64, 48), 40).save(side, "JPEG", exif=exif)
    addresses = [
        (image_address(store, image, identity), store.image_digest(image))
        for image in (side, picture(tmp_path / "upright"))
        for identity in (IDENTITY, {"weights_sha256": "ab"})
    ]
    # Weights that are loaded here were shown it upright before: their answers stay.
    assert [address == sha256 for address, sha256 in addresses] == [False, True, True, True]


def test_a_store_of_an_earlier_version_opens(tmp_path: Path) -> None:
    image = picture(tmp_path / "a")
    store = open_store(tmp_path / "store.sqlite")
    require_whole_images(asked(store, [case("a", image)]), store)
    store.close()
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("UPDATE images SET body = json_remove(body, '$[3]')")
    connection.close()
    again = open_store(tmp_path / "store.sqlite")
    assert len(with_unseen_images([case("a", image)], again)) == 1
    again.close()
