"""How syrupy reads a snapshot of verdicts: many cases in one file, looked up by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from syrupy.data import SnapshotCollection, SnapshotCollections
from syrupy.extensions.base import AbstractSyrupyExtension
from syrupy.location import PyTestLocation
from syrupy.types import PropertyFilter, PropertyMatcher, SerializableData, SerializedData
from syrupy.types import SnapshotIndex as Index

Lines = Callable[[], Mapping[str, str]]


def verdict_extension(path: Path, lines: Lines) -> type[AbstractSyrupyExtension]:
    """Make the extension that reads one file; syrupy makes an instance of it for every case.

    Args:
        path: the file.
        lines: gives the line of every case by the case's name.
    """

    class VerdictExtension(AbstractSyrupyExtension):
        def serialize(
            self,
            data: SerializableData,
            *,
            exclude: PropertyFilter | None = None,
            include: PropertyFilter | None = None,
            matcher: PropertyMatcher | None = None,
        ) -> SerializedData:
            return str(data)

        @classmethod
        def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Index = 0) -> str:
            return str(index)

        @classmethod
        def get_location(cls, *, test_location: PyTestLocation, index: Index) -> str:
            return str(path)

        def read_snapshot_data_from_location(
            self, *, snapshot_location: str, snapshot_name: str, session_id: str
        ) -> SerializedData | None:
            return lines().get(snapshot_name)

        def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
            return SnapshotCollection(location=snapshot_location)

        def discover_snapshots(
            self, *, test_location: PyTestLocation, ignore_extensions: list[str] | None = None
        ) -> SnapshotCollections:
            # Which cases are left over depends on --vsc-* options, which syrupy does not know.
            return SnapshotCollections()

        @classmethod
        def write_snapshot(
            cls,
            *,
            snapshot_location: str,
            snapshots: list[tuple[SerializedData, PyTestLocation, Index]],
            name_order: dict[str, int] | None = None,
        ) -> None:
            # Syrupy's own would make the folder, also for an update that is then refused.
            pass

        @classmethod
        def write_snapshot_collection(
            cls,
            *,
            snapshot_collection: SnapshotCollection,
            name_order: dict[str, int] | None = None,
        ) -> None:
            pass

        def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
            pass

    return VerdictExtension
