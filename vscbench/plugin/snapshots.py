"""A case against its snapshot: syrupy compares and reports, one file holds every case of a run.

Syrupy would write the file from every worker that pytest-xdist has, and cannot know of errors in
another; so its extension here reads only, and the process that leads writes, once, at the end
(``vscbench.plugin.snapshot_run``).
"""

import hashlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from vscbench.errors import DataError, UsageError
from vscbench.jsonlines import read_text
from vscbench.methods.protocol import Method
from vscbench.plugin import cases
from vscbench.plugin.settings import Settings
from vscbench.plugin.syrupy_options import NOT_INSTALLED, SYRUPY, UPDATE
from vscbench.records import FIRST_EPOCH, NO_METHOD, CaseKey, Outcome
from vscbench.report.snapshot_file import Snapshot, case_line, parse_snapshot

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion
    from syrupy.extensions.base import AbstractSyrupyExtension
    from syrupy.location import PyTestLocation

# Not syrupy's own __snapshots__: there it takes what it does not know for a left-over, and deletes.
FOLDER: Final = "vsc_snapshots"
STATE: Final = "vsc.snapshot"
SAME, NEW = "same", "new"
OWN_UPDATE: Final = "--vsc-snapshot-update"
LONGEST_NAME: Final = 60
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


SHOWN_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a case stands to its snapshot.

    ``state`` is ``same``, ``new``, or what the snapshot says (``was refused``). ``change`` is
    what a failure shows, or ``None`` where the case stands as it should.
    """

    state: str
    change: str | None


@dataclass
class SnapshotFile:
    """The snapshot of a run's model, method and pairs, read once a process."""

    path: Path
    root: Path
    model: str
    method: str
    pairs: str
    update: "UpdateOptions"
    session: Any = None

    @property
    def name(self) -> str:
        """The file as a person calls it: from the root folder on."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def text(self) -> str:
        """What the file holds; empty where there is none.

        Raises:
            DataError: it is not UTF-8, or cannot be read.
        """
        if not self.path.is_file():
            return ""
        text = read_text(self.path, f"write it anew with {self.update.option}")
        return text.replace("\r\n", "\n")

    @cached_property
    def kept(self) -> Snapshot | None:
        """The snapshot, or ``None`` where there is none yet.

        Raises:
            DataError: it cannot be read, or is that of another model or other pairs.
        """
        if not self.text:
            return None
        snapshot = parse_snapshot(self.text, self.name)
        for what, asked in (("model", self.model), ("method", self.method), ("pairs", self.pairs)):
            found = getattr(snapshot, what)
            if found != asked:
                raise DataError(f"{self.name}: the snapshot of {what} {found!r}, not of {asked!r}")
        return snapshot

    @cached_property
    def lines(self) -> Mapping[str, str]:
        """The line of every case by the case's name."""
        found = self.kept.cases if self.kept else {}
        return {case_name(key): case_line(key, *found[key]) for key in found}

    @cached_property
    def extension(self) -> "type[AbstractSyrupyExtension]":
        """How syrupy reads this file."""
        from vscbench.plugin.snapshot_extension import verdict_extension

        return verdict_extension(self.path, lambda: self.lines)

    def compare(self, request: pytest.FixtureRequest, outcome: Outcome) -> Comparison:
        """Let syrupy assert that a case became what its snapshot says."""
        key = (outcome.pair.id, outcome.epoch)
        line = case_line(key, outcome.pair.label, outcome.kind)
        assertion = self._assertion(request)
        matches = assertion(name=case_name(key)) == line
        change = None if matches else self._change(assertion)
        return Comparison(self._state(key, outcome), change)

    def _assertion(self, request: pytest.FixtureRequest) -> "SnapshotAssertion":
        """Make the assertion of one case, as syrupy's fixture does.

        A fixture ``snapshot`` may be that of another plugin, or of the project.
        """
        from syrupy.assertion import SnapshotAssertion
        from syrupy.location import PyTestLocation

        if self.session is None:
            self.session = syrupy_session(request)
        return SnapshotAssertion(
            session=self.session,
            extension_class=self.extension,
            test_location=PyTestLocation(request.node),
            update_snapshots=self.update.accepts_all,
            update_new_snapshots_only=self.update.accepts_new,
        )

    def diff(self, before: str, after: str) -> list[str]:
        """Show two texts as syrupy shows a snapshot and what was received, in plain text."""
        from syrupy.terminal import disable_color

        with disable_color():
            return list(self.extension().diff_lines(after, before))

    def _state(self, key: CaseKey, outcome: Outcome) -> str:
        found = self.kept.cases.get(key) if self.kept else None
        if found is None:
            return NEW
        same = found == (outcome.pair.label, outcome.kind)
        return SAME if same else f"was {found[1]}"

    def _change(self, assertion: "SnapshotAssertion") -> str:
        from syrupy.assertion import DiffMode
        from syrupy.terminal import disable_color

        # In plain text: it goes to JUnit as well.
        with disable_color():
            diff = assertion.get_assert_diff(diff_mode=DiffMode(self.update.diff_mode))
        return "\n".join([f"{self.name} ({self.update.option} accepts)", *diff])


FILE: Final = pytest.StashKey[SnapshotFile]()


class ReadingSession:
    """What syrupy's assertion needs of its session where syrupy's plugin is not loaded."""

    def register_request(self, assertion: "SnapshotAssertion") -> None:
        """Keep no list of assertions: nobody reports them."""

    def queue_snapshot_write(self, **given: object) -> None:
        """Write nothing: the process that leads does, once."""

    def recall_snapshot(
        self,
        extension: "AbstractSyrupyExtension",
        test_location: "PyTestLocation",
        index: "str | int",
    ) -> Any:  # noqa: ANN401 - as syrupy has it
        """Read what is kept of a case."""
        return extension.read_snapshot(test_location=test_location, index=index, session_id="")


def syrupy_session(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - as syrupy has it
    """Return syrupy's session, or one that reads only where syrupy's plugin is not loaded.

    Syrupy searches for unused snapshots with the extensions that its assertions have, and with its
    default where there is no assertion. Ours finds none of the user's, so the default is added.
    """
    session = getattr(request.config, "_syrupy", None)
    if session is None:
        return ReadingSession()
    from syrupy.assertion import SnapshotAssertion
    from syrupy.extensions import DEFAULT_EXTENSION
    from syrupy.location import PyTestLocation
    from syrupy.utils import import_module_member

    named = request.config.option.default_extension
    SnapshotAssertion(  # It registers itself.
        session=session,
        extension_class=import_module_member(named) if named else DEFAULT_EXTENSION,
        test_location=PyTestLocation(request.node),
        update_snapshots=False,
    )
    return session


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """What the command line says of snapshots; ``option`` is the one that accepts changes."""

    option: str = OWN_UPDATE
    accepts_all: bool = False
    accepts_new: bool = False
    warns_of_unused: bool = False
    ignores_unused: bool = False
    keeps_unused: bool = False
    diff_mode: str = "detailed"

    @property
    def is_asked(self) -> bool:
        """Whether snapshots are to be written, all of them or new ones."""
        return self.accepts_all or self.accepts_new


def update_options(config: pytest.Config) -> UpdateOptions:
    """Read the options: syrupy's, where they are syrupy's, and our own."""
    option = config.option
    own = bool(getattr(option, "vsc_snapshot_update", None))
    if not config.pluginmanager.hasplugin(SYRUPY):
        return UpdateOptions(accepts_all=own)
    return UpdateOptions(
        option=UPDATE,
        accepts_all=own or option.update_snapshots,
        accepts_new=getattr(option, "update_new_snapshots_only", False),
        warns_of_unused=option.warn_unused_snapshots,
        ignores_unused=option.disable_unused_snapshots,
        keeps_unused=option.no_cleanup,
        diff_mode=option.diff_mode,
    )


def set_up(config: pytest.Config, settings: Settings, method: Method) -> SnapshotFile | None:
    """Take snapshots where a file is there to compare with, or one is asked for.

    Raises:
        UsageError: syrupy, which compares, is not installed.
    """
    update = update_options(config)
    file = snapshot_file(config.rootpath, settings, method, update)
    if not (file.path.is_file() or update.is_asked) or _is_switched_off(config):
        return None
    if importlib.util.find_spec(SYRUPY) is None:
        what = file.name if file.path.is_file() else update.option
        raise UsageError(f"{what}: {NOT_INSTALLED}; -p no:syrupy runs without them")
    config.stash[FILE] = file
    return file


def _is_switched_off(config: pytest.Config) -> bool:
    """Whether the command line says ``-p no:syrupy``: then there are no snapshots."""
    return f"no:{SYRUPY}" in (config.getoption("plugins", None) or ())


def compare_case(request: pytest.FixtureRequest, outcome: Outcome) -> Comparison | None:
    """Compare a case of the benchmark with its snapshot, where snapshots are taken."""
    file = request.config.stash.get(FILE, None)
    if file is None or not cases.is_benchmark(request.node.nodeid):
        return None
    return file.compare(request, outcome)


def case_name(key: CaseKey) -> str:
    """Name a case as its test's id does."""
    pair_id, epoch = key
    return pair_id if epoch == FIRST_EPOCH else f"{pair_id}:{epoch}"


def method_name(method: Method) -> str:
    """Name a method so that another text, file or parameter is another name."""
    if method.name == NO_METHOD:
        return NO_METHOD
    return f"{method.name}-{hashlib.sha256(method.key.encode()).hexdigest()[:SHOWN_DIGITS]}"


def snapshot_file(
    root: Path, settings: Settings, method: Method, update: UpdateOptions
) -> SnapshotFile:
    """Return where the snapshot of a run's model, method and pairs is kept."""
    named = settings.model or "", method_name(method), pairs_name(root, settings)
    name = "--".join(map(file_name, named))
    return SnapshotFile(root / FOLDER / f"{name}.txt", root, *named, update)


def pairs_name(root: Path, settings: Settings) -> str:
    """Name a set of pairs the same on every machine: from the root folder on."""
    place = settings.pairs_base / settings.pairs
    if not place.exists():
        return settings.pairs
    try:
        return place.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return place.resolve().name


def file_name(text: str) -> str:
    """Make any text part of a file name on every system; other texts get other names."""
    plain = _UNSAFE.sub("-", text).strip(".-").lower()[:LONGEST_NAME]
    if plain and plain == text:
        return plain
    return f"{plain or 'unnamed'}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:6]}"
