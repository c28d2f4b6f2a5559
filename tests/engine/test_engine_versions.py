from vscbench.engine.versions import VersionCheck


def test_an_alias_that_moved_is_noticed_at_the_first_new_answer() -> None:
    check = VersionCheck()
    check.found(["gpt-2024", "gpt-2024"])
    assert not check.is_known
    check.answered("gpt-2025")
    assert check.is_known
    assert check.has_moved
    message = check.message("gpt", 12)
    assert "gpt now answers as gpt-2025" in message
    assert "12 answers of gpt-2024" in message


def test_the_same_version_is_no_news() -> None:
    check = VersionCheck()
    check.found(["gpt-2024"])
    check.answered("gpt-2024")
    assert check.is_known
    assert not check.has_moved


def test_a_gateway_that_switches_between_known_versions_has_not_moved() -> None:
    check = VersionCheck()
    check.found(["east", "west"])
    check.answered("west")
    assert not check.has_moved


def test_a_provider_that_names_no_version_cannot_move() -> None:
    check = VersionCheck()
    check.found([None, "gpt-2024"])
    check.answered(None)
    assert check.is_known
    assert not check.has_moved


def test_nothing_stored_is_nothing_to_compare() -> None:
    check = VersionCheck()
    check.answered("gpt-2025")
    assert not check.has_moved
